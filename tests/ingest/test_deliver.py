"""What is told to Kafka, and in which order; tests/e2e shows what a real broker makes of it."""

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from ingest import deliver
from ingest.deliver import Delivery
from ingest.state import Outgoing
from schemas.errors import ServiceError

BATCH = [Outgoing(7, "articles.raw", b"a", b"A"), Outgoing(9, "articles.raw", b"b", b"B")]


class FakeKafka:
    """One producer and admin client; writes down what is asked, fails where it is told to."""

    def __init__(self):
        self.calls = []
        self.offset = -1
        self.fails = None

    def _note(self, *call):
        self.calls.append(call)
        if self.fails == call[0]:
            raise KafkaTimeoutError("too late")

    def producer(self, **given):
        self._note("producer", given["transactional_id"])
        return self

    def admin(self, **_):
        return self

    def init_transactions(self):
        self._note("init")

    def begin_transaction(self):
        self._note("begin")

    def send(self, topic, value, key):
        self._note("send", topic, key, value)
        return self

    def get(self, timeout):  # noqa: ARG002
        self._note("get")

    def send_offsets_to_transaction(self, offsets, group):
        ((_, kept),) = offsets.items()
        self._note("offsets", kept.offset, group)

    def commit_transaction(self):
        self._note("commit")

    def close(self, timeout=None):
        pass

    def list_group_offsets(self, groups):
        return {
            name: {marks[0]: OffsetAndMetadata(self.offset, "", -1)}
            for name, marks in groups.items()
        }


@pytest.fixture
def kafka(monkeypatch):
    fake = FakeKafka()
    monkeypatch.setattr(deliver, "KafkaProducer", fake.producer)
    monkeypatch.setattr(deliver, "KafkaAdminClient", fake.admin)
    return fake


def test_records_and_their_number_are_one_transaction(kafka):
    with Delivery({}, "x") as delivery:
        delivery.begin()
        kafka.calls.clear()
        assert delivery.send(BATCH) == 9
    assert [call[0] for call in kafka.calls] == [
        "begin",
        "send",
        "send",
        "get",
        "get",
        "offsets",
        "commit",
    ]
    assert kafka.calls[1] == ("send", "articles.raw", b"a", b"A")
    assert kafka.calls[5] == ("offsets", 9, "wiredesk-ingest-x")


def test_begin_tells_what_arrived_after_ending_what_was_left_open(kafka):
    assert Delivery({}, "x").begin() == 0
    kafka.offset = 9
    assert Delivery({}, "x").begin() == 9
    assert [call[0] for call in kafka.calls][-2:] == ["producer", "init"]


@pytest.mark.parametrize("step", ["begin", "send", "get", "offsets", "commit"])
def test_batch_that_fails_has_to_begin_anew(kafka, step):
    delivery = Delivery({}, "x")
    delivery.begin()
    kafka.fails = step
    with pytest.raises(ServiceError, match="did not take a batch"):
        delivery.send(BATCH)
    with pytest.raises(ServiceError, match="not begun"):
        delivery.send(BATCH)


@pytest.mark.parametrize("step", ["producer", "init"])
def test_kafka_that_is_not_there_is_named(kafka, step):
    kafka.fails = step
    with pytest.raises(ServiceError, match=r"takes no producer: .*too late"):
        Delivery({}, "x").begin()
