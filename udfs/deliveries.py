"""Records of Kafka, and where they came from, for a dead letter."""

from collections.abc import Iterator

from pyflink.common import Row

from schemas.dead_letter import Delivery


def delivery_of(record: Row, timestamp_ms: int | None = None) -> Delivery:
    """Of Row(key, value, topic, partition, offset, timestamp).

    timestamp_ms  of the operator's context, where it has one: in thread mode the row's own cannot
                  be read (PyFlink 2.3)
    """
    key, value, topic, partition, offset, arrived = record
    if timestamp_ms is None:
        timestamp_ms = arrived.to_epoch_milli()
    return Delivery(key, value, topic, partition, offset, timestamp_ms)


def gathered_deliveries(moment: Row, topic: str) -> Iterator[Delivery]:
    """Of Row(partition, keys, values, offsets, times), each but the first a list."""
    partition, *columns = moment
    for key, value, offset, timestamp_ms in zip(*columns, strict=True):
        yield Delivery(key, value, topic, partition, offset, timestamp_ms)
