"""Outcomes to the topic they belong in."""

from collections.abc import Iterator

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction


def kafka_record_type() -> TypeInformation:
    """(key, value) of a Kafka record."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(["key", "value"], [octets, octets])


def dead_letters_tag() -> OutputTag:
    """Side output of dead letters, `kafka_record_type`."""
    return OutputTag("dead-letters", kafka_record_type())


class RouteOutcomes(ProcessFunction):
    """Enriched articles go on, dead letters leave by side output. No state, no timers.

    An operator of its own because PyFlink 2.3 gives an AsyncFunction no side outputs.
    """

    def __init__(self) -> None:
        self._tag = dead_letters_tag()

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        dead, key, record = value
        yield (self._tag, Row(key, record)) if dead else Row(key, record)
