"""Where a record of Kafka came from, for a dead letter."""

from pyflink.common import Row

from schemas.dead_letter import Delivery


def delivery_of(record: Row) -> Delivery:
    """Of Row(key, value, topic, partition, offset, timestamp)."""
    return delivery_at(record, record[5].to_epoch_milli())


def delivery_at(record: Row, timestamp_ms: int) -> Delivery:
    """The same in thread mode, where the row's own timestamp cannot be read (PyFlink 2.3).

    timestamp_ms  of the operator's context
    """
    key, value, topic, partition, offset, _ = record
    return Delivery(key, value, topic, partition, offset, timestamp_ms)
