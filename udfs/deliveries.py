"""Where a record of Kafka came from, for a dead letter."""

from pyflink.common import Row

from schemas.dead_letter import Delivery


def delivery_of(record: Row) -> Delivery:
    """Of Row(key, value, topic, partition, offset, timestamp)."""
    key, value, topic, partition, offset, timestamp = record
    return Delivery(key, value, topic, partition, offset, timestamp.to_epoch_milli())
