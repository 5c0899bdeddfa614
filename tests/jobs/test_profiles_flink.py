"""The job `profiles` on a MiniCluster: what readers do, good and bad, and what is known of them."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import redis
from pyflink.common import Duration, Row, Types, WatermarkStrategy
from pyflink.common.time import Instant
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.base import Sink
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs import profiles
from jobs.runtime.click_demand import count_demand
from jobs.runtime.profiles_settings import ProfilesSettings
from jobs.runtime.settings import load
from jobs.runtime.steps import step
from local.ports import HOST
from models.keyring import KeyringFile, new_keyring, write_keyring
from models.profiles.signals import MARK_BYTES
from models.sealing import opened_profile
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Entity, Language, TopicScore
from schemas.reader_profile import weights
from schemas.redis_keys import covisited_key, popular_key, profile_key
from schemas.story import StoryArticle
from schemas.topics import (
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    STORIES_ARTICLES,
    STORIES_DEMAND,
    USER_EVENTS,
    USERS_EMBEDDINGS,
)
from schemas.user_event import UserEvent
from udfs.update_profiles import click_type

pytestmark = pytest.mark.flink

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
OLD, NEW = "news-1.0.0", "news-2.0.0"
BOT_CLICKS, BOUND = 300, 20
WAIT_MS = 60_000
LASTING = 1200
"""Events at the end, of which each may be awaited for a tenth of a second."""


def unit(seed):
    vector = np.random.default_rng(seed).normal(size=384)
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


def article(n, *, encoder=OLD, enriched_ms=NOW_MS - 2 * HOUR_MS):
    return EnrichedArticle(
        article_id=f"a{n}",
        url="",
        source="courier.example" if n % 2 else "globe.example",
        title="",
        published_ms=NOW_MS - HOUR_MS,
        ingested_ms=NOW_MS - HOUR_MS,
        enriched_ms=enriched_ms,
        content_hash="",
        language=Language(code="en", confidence=1.0),
        topics=[TopicScore(code=f"t{n % 3}", name="", score=0.5, ancestors=["top"])],
        entities=[
            Entity(text="Berlin", type="place", start=0, end=6, score=1.0, wikidata_id="Q64064064")
        ],
        embedding=unit(n),
        model_versions={"embedding": encoder},
    )


ARTICLES = [article(n) for n in range(10)] + [article(20, encoder=NEW, enriched_ms=NOW_MS)]


PLACED = {"a3": "s1", "a5": "s1", "a0": "s0", "a7": "s2", "never-enriched": "s1"}
"""Stories of some articles; the others are in none."""


def placements():
    """Where articles went: one of them first elsewhere."""
    pairs = [("a7", "s1"), *PLACED.items()]
    records = [
        StoryArticle(
            article_id=article_id,
            story_id=story_id,
            source="courier.example",
            published_ms=NOW_MS,
            probability=1.0,
            novelty=1.0,
            placed_ms=NOW_MS,
        )
        for article_id, story_id in pairs
    ]
    codec = RecordCodec(STORIES_ARTICLES)
    values = [*map(codec.encode, records), b"no placement"]
    at = Instant.of_epoch_milli(NOW_MS)
    return [Row(b"a", value, "", 0, n, at) for n, value in enumerate(values)]


class Events:
    """Events as they lie in the topic, a tenth of a second apart."""

    def __init__(self):
        self.rows = []

    def add(self, reader, kind, article_id=None, at_ms=None, **fields):
        arrived_ms = at_ms or NOW_MS + len(self.rows) * 100
        given = {
            "event_id": f"e{len(self.rows)}",
            "user_key": reader,
            "kind": kind,
            "ts_ms": arrived_ms,
            "consent": True,
            "article_id": article_id,
        } | fields
        self.raw(reader, RecordCodec(USER_EVENTS).encode(UserEvent(**given)), arrived_ms)

    def raw(self, reader, value, arrived_ms):
        at = Instant.of_epoch_milli(arrived_ms)
        key = reader.encode()
        self.rows.append(Row(key, value, USER_EVENTS.name, 0, len(self.rows), at))


def all_that_readers_do():
    """Ordinary readers, and every bad input of the issue."""
    events = Events()
    events.add("reads", "click", "a1")
    events.add("reads", "dwell", "a1", dwell_ms=60_000)
    events.add("reads", "impression", "a2")
    events.add("reads", "click", "a3")
    events.add("also-reads", "click", "a1")
    events.add("also-reads", "click", "a3")
    events.add("reads-a-story", "click", "a3")
    events.add("reads-a-story", "click", "a5")
    events.add("reads-what-moved", "click", "a7")
    events.add("follows", "subscribe", target="entity:Q64064064")
    for _ in range(3):
        events.add("repeats", "click", "a1", event_id="the same")
    events.add("unknown-article", "click", "nobody-wrote-it")
    events.add("clock-ahead", "click", "a1", ts_ms=NOW_MS + 400 * 24 * HOUR_MS)
    events.add("a-day-late", "click", "a2")
    events.add("a-day-late", "click", "a1", ts_ms=NOW_MS - 24 * HOUR_MS)
    events.add("too-old", "click", "a1", ts_ms=NOW_MS - 91 * 24 * HOUR_MS)
    for n in range(10):
        events.add("hides-everything", "hide", f"a{n}")
    events.add("encoder-changes", "click", "a1")
    events.add("encoder-changes", "click", "a20")
    events.add("encoder-changes", "click", "a2")
    events.add("erased", "click", "a1")
    events.add("erased", "click", "nobody-wrote-it")
    events.add("erased", "erase")
    events.add("comes-back", "click", "a1")
    events.add("comes-back", "click", "nobody-wrote-it")
    events.add("comes-back", "erase")
    events.add("comes-back", "click", "a2")
    events.add("withdraws", "click", "a1")
    events.add("withdraws", "click", "a2", consent=False)
    events.add("never-agreed", "click", "a2", consent=False)
    events.add("never-agreed", "click", "a5", consent=False)
    events.add("unusable", "click")
    events.add("unusable", "dwell", "a1")
    events.add("unusable", "subscribe", target="color:red")
    events.raw("unusable", b"not Avro", NOW_MS)
    for n in range(BOT_CLICKS):  # in half a minute
        events.add("bot", "click", "a0", event_id=f"bot{n}", ts_ms=NOW_MS)
    events.add("ends", "click", "a1")
    later_ms = NOW_MS + len(events.rows) * 100 + WAIT_MS + 10_000
    for _ in range(LASTING):  # one event again and again, when nobody waits for articles any more
        events.add("ends", "impression", "a1", event_id="again", ts_ms=NOW_MS, at_ms=later_ms)
    return events.rows


class KafkaTime(TimestampAssigner):
    def extract_timestamp(self, row, _):
        return row[5].to_epoch_milli()


def in_time(env, rows, passing=None):
    """Rows as Kafka has them, on its time; `passing` sees each before."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    raw_type = Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )
    strategy = WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_seconds(1))
    records = env.from_collection(rows, raw_type)
    if passing is not None:
        records = records.rebalance().map(passing, raw_type)
    return records.assign_timestamps_and_watermarks(strategy.with_timestamp_assigner(KafkaTime()))


class Late(MapFunction):
    """Holds the articles back, so that events come before them."""

    def open(self, _):
        self._first = True

    def map(self, row):
        if self._first:
            time.sleep(1.5)
            self._first = False
        return row


class Lasting(MapFunction):
    """The input of a running job does not end: the last events come when Redis has all profiles.

    The last ones are those of readers whose events wait for an article that never comes.
    """

    def __init__(self, port):
        self._port = port

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)
        self._left = 100  # moments more, for what is counted beside those profiles

    def map(self, row):
        if self._left and bytes(row[0]) == b"ends" and row[5].to_epoch_milli() > NOW_MS + WAIT_MS:
            time.sleep(0.1)
            awaited = ["ends", "unknown-article", "comes-back"]
            if self._client.exists(*map(profile_key, awaited)) == len(awaited):
                self._left -= 1
        return row


class PushToRedis(MapFunction):
    """The end of a stream: records go to a list in Redis, where the test reads them."""

    def __init__(self, port, name):
        self._port, self._name = port, name

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)

    def map(self, record):
        value = "(null)" if record[1] is None else bytes(record[1])
        self._client.rpush(self._name, bytes(record[0]), value)


@pytest.fixture(scope="module")
def bundle_size():
    return 10  # what is awaited in one of them holds the others back


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "profiles.toml"
    write_keyring(new_keyring(datetime.now(UTC)), path, replace=False)
    return path


@pytest.fixture(scope="module")
def settings(module_redis, keys_file):
    overrides = {
        "redis_url": f"redis://{HOST}:{port_of(module_redis)}/0",
        "profile_keys_file": keys_file,
        "reader_events_per_minute": BOUND,
        "demand_every_s": 600,  # one window: the rows here pass faster than they arose
    }
    return load(
        ProfilesSettings,
        environment={},
        overrides=[f"{key}={value}" for key, value in overrides.items()],
    )


def port_of(client):
    return client.connection_pool.connection_kwargs["port"]


class Found:
    """What the job left behind."""

    def __init__(self, client, keys_file):
        self._client, self._keys = client, KeyringFile(keys_file)
        self.records = self._pushed("out:profiles")
        self.letters = [
            RecordCodec(DEAD_LETTERS).decode(value) for _, value in self._pushed("out:letters")
        ]
        self.demand = [
            (key, RecordCodec(STORIES_DEMAND).decode(value))
            for key, value in self._pushed("out:demand")
        ]

    def _pushed(self, name):
        values = self._client.lrange(name, 0, -1)
        return list(zip(values[::2], values[1::2], strict=True))

    def profile(self, reader):
        value = self._client.get(profile_key(reader))
        if value is None:
            return None
        return opened_profile(RecordCodec(USERS_EMBEDDINGS).decode(value), self._keys)

    def last_record(self, reader):
        return [value for key, value in self.records if key == reader.encode()][-1]

    def listed(self, key):
        return json.loads(self._client.get(key))["clicks"]


@pytest.fixture(scope="module")
def found(module_env, module_redis, settings, keys_file):
    """One run of the job on everything at once."""
    tables = StreamTableEnvironment.create(module_env)
    profiles.configure_tables(tables, settings)
    codec = RecordCodec(ARTICLES_ENRICHED)
    at = Instant.of_epoch_milli(NOW_MS)
    rows = [Row(b"a", codec.encode(a), "", 0, n, at) for n, a in enumerate(ARTICLES)]
    lasting = Lasting(port_of(module_redis))
    events = in_time(module_env, all_that_readers_do(), lasting)
    articles, placed = (in_time(module_env, each) for each in (rows, placements()))
    late = articles.map(Late(), articles.get_type())
    outputs = profiles.build(profiles.Inputs(events, late, placed), tables, settings)
    for name in ("profiles", "letters", "demand"):
        getattr(outputs, name).map(PushToRedis(port_of(module_redis), f"out:{name}"))
    module_env.execute("test")
    return Found(module_redis, keys_file)


def strengths(profile):
    return weights(profile.reads.keys, profile.reads.values)


def test_reader_s_events_meet_articles_that_come_later(found):
    reads = found.profile("reads")
    assert strengths(reads) == {"a1": 2.0, "a3": 1.0}
    assert reads.counts == {"click": 2, "dwell": 1, "impression": 1}
    assert reads.encoder == OLD
    assert len(reads.long_vector) == len(reads.session_vector) == 768
    assert set(weights(reads.topics.keys, reads.topics.values)) == {"t1", "t0", "top"}
    assert weights(reads.entities.keys, reads.entities.values)["Q64064064"] == pytest.approx(
        3, rel=1e-3
    )


def test_new_reader_has_a_profile_from_the_first_event(found):
    assert found.profile("follows").follows == ["entity:Q64064064"]
    assert found.profile("never-came") is None


def test_repeated_event_id_counts_once(found):
    repeats = found.profile("repeats")
    assert repeats.counts == {"click": 1}
    assert len(repeats.marks) == MARK_BYTES


def test_unknown_article_counts_without_vector_after_the_wait(found):
    unknown = found.profile("unknown-article")
    assert (strengths(unknown), unknown.long_vector) == ({"nobody-wrote-it": 1.0}, None)


def test_clock_that_runs_ahead_is_not_believed(found):
    assert found.profile("clock-ahead").updated_ms < NOW_MS + HOUR_MS


def test_event_a_day_late_counts_by_what_is_left_of_it(found):
    late = found.profile("a-day-late")
    assert late.updated_ms >= NOW_MS
    assert 1.9 < late.long_weight < 2.0
    assert late.session_weight == pytest.approx(1.0, abs=1e-3)


def test_event_older_than_the_retention_counts_nowhere(found):
    assert found.profile("too-old") is None


def test_reader_who_hides_everything_has_only_dislikes(found):
    hides = found.profile("hides-everything")
    assert hides.long_vector is None
    assert sorted(hides.mutes) == [f"article:a{n}" for n in range(10)]
    assert all(value < 0 for value in weights(hides.topics.keys, hides.topics.values).values())


def test_vectors_of_two_encoders_are_never_mixed(found):
    changed = found.profile("encoder-changes")
    assert (changed.encoder, changed.long_vector) == (NEW, unit(20))
    assert set(strengths(changed)) == {"a1", "a20", "a2"}


def test_clicks_of_a_bot_are_bounded(found):
    clicks = found.profile("bot").counts["click"]
    assert BOUND <= clicks <= 2 * BOUND  # they touch two minutes at most
    assert found.listed(popular_key("hour", "en"))["a0"] == 1


def test_erased_reader_leaves_a_tombstone_and_nothing_else(found):
    assert found.profile("erased") is None
    assert found.last_record("erased") == b"(null)"


def test_reader_who_comes_back_starts_from_nothing(found):
    assert strengths(found.profile("comes-back")) == {"a2": 1.0}


def test_reader_without_consent_has_no_profile(found):
    assert found.profile("withdraws") is None
    assert found.profile("never-agreed") is None
    assert not any(key == b"never-agreed" for key, _ in found.records)


def test_unusable_event_is_a_dead_letter(found):
    assert sorted((letter.stage, letter.reason) for letter in found.letters) == [
        ("admit", "unusable_event"),
        ("admit", "unusable_event"),
        ("admit", "unusable_event"),
        ("decode", "not_avro"),
        ("decode", "not_avro"),
    ]


def test_what_readers_click_is_listed_by_language_and_by_what_they_clicked_before(found):
    popular = found.listed(popular_key("hour", "en"))
    assert popular["a3"] == 3
    assert "nobody-wrote-it" not in popular
    following = found.listed(covisited_key("a1"))
    assert following["a3"] == 2
    assert following["a1"] > following["a3"]


def test_readers_of_a_story_are_counted_once_each_and_nobody_is_named(found):
    ((key, told),) = found.demand
    assert key == str(told.end_ms).encode()
    assert told.end_ms - told.begin_ms == 600_000
    assert told.begin_ms <= NOW_MS < told.end_ms
    assert [(one.story_id, one.readers) for one in told.most_read] == [
        ("s1", 3),  # one of them read two of its articles
        ("s0", 1),  # the bot
        ("s2", 1),
    ]
    assert (told.readers, told.stories) == (5, 3)


@pytest.mark.parametrize(("every_s", "lateness_s"), [(20, 10), (2, 2), (1, 10), (20, 0)])
def test_windows_of_demand_lie_side_by_side_however_long_they_wait(
    env, settings, every_s, lateness_s
):
    told = settings.model_copy(update={"demand_every_s": every_s, "demand_lateness_s": lateness_s})
    came = [(0, "s1"), (0, "s1"), (0, None), (500, "s2"), (every_s * 1000, "s1")]
    start_ms = NOW_MS // 60_000 * 60_000
    rows = [Row("en", f"a{n}", None, start_ms + ms, story) for n, (ms, story) in enumerate(came)]
    tables = StreamTableEnvironment.create(env)
    profiles.configure_tables(tables, told)
    counted = count_demand(env.from_collection(rows, click_type()), tables, told)
    with counted.execute_and_collect() as windows:
        found = {end_s * 1000: json.loads(readers) for end_s, readers in windows}
    assert found == {
        start_ms + every_s * 1000: {"s1": 2, "s2": 1},
        start_ms + 2 * every_s * 1000: {"s1": 1},
    }


def test_nothing_of_a_profile_can_be_read_without_the_key(found):
    stored = b"".join(value for key, value in found.records if key == b"reads")
    assert b"courier.example" not in stored
    assert b"Q64064064" not in stored
    assert found.profile("reads").reads.keys.encode() not in stored


def test_step_ids_are_those_that_savepoints_know(env, settings, monkeypatch):
    """The whole job as `main` wires it, with Kafka's ends replaced, is built but not run."""
    discarding = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink
    monkeypatch.setattr(profiles, "kafka_source", lambda *_, **__: in_time(env, []))
    monkeypatch.setattr(profiles, "clock", lambda _: in_time(env, []))
    monkeypatch.setattr(profiles, "kafka_sink", lambda *_: Sink(discarding()))
    monkeypatch.setattr(
        profiles,
        "kafka_table_sink",
        lambda _, stream, __, ___, identity: step(stream.sink_to(Sink(discarding())), identity),
    )
    monkeypatch.setattr(profiles, "settings_from_arguments", lambda *_: settings)
    monkeypatch.setattr(
        profiles.StreamExecutionEnvironment, "get_execution_environment", lambda: env
    )
    executed = []
    monkeypatch.setattr(type(env), "execute", lambda _, name: executed.append(name))
    profiles.main()
    graph = env._j_stream_execution_environment.getStreamGraph(False)
    nodes = get_gateway().jvm.java.util.ArrayList(graph.getStreamNodes())
    uids = {node.getTransformationUID() for node in nodes} - {None}
    assert executed == ["wiredesk-profiles"]
    ids = (Path(__file__).parent / "ids.txt").read_text().split()
    assert sorted(uids) == [each for each in ids if each.startswith("profiles.")]
