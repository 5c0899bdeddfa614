"""The job `audience` on a MiniCluster: what becomes of comments, good and bad."""

from pathlib import Path

import pytest
import redis
from pyflink.common import Row, Types, WatermarkStrategy
from pyflink.common.time import Instant
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.base import Sink
from pyflink.java_gateway import get_gateway

from jobs import audience
from jobs.audience import Inputs
from jobs.runtime.audience_settings import AudienceSettings
from jobs.runtime.modes import in_worker
from jobs.runtime.settings import load
from local.ports import HOST
from models.comment_analyzer import CommentAnalyzer
from schemas.codec import RecordCodec
from schemas.comment import Comment
from schemas.editorial import EditorialCommand
from schemas.errors import InferenceError
from schemas.story import StoryArticle
from schemas.topics import (
    AUDIENCE_SENTIMENT,
    COMMENTS_ENRICHED,
    COMMENTS_RAW,
    DEAD_LETTERS,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    MODERATION_QUEUE,
    STORIES_ARTICLES,
)

pytestmark = pytest.mark.flink

ARRIVED_MS = 1_790_000_000_000
MINUTE_MS = 60_000
TOXIC = "You are a worthless idiot, shut up you pathetic moron"
HOSTILE = "This is a scandal, the harbour company lied to all of us and I am furious"


@pytest.fixture(scope="module")
def execution_mode():
    """As flink-conf/audience.yaml has it."""
    return "thread"


def author(n):
    return f"1.{n:022d}"


def comment(comment_id, text, article_id="a1", by=1, ago_min=5, **more):
    return Comment(
        comment_id=comment_id,
        article_id=article_id,
        author_key=author(by),
        text=text,
        published_ms=ARRIVED_MS - ago_min * MINUTE_MS,
        **more,
    )


def record(topic, value, offset, key=None):
    """A Kafka record as the source gives it; `value` is a record of the topic, or bytes."""
    encoded = (
        value if value is None or isinstance(value, bytes) else RecordCodec(topic).encode(value)
    )
    arrived = Instant.of_epoch_milli(ARRIVED_MS + offset)
    return Row(key or b"k", encoded, topic.name, 0, offset, arrived)


def raw_type():
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )


def placement(article_id, story_id):
    return StoryArticle(
        article_id=article_id,
        story_id=story_id,
        source="courier.example",
        published_ms=ARRIVED_MS - 30 * MINUTE_MS,
        probability=0.9,
        novelty=0.5,
        placed_ms=ARRIVED_MS,
    )


class KafkaTime(TimestampAssigner):
    def extract_timestamp(self, row, _):
        return row[5].to_epoch_milli()


def stream(env, rows):
    strategy = WatermarkStrategy.no_watermarks().with_timestamp_assigner(KafkaTime())
    sent = env.from_collection(rows, raw_type())
    with in_worker(sent):  # where a row's own time can be read
        return sent.assign_timestamps_and_watermarks(strategy)


def inputs_of(env, comments, placements=(), commands=()):
    def rows(topic, values):
        return [record(topic, value, n) for n, value in enumerate(values)]

    return Inputs(
        stream(
            env,
            [
                each if isinstance(each, Row) else record(COMMENTS_RAW, each, n)
                for n, each in enumerate(comments)
            ],
        ),
        stream(env, rows(STORIES_ARTICLES, placements or [placement("elsewhere", "s9")])),
        stream(env, rows(EDITORIAL_CONTROL, commands or [IGNORED])),
    )


IGNORED = EditorialCommand(command_id="m0", kind="mute", author="ed", issued_ms=ARRIVED_MS)


def port_of(client):
    return client.connection_pool.connection_kwargs["port"]


def settings_for(client, **more):
    url = f"redis://{HOST}:{port_of(client)}/0"
    overrides = [f"{key}={value}" for key, value in {"redis_url": url, **more}.items()]
    return load(AudienceSettings, environment={}, overrides=overrides)


class PushToRedis(MapFunction):
    """The end of a stream: values go to a list in Redis, where the test reads them."""

    def __init__(self, port, name):
        self._port, self._name = port, name

    def open(self, _):
        self._client = redis.Redis(HOST, self._port)

    def map(self, row):
        self._client.rpush(self._name, bytes(row[0]), bytes(row[1]))


TOPICS = {
    "enriched": COMMENTS_ENRICHED,
    "moods": AUDIENCE_SENTIMENT,
    "cases": MODERATION_QUEUE,
    "audits": EDITORIAL_AUDIT,
    "letters": DEAD_LETTERS,
}


def run(env, client, inputs, **settings):
    """What the job gives for some inputs: by output, the records in the order in which they came."""
    outputs = audience.build(inputs, settings_for(client, **settings))._asdict()
    for name in TOPICS:
        outputs[name].map(PushToRedis(port_of(client), f"out:{name}"))
    env.execute("test")
    found = {}
    for name, topic in TOPICS.items():
        values = client.lrange(f"out:{name}", 0, -1)[1::2]
        found[name] = [RecordCodec(topic).decode(value) for value in values]
    return found


TABLE = {
    "plain": comment("plain", "This is wonderful news, I love it!", by=2),
    "empty": comment("empty", " <p></p> \u200b ", by=3),
    "long": comment("long", "The council voted to open the bridge. " * 2_700, by=4),
    "emoji": comment("emoji", "🔥🔥 👍👍👍", by=5),
    "address": comment("address", "https://elsewhere.example/x?y=1", by=6),
    "mixed": comment("mixed", "Привет, this is грандиозно! 素晴らしい ニュース", by=7),
    "joins": comment(
        "joins", "Mail me: jane\u200b.doe@exam\u200dple.org or I cannot help 👩‍👩‍👧", by=8
    ),
    "nowhere": comment("nowhere", "Does this article even exist?", article_id="unheard-of", by=9),
    "orphan": comment("orphan", "I do not agree with you at all.", parent_id="never-came", by=10),
    "future": comment("future", "Greetings from tomorrow", ago_min=-1_500, by=11),
    "german": comment(
        "german",
        "Ruft mich an: 030 23125 678, ich wohne Lindenstraße 12, 10969 Berlin",
        language="de",
        by=12,
    ),
    "toxic": comment("toxic", TOXIC, by=13),
    "swahili": comment("swahili", "Habari za asubuhi, daraja jipya limefunguliwa leo", by=14),
    "unreadable": comment("unreadable", "No model gets through this one, +49 30 23125 678", by=15),
}
RAW_ID = "jane.doe@example.org"


@pytest.fixture(scope="module")
def failing():
    """A model that fails on one comment of the table."""
    analyze = CommentAnalyzer.analyze

    async def told_to_fail(self, text, language=None):
        if text.startswith("No model gets through"):
            raise InferenceError("told to fail")
        return await analyze(self, text, language)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommentAnalyzer, "analyze", told_to_fail)
        yield


@pytest.fixture(scope="module")
def table(module_env, module_redis, failing):
    """What one run made of the whole table of bad input, of edits and of deletions."""
    rows = [
        record(COMMENTS_RAW, each, n, key=each.comment_id.encode())
        for n, each in enumerate(TABLE.values())
    ]
    rows += [
        record(COMMENTS_RAW, b"not Avro, call 030 23125 678", 100),
        Row(None, b"", COMMENTS_RAW.name, 0, 101, Instant.of_epoch_milli(ARRIVED_MS)),
        # edited: the older version comes after the newer one
        record(
            COMMENTS_RAW,
            comment("edited", "This is wonderful, I love it.", "a2", by=20, ago_min=3),
            102,
        ),
        record(
            COMMENTS_RAW,
            comment("edited", "This is horrible, I hate it.", "a2", by=20, ago_min=9),
            103,
        ),
        # deleted, with its deletion before and after
        record(COMMENTS_RAW, comment("deleted", HOSTILE, "a2", by=21), 104, key=b"deleted"),
        Row(b"deleted", None, COMMENTS_RAW.name, 0, 105, Instant.of_epoch_milli(ARRIVED_MS)),
        record(COMMENTS_RAW, comment("revived", HOSTILE, "a2", by=22), 107, key=b"revived"),
        Row(b"revived", None, COMMENTS_RAW.name, 0, 106, Instant.of_epoch_milli(ARRIVED_MS)),
        # what a site sends that does not turn the ids of its authors into pseudonyms
        record(
            COMMENTS_RAW, comment("raw", HOSTILE).model_copy(update={"author_key": RAW_ID}), 108
        ),
    ]
    placements = [placement("a1", "s1"), placement("a2", "s1"), b"not Avro"]
    commands = [IGNORED, b"not Avro"]
    found = run(module_env, module_redis, inputs_of(module_env, rows, placements, commands))
    for kind in ("comment", "audience"):
        for key in module_redis.keys(f"{kind}:*"):
            found[key.decode()] = module_redis.hgetall(key)
    found["comments:a2"] = module_redis.zrange("comments:a2", 0, -1)
    return found


def enriched(table, comment_id):
    found = [each for each in table["enriched"] if each.comment_id == comment_id]
    assert len(found) == 1
    return found[0]


def letter(table, offset):
    return next(
        each
        for each in table["letters"]
        if (each.topic, each.offset) == (COMMENTS_RAW.name, offset)
    )


def test_plain_comment_is_enriched_once(table):
    found = enriched(table, "plain")
    assert (found.article_id, found.language.code, found.desk) == ("a1", "en", "audience")
    assert found.text == TABLE["plain"].text
    assert found.sentiment is not None
    assert found.sentiment.label == "positive"
    assert table["comment:plain"][b"text"].decode() == found.text


def test_empty_comment_is_a_dead_letter(table):
    found = letter(table, list(TABLE).index("empty"))
    assert (found.stage, found.reason, found.job) == ("admit", "no_text", "audience")


def test_hundred_thousand_characters_are_cut(table):
    found = enriched(table, "long")
    assert found.truncated
    assert len(found.text) == 5_000
    assert found.sentiment is not None


@pytest.mark.parametrize("comment_id", ["emoji", "address"])
def test_comment_without_words_is_enriched_without_answers(table, comment_id):
    found = enriched(table, comment_id)
    assert found.language.code == "und"
    assert (found.sentiment, found.emotions, found.toxicity, found.model_versions) == (
        None,
        None,
        None,
        {},
    )


def test_mixed_scripts_are_kept_as_they_are(table):
    assert enriched(table, "mixed").text == TABLE["mixed"].text


def test_zero_width_joins_hide_no_address_and_stay_in_emoji(table):
    found = enriched(table, "joins")
    assert found.text == "Mail me: [email] or I cannot help 👩‍👩‍👧"
    assert [(each.kind, found.text[each.start : each.end]) for each in found.personal_data] == [
        ("email", "[email]")
    ]


def test_unknown_article_has_a_mood_of_its_own(table):
    enriched(table, "nowhere")
    assert any(
        mood.subject == "article/unheard-of" and mood.comments == 1 for mood in table["moods"]
    )


def test_comment_whose_parent_never_came_is_enriched(table):
    assert enriched(table, "orphan").parent_id == "never-came"


def test_comment_from_the_future_is_a_dead_letter_with_its_text(table):
    found = letter(table, list(TABLE).index("future"))
    assert found.reason == "published_in_future"
    assert RecordCodec(COMMENTS_RAW).decode(found.value).text == TABLE["future"].text


def test_personal_data_leaves_the_job_masked_everywhere(table):
    assert enriched(table, "german").text == "Ruft mich an: [phone], ich wohne [address]"
    told = repr(table)
    assert "23125 678" not in told
    assert "23125678" not in told
    assert "Lindenstraße" not in told
    unreadable = letter(table, 100)
    assert (unreadable.reason, unreadable.value, unreadable.key) == ("not_avro", b"", None)


def test_raw_id_of_an_author_is_refused_and_told_nowhere(table):
    refused = letter(table, 108)
    assert (refused.stage, refused.reason, refused.value) == ("decode", "invalid_record", b"")
    assert RAW_ID not in repr(table)


def test_language_that_no_model_knows_is_told_with_no_answers(table):
    found = enriched(table, "swahili")
    assert (found.language.code, list(found.model_versions)) == ("sw", ["language"])
    assert (found.sentiment, found.emotions, found.toxicity) == (None, None, None)


def test_comment_that_a_model_fails_on_is_a_masked_dead_letter(table):
    found = letter(table, list(TABLE).index("unreadable"))
    assert (found.stage, found.reason) == ("infer", "inference_failed")
    kept = RecordCodec(COMMENTS_RAW).decode(found.value)
    assert kept.text == "No model gets through this one, [phone]"


def test_record_with_neither_key_nor_value_is_a_dead_letter(table):
    assert letter(table, 101).reason == "empty_value"


@pytest.mark.parametrize("topic", [STORIES_ARTICLES, EDITORIAL_CONTROL])
def test_bytes_on_a_topic_beside_the_comments_are_a_dead_letter(table, topic):
    found = [each for each in table["letters"] if each.topic == topic.name]
    assert [each.reason for each in found] == ["not_avro"]


def last_mood(table, subject):
    return [mood for mood in table["moods"] if mood.subject == subject][-1]


def test_newest_version_of_an_edited_comment_counts_alone(table):
    versions = [each.text for each in table["enriched"] if each.comment_id == "edited"]
    assert versions[-1] == "This is wonderful, I love it."
    assert last_mood(table, "article/a2").sentiment.mean > 0


def test_deleted_comment_is_taken_back_whatever_the_order(table):
    for comment_id in ("deleted", "revived"):
        versions = [each for each in table["enriched"] if each.comment_id == comment_id]
        assert all(each.deleted for each in versions[-1:])
    assert last_mood(table, "article/a2").comments == 1
    assert {"comment:deleted", "comment:revived"}.isdisjoint(table)
    assert table["comments:a2"] == [b"edited"]


def test_story_hears_the_comments_of_all_its_articles(table):
    story = last_mood(table, "story/s1")
    articles = [last_mood(table, f"article/{name}") for name in ("a1", "a2")]
    assert story.comments == sum(mood.comments for mood in articles)
    assert table["audience:story/s1"][b"comments"] == str(story.comments).encode()


def test_comment_that_reveals_an_address_waits_for_a_moderator(table):
    (item,) = [each for each in table["cases"] if each.comment_id == "german"]
    assert (item.state, item.desk, item.language) == ("queued", "audience", "de")
    assert "personal_data" in item.reasons
    assert item.text == enriched(table, "german").text


@pytest.fixture
def wired(env, redis_client, monkeypatch):
    """The whole job as `main` wires it, with Kafka's ends replaced, built but not run."""
    discarding = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink
    monkeypatch.setattr(
        audience, "kafka_source", lambda *_, **__: stream(env, [record(COMMENTS_RAW, b"x", 0)])
    )
    monkeypatch.setattr(audience, "kafka_sink", lambda *_: Sink(discarding()))
    monkeypatch.setattr(audience, "settings_from_arguments", lambda *_: settings_for(redis_client))
    monkeypatch.setattr(
        audience.StreamExecutionEnvironment, "get_execution_environment", lambda: env
    )
    executed = []
    monkeypatch.setattr(type(env), "execute", lambda _, name: executed.append(name))
    audience.main()
    assert executed == ["wiredesk-audience"]
    return env._j_stream_execution_environment


def test_step_ids_are_those_that_savepoints_know(wired):
    uids = {uid for t in wired.getTransformations() if (uid := t.getUid()) is not None}
    known = (Path(__file__).parent / "ids.txt").read_text().split()
    assert sorted(uids) == [name for name in known if name.startswith("audience.")]


def test_no_thread_holds_two_interpreters(wired):
    """The second would wait for itself when a C extension asks for the interpreter's lock."""
    jvm = get_gateway().jvm
    jvm.org.apache.flink.python.chain.PythonOperatorChainingOptimizer.apply(wired)
    graph = wired.getStreamGraph(False)
    nodes = {node.getId(): node for node in jvm.java.util.ArrayList(graph.getStreamNodes())}
    chainable = jvm.org.apache.flink.streaming.api.graph.StreamingJobGraphGenerator.isChainable
    task = {each: each for each in nodes}

    def head(each):
        return each if task[each] == each else head(task[each])

    for node in nodes.values():
        for edge in node.getInEdges():
            if chainable(edge, graph):
                task[head(node.getId())] = head(edge.getSourceId())
    embedded = [head(each) for each, node in nodes.items() if "Embedded" in operator_of(node)]
    outside = [
        each
        for each, node in nodes.items()
        if "External" in operator_of(node) and node.getTransformationUID()
    ]
    assert len(outside) == 4  # models, and the writers to Redis
    assert len(embedded) > len(outside)
    assert len(embedded) == len(set(embedded))


def operator_of(node):
    """Class of a stream node's operator; empty for one that is no Python operator."""
    factory = node.getOperatorFactory()
    if factory is None or not factory.getClass().getSimpleName().startswith("SimpleOperator"):
        return ""
    return factory.getOperator().getClass().getSimpleName()
