"""Where a record of Kafka came from, for a dead letter."""

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
