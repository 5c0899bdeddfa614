"""The thread that reads topics: where it begins, what it skips, how it goes on after an outage."""

import asyncio
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaConnectionError
from server_parts import NOW_MS, alert, story

from schemas.codec import RecordCodec
from schemas.topics import ALERTS_BREAKING, STORIES
from serving import kafka
from serving.kafka import Reading, TopicReader

PATIENCE_S = 120


class Broker:
    """Topics of one partition each, and consumers on them; `away` makes every call fail."""

    def __init__(self):
        self.topics = {}
        self.away = False
        self.opened = 0

    def add(self, topic, value, timestamp=NOW_MS):
        if not isinstance(value, bytes | None):
            value = RecordCodec(topic).encode(value)
        kept = self.topics.setdefault(topic.name, [])
        kept.append(
            SimpleNamespace(
                topic=topic.name, partition=0, offset=len(kept), timestamp=timestamp, value=value
            )
        )

    def consumer(self, **_):
        self.opened += 1
        return Consumer(self)


class Consumer:
    """What of KafkaConsumer is used."""

    def __init__(self, broker):
        self.broker = broker
        self.places = {}

    def __enter__(self):
        self._reach()
        return self

    def __exit__(self, *_):
        return None

    def _reach(self):
        if self.broker.away:
            raise KafkaConnectionError("nobody answers")

    def partitions_for_topic(self, topic):
        return {0} if topic in self.broker.topics else None

    def assign(self, partitions):
        self.places = dict.fromkeys(partitions, 0)

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions):
        return {p: len(self.broker.topics[p.topic]) for p in partitions}

    def offsets_for_times(self, since):
        return {
            p: next((r for r in self.broker.topics[p.topic] if r.timestamp >= moment), None)
            for p, moment in since.items()
        }

    def seek(self, partition, offset):
        self.places[partition] = offset

    def position(self, partition):
        return self.places[partition]

    def poll(self, _):
        self._reach()
        found = {}
        for partition, place in self.places.items():
            if records := self.broker.topics[partition.topic][place : place + 2]:
                found[partition] = records
                self.places[partition] = place + len(records)
        return found


@pytest.fixture
def broker(monkeypatch):
    made = Broker()
    monkeypatch.setattr(kafka, "KafkaConsumer", made.consumer)
    monkeypatch.setattr(kafka, "_BACKOFF_S", (0.01,))
    monkeypatch.setattr(kafka, "_LOOK_AGAIN_S", 0.05)
    return made


@pytest.fixture
async def start():
    """Starts a reader of alerts and stories; gives it and the ids that came."""
    running = []

    def started(since_ms=None):
        came = []

        async def deliver(batch):
            came.extend((one.topic, one.offset) for one in batch)

        readings = [Reading(ALERTS_BREAKING, since_ms), Reading(STORIES, since_ms)]
        reader = TopicReader({"bootstrap_servers": ["k:1"]}, readings, RecordCodec, deliver)
        reader.start()
        running.append(reader)
        return reader, came

    yield started
    for reader in running:
        await reader.stop()


async def until(holds):
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


def offsets(came, topic=ALERTS_BREAKING):
    return [offset for name, offset in came if name == topic.name]


async def test_everything_there_is_delivered_before_it_is_caught_up(broker, start):
    for n in range(5):
        broker.add(ALERTS_BREAKING, alert(f"a{n}"))
    broker.add(STORIES, story())
    reader, came = start()
    async with asyncio.timeout(PATIENCE_S):
        await reader.caught_up.wait()
    assert offsets(came) == [0, 1, 2, 3, 4]
    assert offsets(came, STORIES) == [0]
    assert reader.state.problem is None


async def test_reading_begins_at_a_moment(broker, start):
    broker.add(ALERTS_BREAKING, alert("old"), timestamp=NOW_MS - 10)
    broker.add(ALERTS_BREAKING, alert("new"))
    broker.add(STORIES, story(), timestamp=NOW_MS - 10)
    reader, came = start(since_ms=NOW_MS)
    async with asyncio.timeout(PATIENCE_S):
        await reader.caught_up.wait()
    assert came == [(ALERTS_BREAKING.name, 1)]


async def test_what_cannot_be_read_is_skipped_and_counted(broker, start):
    broker.add(ALERTS_BREAKING, b"no avro")
    broker.add(ALERTS_BREAKING, None)
    broker.add(ALERTS_BREAKING, alert())
    broker.add(STORIES, story())
    reader, came = start()
    async with asyncio.timeout(PATIENCE_S):
        await reader.caught_up.wait()
    assert offsets(came) == [2]
    assert reader.state.undecodable == 1


async def test_it_goes_on_where_it_was_after_kafka_was_away(broker, start):
    broker.add(ALERTS_BREAKING, alert("a0"))
    broker.add(STORIES, story())
    reader, came = start()
    async with asyncio.timeout(PATIENCE_S):
        await reader.caught_up.wait()
    broker.away = True
    await until(lambda: reader.state.problem is not None)
    assert "away" in reader.state.problem
    broker.add(ALERTS_BREAKING, alert("a1"))
    broker.away = False
    await until(lambda: len(offsets(came)) == 2)
    assert offsets(came) == [0, 1]
    assert broker.opened > 1


async def test_a_topic_that_is_made_later_is_found(broker, start):
    broker.add(ALERTS_BREAKING, alert())
    reader, came = start()
    await until(lambda: reader.state.missing == [STORIES.name])
    broker.add(STORIES, story())
    await until(lambda: offsets(came, STORIES) == [0])
    assert reader.state.missing == []
    assert offsets(came) == [0]
