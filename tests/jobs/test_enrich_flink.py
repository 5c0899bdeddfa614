"""The job `enrich` on a MiniCluster: every record arrives once, where it belongs."""

from pathlib import Path

import pytest
import redis
from pyflink.common import Row, Types
from pyflink.common.time import Instant
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.base import Sink
from pyflink.java_gateway import get_gateway

from jobs import enrich
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import load
from local.ports import HOST
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS

pytestmark = pytest.mark.flink

ARRIVED_MS = 1_790_000_000_000
GOOD, BAD = 60, 4


def article(n):
    text = f"The council voted on Tuesday to reopen bridge number {n % 50} after two years."
    return RecordCodec(ARTICLES_RAW).encode(
        Article(
            article_id=f"a{n}",
            source="courier.example",
            title="Bridge reopens",
            body=text,
            published_ms=ARRIVED_MS - n,
            fetched_ms=ARRIVED_MS,
        )
    )


def raw_type():
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )


def raws_of(env):
    values = [article(n) for n in range(GOOD)]
    values += [b"not Avro", article(0)[:40], b"\xc3\x01" + bytes(8) + b"?", None]
    arrived = Instant.of_epoch_milli(ARRIVED_MS)
    rows = [Row(b"k", v, "articles.raw", 1, n, arrived) for n, v in enumerate(values)]
    return env.from_collection(rows, raw_type())


def port_of(client):
    return client.connection_pool.connection_kwargs["port"]


def settings_for(client):
    url = f"redis://{HOST}:{port_of(client)}/0"
    return load(EnrichSettings, environment={}, overrides=[f"redis_url={url}"])


class PushToRedis(MapFunction):
    """The end of a stream: values go to a list in Redis, where the test reads them."""

    def __init__(self, port, name):
        self._port, self._name = port, name

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)

    def map(self, record):
        self._client.rpush(self._name, bytes(record[0]), bytes(record[1]))


def pushed(client, name, topic):
    """(key, decoded value) of each record in the list."""
    values = client.lrange(name, 0, -1)
    codec = RecordCodec(topic)
    return [
        (key, codec.decode(value)) for key, value in zip(values[::2], values[1::2], strict=True)
    ]


def test_every_record_arrives_once_where_it_belongs(env, redis_client):
    outputs = enrich.build(raws_of(env), settings_for(redis_client))
    for stream, name in ((outputs.enriched, "out:enriched"), (outputs.letters, "out:letters")):
        stream.map(PushToRedis(port_of(redis_client), name))
    env.execute("test")
    records = pushed(redis_client, "out:enriched", ARTICLES_ENRICHED)
    dead = pushed(redis_client, "out:letters", DEAD_LETTERS)
    enriched, letters = dict(records), dict(dead)
    assert (len(records), len(dead)) == (GOOD, BAD)
    assert enriched.keys() == {b"a%d" % n for n in range(GOOD)}
    assert {(r.language.code, len(r.embedding), r.ingested_ms) for r in enriched.values()} == {
        ("en", 768, ARRIVED_MS)
    }
    assert {key: (r.reason, r.offset) for key, r in letters.items()} == {
        b"articles.raw/1/60": ("not_avro", 60),
        b"articles.raw/1/61": ("truncated", 61),
        b"articles.raw/1/62": ("unknown_schema", 62),
        b"articles.raw/1/63": ("empty_value", 63),
    }
    assert letters[b"articles.raw/1/60"].value == b"not Avro"
    assert len(redis_client.keys("article:*")) == GOOD
    assert redis_client.hget("article:a7", "embedding") == enriched[b"a7"].embedding


def test_step_ids_are_those_that_savepoints_know(env, redis_client, monkeypatch):
    """The whole job as `main` wires it, with Kafka's ends replaced, is built but not run."""
    discarding = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink
    monkeypatch.setattr(enrich, "kafka_source", lambda *_: raws_of(env))
    monkeypatch.setattr(enrich, "kafka_sink", lambda *_: Sink(discarding()))
    monkeypatch.setattr(enrich, "settings_from_arguments", lambda *_: settings_for(redis_client))
    monkeypatch.setattr(enrich.StreamExecutionEnvironment, "get_execution_environment", lambda: env)
    executed = []
    monkeypatch.setattr(type(env), "execute", lambda _, name: executed.append(name))
    enrich.main()
    transformations = env._j_stream_execution_environment.getTransformations()
    uids = [uid for t in transformations if (uid := t.getUid()) is not None]
    assert executed == ["wiredesk-enrich"]
    known = (Path(__file__).parent / "ids.txt").read_text().split()
    assert sorted(uids) == [name for name in known if name.startswith("enrich.")]
