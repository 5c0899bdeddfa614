"""A Kafka in memory behind `cli.connection`, and the command's runner."""

from collections import defaultdict
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cli.connection import Connection
from cli.main import app
from ingest import send
from schemas.codec import RecordCodec
from schemas.topics import TOPICS

collect_ignore = ["conftest.py"]  # of several folders; the doctest collector wants one of a name


class FakeKafka:
    """Topics with their partitions and records; also an admin client and a factory of consumers."""

    def __init__(self):
        self.records = defaultdict(lambda: defaultdict(list))
        self.configs = {}
        self.brokers = 1
        self.sent = []

    def add(self, topic, value, key=b"k", timestamp=1_000, partition=0):
        """Append one record, its value bytes or a typed record."""
        if not isinstance(value, bytes | None):
            value = RecordCodec(TOPICS[topic]).encode(value)
        kept = self.records[topic][partition]
        kept.append(
            SimpleNamespace(
                topic=topic,
                partition=partition,
                offset=len(kept),
                timestamp=timestamp,
                key=key,
                value=value,
            )
        )

    def create(self, topic, partitions=1, config=None):
        for partition in range(partitions):
            self.records[topic][partition] = []
        self.configs[topic] = dict(config or {})

    # what of KafkaAdminClient is used

    def list_topics(self):
        return list(self.records)

    def describe_cluster(self):
        return {"brokers": [{}] * self.brokers}

    def describe_topics(self, topics):
        return [
            {"name": topic, "partitions": [{"replica_nodes": [1]} for _ in self.records[topic]]}
            for topic in topics
        ]

    def describe_configs(self, resources):
        found = {
            r.name: {k: {"value": v} for k, v in self.configs.get(r.name, {}).items()}
            for r in resources
        }
        return {"topic": found}

    def create_topics(self, topics):
        for name, new in topics.items():
            self.create(name, new["num_partitions"], new["configs"])
            self.replication = new["replication_factor"]

    def wait_for_topics(self, topics, timeout_ms):
        assert timeout_ms > 0
        assert all(topic in self.records for topic in topics)

    def create_partitions(self, counts):
        for topic, count in counts.items():
            for partition in range(count):
                self.records[topic].setdefault(partition, [])

    def alter_configs(self, resources):
        for resource in resources:
            self.configs[resource.name] |= resource.configs
        return {"topic": {resource.name: "OK" for resource in resources}}


class FakeConsumer:
    """What of KafkaConsumer is used; a poll gives at most two records of one partition."""

    def __init__(self, kafka):
        self._kafka = kafka
        self._at = {}

    def partitions_for_topic(self, topic):
        return set(self._kafka.records.get(topic, {})) or None

    def assign(self, partitions):
        self._at = dict.fromkeys(partitions, 0)

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions):
        return {p: len(self._kafka.records[p.topic][p.partition]) for p in partitions}

    def offsets_for_times(self, times):
        return {p: self._first_since(p, ms) for p, ms in times.items()}

    def _first_since(self, partition, ms):
        kept = self._kafka.records[partition.topic][partition.partition]
        return next((r for r in kept if r.timestamp >= ms), None)

    def seek(self, partition, offset):
        self._at[partition] = offset

    def position(self, partition):
        return self._at[partition]

    def poll(self, _timeout_ms):
        for partition, at in self._at.items():
            found = self._kafka.records[partition.topic][partition.partition][at : at + 2]
            if found:
                self._at[partition] += len(found)
                return {partition: found}
        return {}


class FakeSender:
    """Stands for ArticleSender; keeps what is sent in `kafka.sent`."""

    def __init__(self, kafka):
        self._kafka = kafka

    def __call__(self, _connection, *, topic=TOPICS["articles.raw"], registry=None):
        self._topic, self._codec = topic.name, RecordCodec(topic, registry)
        return self

    def send(self, article, timestamp_ms=None):
        key = article.article_id.encode()
        self.send_raw(key, self._codec.encode(article), timestamp_ms)

    def send_raw(self, key, value, timestamp_ms=None, *, topic=None):
        self._kafka.sent.append((topic or self._topic, key, value, timestamp_ms))

    def flush(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def kafka(monkeypatch):
    """An empty Kafka without topics."""
    fake = FakeKafka()

    @contextmanager
    def consumer(_connection, **_):
        yield FakeConsumer(fake)

    @contextmanager
    def admin(_connection):
        yield fake

    monkeypatch.setattr(Connection, "consumer", consumer)
    monkeypatch.setattr(Connection, "admin", admin)
    monkeypatch.setattr(send, "ArticleSender", FakeSender(fake))
    monkeypatch.setenv("WIREDESK_KAFKA_BOOTSTRAP", "fake:1")
    return fake


@pytest.fixture
def run(monkeypatch):
    """Runs `wiredesk ARGUMENTS...` on a wide screen."""
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments, **options):
        return CliRunner().invoke(app, [str(a) for a in arguments], **options)

    return invoke
