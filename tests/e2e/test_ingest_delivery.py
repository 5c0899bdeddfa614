"""From the outbox to a real broker: each record once, whatever dies in between."""

import pytest
from kafka import KafkaConsumer, TopicPartition

from cli.connection import connect
from ingest.deliver import Delivery
from ingest.state import State
from schemas.topics import QUALITY_SIGNALS

pytestmark = pytest.mark.e2e

TOPIC = QUALITY_SIGNALS.name


@pytest.fixture
def client(stack, topics_created):
    return connect(stack.kafka).client()


def delivered(client, start):
    """Values on the topic's one partition from an offset on, as committed readers see them."""
    partition = TopicPartition(TOPIC, 0)
    with KafkaConsumer(**client, group_id=None, isolation_level="read_committed") as consumer:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        consumer.seek(partition, start)
        found = []
        while consumer.position(partition) < end:
            for records in consumer.poll(200).values():
                found += [record.value for record in records]
        return found, end


def test_batch_is_there_once_when_its_sender_dies_before_it_can_note_so(client, tmp_path):
    _, start = delivered(client, 0)
    with State(tmp_path / "state.sqlite") as state:
        for value in (b"a", b"b"):
            state.put(TOPIC, b"k", value)
        killed = Delivery(client, state.id)
        state.arrived(killed.begin())
        killed.send(state.outgoing(9))  # and no `state.arrived`: the process is gone
        assert state.outbox_count() == 2
        with Delivery(client, state.id) as delivery:
            state.arrived(delivery.begin())
            assert state.outgoing(9) == []
            state.put(TOPIC, b"k", b"c")
            state.arrived(delivery.send(state.outgoing(9)))
    assert delivered(client, start)[0] == [b"a", b"b", b"c"]


def test_open_transaction_of_a_dead_sender_is_not_seen(client, tmp_path):
    _, start = delivered(client, 0)
    with State(tmp_path / "state.sqlite") as state:
        state.put(TOPIC, b"k", b"a")
        killed = Delivery(client, state.id)
        state.arrived(killed.begin())
        killed._producer.begin_transaction()
        killed._producer.send(TOPIC, b"a", b"k").get(timeout=30)
        with Delivery(client, state.id) as delivery:
            state.arrived(delivery.begin())
            state.arrived(delivery.send(state.outgoing(9)))
    assert delivered(client, start)[0] == [b"a"]
