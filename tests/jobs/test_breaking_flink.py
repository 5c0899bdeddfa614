"""The job `breaking` on a MiniCluster: what is news raises one alert, what is not raises none."""

from pathlib import Path

import made_articles
import pytest
import redis
from made_articles import START_MS, article, command, embedding
from pyflink.common import WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.base import Sink
from pyflink.java_gateway import get_gateway

from jobs import breaking
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.modes import in_worker
from jobs.runtime.settings import load
from local.ports import HOST
from local.process import wait_until
from models.breaking.watched import alert_id
from schemas.codec import RecordCodec
from schemas.reader_demand import ReaderDemand, StoryReaders
from schemas.topics import ARTICLES_ENRICHED, EDITORIAL_CONTROL, STORIES_DEMAND

pytestmark = pytest.mark.flink

HOUR = 60
MOMENT = 7
"""Articles that are read at once."""

WIRE = "Agency: ferry runs aground off the northern cape, passengers safe"


@pytest.fixture(scope="module")
def execution_mode():
    """As flink-conf/breaking.yaml has it."""
    return "thread"


def background():
    """A quiet stream: a new story every four minutes for twelve hours, with a gap in the eighth."""
    minutes = [m for m in range(0, 12 * HOUR, 4) if not 7 * HOUR <= m < 10 * HOUR]
    return [article(f"b{m}", f"topic{m} matter{m}", f"b{m % 23}.example", m) for m in minutes]


def breaking_story():
    """Twenty independent sources within half an hour."""
    return [article(f"x{n}", "quake hits coast", f"x{n}.example", 360 + 1.5 * n) for n in range(20)]


def future_dated_flood():
    """Forty sources at once, dated half an hour ahead."""
    return [
        article(f"f{n}", "embargo lifted", f"f{n}.example", 400, arrived_minute=370)
        for n in range(40)
    ]


def one_outlet():
    return [article(f"o{n}", "live ticker", "ticker.example", 380 + n) for n in range(30)]


def one_owner():
    return [
        article(f"g{n}", "group campaign", f"g{n}.example", 385 + n, owner="One Group")
        for n in range(30)
    ]


def syndication_storm():
    """Forty mastheads reprint one wire text within half an hour; one headline in ten is new."""
    wire = {"summary": WIRE, "embedding": embedding("ferry aground", "wire")}
    return [
        article(
            f"w{n}",
            "ferry aground",
            f"w{n}.example",
            390 + n * 0.75,
            title=f"Ferry drama, masthead {n}" if n % 10 == 9 else WIRE,
            **wire,
        )
        for n in range(40)
    ]


def daily_column():
    """A column of one outlet, every hour of the night, under the same headline."""
    return [
        article(f"d{n}", "your stars today", "stars.example", n * HOUR, title="Your stars today")
        for n in range(12)
    ]


def replayed_feed():
    """What fifteen sources wrote five hours ago reaches us within a minute."""
    return [
        article(f"r{n}", "old strike", f"r{n}.example", 390 + n, arrived_minute=690 + n / 20)
        for n in range(15)
    ]


QUIET = (
    future_dated_flood,
    one_outlet,
    one_owner,
    syndication_storm,
    daily_column,
    replayed_feed,
    background,
)


def everything():
    """All of it in the order of arrival, two articles twice."""
    articles = [each for case in (*QUIET, breaking_story) for each in case()]
    ordered = sorted(articles, key=lambda each: each.ingested_ms)
    return [*ordered, *(each for each in ordered if each.article_id in ("x3", "b8"))]


def port_of(client):
    return client.connection_pool.connection_kwargs["port"]


@pytest.fixture
def settings(redis_client):
    url = f"redis://{HOST}:{port_of(redis_client)}/0"
    return load(BreakingSettings, environment={}, overrides=[f"redis_url={url}"])


class PushToRedis(MapFunction):
    """The end of a stream: values go to a list in Redis, where the test reads them."""

    def __init__(self, port, name):
        self._port, self._name = port, name

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)

    def map(self, record):
        self._client.rpush(self._name, bytes(record[1]))


class WaitForRedis(MapFunction):
    """Lets a record through when fields in Redis have their values."""

    def __init__(self, port, awaited):
        self._port, self._awaited = port, awaited

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)

    def map(self, record):
        for key, field, value in self._awaited:
            seen = wait_until(lambda k=key, f=field, v=value: self._client.hget(k, f) == v, **WAIT)
            assert seen, f"{key} {field} is {self._client.hget(key, field)}, not {value}"
        return record


def waiting_for(port, awaited, records):
    """Records of Kafka that come when fields in Redis have their values."""
    with in_worker(records):
        held = records.map(WaitForRedis(port, awaited), made_articles.raw_type())
        return held.start_new_chain()


class KafkaTime(TimestampAssigner):
    def extract_timestamp(self, row, _):
        return row[5].to_epoch_milli()


def in_time(records):
    """Records with Kafka's time, as its source gives it: that of a row no thread can read."""
    strategy = WatermarkStrategy.no_watermarks().with_timestamp_assigner(KafkaTime())
    with in_worker(records):
        return records.assign_timestamps_and_watermarks(strategy)


WAIT = {"timeout_s": 120, "every_s": 0.05}


def streams(env, articles, commands, demand=()):
    values = [*made_articles.articles_as_bytes(articles), b"not Avro"]
    rows = made_articles.raws(values, ARTICLES_ENRICHED.name)
    moments = [made_articles.moment(rows[n : n + MOMENT]) for n in range(0, len(rows), MOMENT)]
    return breaking.Inputs(
        env.from_collection(moments, made_articles.moment_type()),
        *(
            in_time(
                env.from_collection(made_articles.raws(each, topic.name), made_articles.raw_type())
            )
            for each, topic in (
                (made_articles.commands_as_bytes(commands), EDITORIAL_CONTROL),
                ([*map(RecordCodec(STORIES_DEMAND).encode, demand), b"no demand"], STORIES_DEMAND),
            )
        ),
    )


def test_news_raises_one_alert_and_the_rest_none(env, redis_client, settings):
    commands = [
        command(1, "pin", story_id="nowhere"),
        command(1, "pin", story_id="nowhere"),
        command(2, "set_budget", value=25.0),
        command(3, "confirm", alert_id="elsewhere.0"),
        command(4, "mute", desk="world", source="x0.example"),
        command(5, "undo", undoes="c4"),
        command(6, "moderate", comment_id="for another job"),
        command(7, "mute", desk="world", entity="nobody"),
        command(8, "unmute", desk="world", entity="nobody"),
    ]
    outputs = breaking.build(streams(env, everything(), commands), settings)
    records = _collected(env, outputs, redis_client)
    _one_alert(records["alerts.breaking"])
    _every_article_has_its_story(records["stories.articles"])
    _stories_are_told(records["stories"], redis_client)
    assert [letter.reason for letter in records["dead-letters"]] == ["not_avro", "not_avro"]
    answers = sorted((entry.command_id, entry.outcome) for entry in records["editorial.audit"])
    assert answers == [
        ("c1", "refused"),
        ("c1", "repeated"),
        ("c2", "applied"),
        ("c3", "refused"),
        ("c4", "applied"),
        ("c5", "applied"),
        ("c7", "applied"),
        ("c8", "applied"),
    ]
    (alert_id,) = {alert.alert_id for alert in records["alerts.breaking"]}
    assert redis_client.hget(f"alert:{alert_id}", "story_id") == b"x0"


def _collected(env, outputs, redis_client):
    """Run to the end; the records of each topic."""
    for topic, stream in outputs.by_topic():
        with in_worker(stream):
            stream.map(PushToRedis(port_of(redis_client), f"out:{topic.name}")).start_new_chain()
    env.execute("test")
    return {
        topic.name: [
            RecordCodec(topic).decode(value)
            for value in redis_client.lrange(f"out:{topic.name}", 0, -1)
        ]
        for topic, _ in outputs.by_topic()
    }


def _one_alert(alerts):
    assert {alert.story_id for alert in alerts} == {"x0"}
    assert [alert.state for alert in alerts if alert.state == "opened"] == ["opened"]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert [alert.sequence for alert in alerts] == list(range(1, len(alerts) + 1))
    first = alerts[0]
    assert 3 <= first.independent_sources < 9
    assert first.score >= first.threshold
    assert [window.minutes for window in first.windows] == [5, 15, 60]
    assert first.windows[1].observed > first.windows[1].expected
    assert len(first.sources) == first.independent_sources
    assert first.entities[0].name == "quake"
    assert first.reasons
    assert first.lead_articles[0].url.startswith("https://x")


def _every_article_has_its_story(placed):
    assert len(placed) == len(everything()) - 2
    stories = {one.article_id: one.story_id for one in placed}
    for case in (breaking_story, future_dated_flood, one_outlet, one_owner, syndication_storm):
        assert len({stories[one.article_id] for one in case()}) == 1, case.__name__
    copies = {one.article_id for one in placed if one.copy_of == "w0"}
    assert copies >= {f"w{n}" for n in range(1, 40)}


def _stories_are_told(stories, redis_client):
    last = {story.story_id: story for story in stories}
    news, wire = last["x0"], last["w0"]
    assert (news.articles, news.independent_sources) == (20, 20)
    assert (wire.articles, wire.copies, wire.independent_sources) == (40, 39, 1)
    assert {burst.minutes for burst in news.bursts} == {5, 15, 60}
    assert sum(moment.observed for moment in news.history) == 20
    assert news.scores[0].desk == "world"
    assert redis_client.hget("story:x0", "articles") == b"20"
    assert redis_client.get("article_story:x7") == b"x0"
    assert redis_client.zrevrange("stories:top:world", 0, 0) == [b"x0"]


def two_tellings_of_one_quake():
    """Two stories that an editor knows to be one, each of them alerted, and one that is two, slow
    enough to raise no alert by itself.
    """
    first = breaking_story()[:12]
    again = [
        article(f"y{n}", "tremor shakes port", f"y{n}.example", 361 + 1.5 * n) for n in range(12)
    ]
    mixed = [article(f"z{n}", "budget vote", f"z{n}.example", 365 + 9 * n) for n in range(6)]
    return sorted([*first, *again, *mixed], key=lambda each: each.ingested_ms)


def test_editors_merge_split_retract_score_and_dismiss_stories(env, redis_client, settings):
    alerts = {story: alert_id("world", story, 1) for story in ("x0", "y0", "z0")}
    commands = [
        command(1, "merge", story_id="x0", other_story_id="y0"),
        command(2, "split", story_id="z0", article_ids=["z3", "z4"]),
        command(3, "retract", story_id="x0", reason="drill"),
        command(4, "override_score", story_id="z0", value=0.99),
        command(5, "dismiss", alert_id=alerts["z0"], reason="no budget"),
        command(6, "clear_override", story_id="z0"),
        command(7, "pin", story_id="z0", until_ms=2 * START_MS),
    ]
    awaited = [
        [(f"alert:{alerts[story]}", "state", b"escalated") for story in ("x0", "y0")]
        + [("story:x0", "articles", b"12"), ("story:y0", "articles", b"12")],
        [("story:z0", "articles", b"6")],
        [(f"alert:{alerts['y0']}", "state", b"closed")],
        [("story:z0", "articles", b"4")],
        [(f"alert:{alerts['z0']}", "state", b"opened")],
        [(f"alert:{alerts['z0']}", "state", b"dismissed")],
        [("story:z0", "articles", b"4")],
    ]
    port = port_of(redis_client)
    raws, _, demand = streams(env, two_tellings_of_one_quake(), [])
    # a source each: a record that waits holds back what else is in its bundle
    first, *rest = (
        waiting_for(port, fields, streams(env, [], [order]).commands)
        for order, fields in zip(commands, awaited, strict=True)
    )
    waiting = first.union(*rest)
    inputs = breaking.Inputs(raws, waiting, demand)
    records = _collected(env, breaking.build(inputs, settings), redis_client)
    answers = {(entry.command_id, entry.outcome) for entry in records["editorial.audit"]}
    assert answers == {(f"c{number}", "applied") for number in range(1, 8)}
    last = {story.story_id: story for story in records["stories"]}
    assert (last["y0"].status, last["y0"].merged_into) == ("merged", "x0")
    assert (last["x0"].status, last["x0"].articles) == ("retracted", 24)
    assert last["x0"].independent_sources == 24
    assert "y0" in last["x0"].aliases
    assert (last["z0"].articles, last["z3"].articles) == (4, 2)
    homes = {one.article_id: (one.story_id, one.previous_story_id) for one in records[PLACED]}
    assert {homes[f"y{n}"] for n in range(12)} == {("x0", "y0")}
    assert {homes["z3"], homes["z4"]} == {("z3", "z0")}
    assert homes["z5"] == ("z0", None)
    assert redis_client.get("article_story:y3") == b"x0"
    told = {
        story: [(a.state, a.note) for a in records["alerts.breaking"] if a.alert_id == each]
        for story, each in alerts.items()
    }
    assert [state for state, _ in told["y0"]] == ["opened", "escalated", "closed"]
    assert told["y0"][-1][1] == f"goes on as {alerts['x0']}"
    assert [state for state, _ in told["x0"]] == ["opened", "escalated", "corrected"]
    assert told["x0"][-1][1] == "drill"
    by_hand = [a for a in records["alerts.breaking"] if a.alert_id == alerts["z0"]]
    assert [(a.state, a.score, a.by) for a in by_hand] == [
        ("opened", 0.99, None),
        ("dismissed", 0.99, "ada"),
    ]
    assert by_hand[0].reasons == ["score set by ada"]
    assert by_hand[1].note == "no budget"
    assert last["z0"].pinned_until_ms == 2 * START_MS


PLACED = "stories.articles"

READERS_DESK = """
[world]
sources = 10
hours = 2.0
alerts_per_day = 12.0
least_sources = 3
readers = "alert"
breaking_readers = 350
"""


def flocking(story_id):
    """Seven minutes in which more and more readers come to a story, from its first article on."""
    begin_ms = breaking_story()[0].published_ms
    found = []
    for n, readers in enumerate([1, 1, 2, 3, 5, 8, 10, *[14] * 14]):
        start_ms = begin_ms + n * 20_000
        found.append(
            ReaderDemand(
                begin_ms=start_ms,
                end_ms=start_ms + 20_000,
                told_ms=start_ms + 30_000,
                readers=readers + 40,
                stories=9,
                most_read=[
                    StoryReaders(story_id="nobody knows it", readers=20),
                    StoryReaders(story_id=story_id, readers=readers),
                ],
            )
        )
    return found


def test_readers_who_flock_to_a_story_raise_its_alert(env, redis_client, settings, tmp_path):
    path = tmp_path / "desks.toml"
    path.write_text(READERS_DESK)
    told = settings.model_copy(update={"desks_file": path})
    raws, orders, demand = streams(env, breaking_story()[:2], [], flocking("x0"))
    waiting = waiting_for(port_of(redis_client), [("story:x0", "articles", b"2")], demand)
    inputs = breaking.Inputs(raws, orders, waiting)
    records = _collected(env, breaking.build(inputs, told), redis_client)
    (alert,) = records["alerts.breaking"]
    assert (alert.story_id, alert.state, alert.independent_sources) == ("x0", "opened", 2)
    assert alert.outcome == "readers=350,hours=2"
    assert alert.readers.observed == alert.readers.total > 10 * alert.readers.expected / 2
    assert sorted(letter.topic for letter in records["dead-letters"]) == [
        "articles.enriched",
        "stories.demand",
    ]


def test_step_ids_are_those_that_savepoints_know(env, settings, monkeypatch):
    """The whole job as `main` wires it, with Kafka's ends replaced, is built but not run."""
    discarding = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink
    topics = (ARTICLES_ENRICHED, EDITORIAL_CONTROL, STORIES_DEMAND)
    rows = made_articles.raws([b"no record"], "some topic")
    sources = {topic: env.from_collection(rows, made_articles.raw_type()) for topic in topics}
    monkeypatch.setattr(breaking, "kafka_source", lambda _, topic, *__, **___: sources[topic])
    monkeypatch.setattr(breaking, "kafka_sink", lambda *_: Sink(discarding()))
    monkeypatch.setattr(breaking, "settings_from_arguments", lambda *_: settings)
    monkeypatch.setattr(
        breaking.StreamExecutionEnvironment, "get_execution_environment", lambda: env
    )
    executed = []
    monkeypatch.setattr(type(env), "execute", lambda _, name: executed.append(name))
    breaking.main()
    nodes = env._j_stream_execution_environment.getStreamGraph(False).getStreamNodes().toArray()
    uids = {node.getTransformationUID() for node in nodes} - {None}
    assert executed == ["wiredesk-breaking"]
    ids = (Path(__file__).parent / "ids.txt").read_text().split()
    ours = {each for each in uids if each.startswith("breaking.")}
    assert sorted(ours) == [each for each in ids if each.startswith("breaking.")]
    names = {node.getOperatorName() for node in nodes}
    assert not names & {"Map", "_stream_key_by_map_operator"}, "records pass idle Python functions"
