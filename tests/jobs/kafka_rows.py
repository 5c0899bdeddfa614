"""Rows as the Kafka source gives them, for streams of tests."""

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation


def raw_type() -> TypeInformation:
    """Of Row(key, value, topic, partition, offset, timestamp)."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )
