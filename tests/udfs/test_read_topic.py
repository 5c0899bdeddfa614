"""What reads a topic: records go on, everything else becomes a dead letter with its origin."""

import cloudpickle
import pytest
from made_articles import START_MS, command, moment, raws
from pyflink.datastream import OutputTag

from models.breaking.readership import Demand
from models.packing import unpack
from models.profiles import facts, passage, signals
from models.profiles.facts import Placement
from schemas.codec import RecordCodec
from schemas.reader_demand import ReaderDemand, StoryReaders
from schemas.story import StoryArticle
from schemas.topics import (
    DEAD_LETTERS,
    EDITORIAL_CONTROL,
    STORIES_ARTICLES,
    STORIES_DEMAND,
    USER_EVENTS,
)
from schemas.user_event import UserEvent
from udfs.addressing import messages
from udfs.decode_events import DecodeEvents
from udfs.extract_placements import ExtractPlacements
from udfs.read_articles import ReadArticles
from udfs.read_commands import ReadCommands
from udfs.read_demand import ReadDemand
from udfs.read_placements import ReadPlacements
from udfs.read_verdicts import ReadVerdicts

NO_REGISTRY = {"registry_url": None, "registry_auth": None}

READERS = {
    "audience stories.articles": ReadPlacements(**NO_REGISTRY),
    "audience editorial.control": ReadVerdicts(**NO_REGISTRY),
    "breaking articles.enriched": ReadArticles(ahead_ms=0, future_ms=0, **NO_REGISTRY),
    "breaking editorial.control": ReadCommands(**NO_REGISTRY),
    "breaking stories.demand": ReadDemand(desks=["world", "sport"], **NO_REGISTRY),
    "profiles stories.articles": ExtractPlacements(**NO_REGISTRY),
    "profiles user.events": DecodeEvents(**NO_REGISTRY),
}
"""Every reader, by its job and topic."""


GATHERED = (DecodeEvents, ReadArticles)
"""Those that read the records of a moment at once."""


class Context:
    """As much of Flink's as readers use."""

    def timestamp(self) -> int:
        return START_MS


@pytest.fixture
def read(runtime_context):
    """Reads Kafka values as a worker does: what goes on, and what leaves by which side output."""

    def read_all(reader, values, topic):
        operator = cloudpickle.loads(cloudpickle.dumps(reader))
        operator.open(runtime_context)
        sent, aside = [], []
        rows = raws(values, topic)
        for row in [moment(rows)] if isinstance(reader, GATHERED) else rows:
            for out in operator.process_element(row, Context()):
                is_aside = isinstance(out, tuple) and isinstance(out[0], OutputTag)
                (aside.append((out[0].tag_id, out[1])) if is_aside else sent.append(out))
        return sent, aside

    return read_all


def encoded(topic, records):
    codec = RecordCodec(topic)
    return [codec.encode(each) for each in records]


@pytest.mark.parametrize("name", READERS)
def test_bytes_that_are_no_record_become_a_dead_letter_with_their_origin(read, name):
    job, topic = name.split()
    sent, aside = read(READERS[name], [b"not Avro", None], topic)
    assert sent == []
    assert [tag for tag, _ in aside] == ["dead-letters"] * 2
    assert [bytes(row[0]) for _, row in aside] == [f"{topic}/0/{n}".encode() for n in (0, 1)]
    first, second = (RecordCodec(DEAD_LETTERS).decode(bytes(row[1])) for _, row in aside)
    assert (first.job, first.topic, first.offset, first.key) == (job, topic, 0, b"k")
    assert (first.value, first.timestamp_ms) == (b"not Avro", START_MS)
    assert (first.stage, first.reason) == ("decode", "not_avro")
    assert (second.value, second.reason) == (b"", "empty_value")


PLACED = StoryArticle(
    article_id="a1",
    story_id="s1",
    source="news.example",
    published_ms=1,
    probability=1.0,
    novelty=1.0,
    placed_ms=2,
)


def test_placement_goes_on_to_the_facts_of_its_article(read):
    values = encoded(STORIES_ARTICLES, [PLACED])
    (row,), aside = read(READERS["profiles stories.articles"], values, STORIES_ARTICLES.name)
    assert (row[0], facts.unpack_told(bytes(row[1])), aside) == ("a1", Placement("s1"), [])


def test_demand_goes_to_every_desk(read):
    window = ReaderDemand(
        begin_ms=0,
        end_ms=20,
        told_ms=30,
        readers=9,
        stories=4,
        most_read=[StoryReaders(story_id="s1", readers=5), StoryReaders(story_id="s2", readers=2)],
    )
    values = encoded(STORIES_DEMAND, [window])
    sent, aside = read(READERS["breaking stories.demand"], values, STORIES_DEMAND.name)
    assert ([row[0] for row in sent], aside) == (["world", "sport"], [])
    ((name, kind, payload),) = messages(sent[0][1])
    assert (name, kind) == ("world", "demand")
    assert Demand(*unpack(payload)) == Demand(0, 20, 30, 9, {"s1": 5, "s2": 2})


def test_placement_goes_on_to_the_mood_of_its_article(read):
    values = encoded(STORIES_ARTICLES, [PLACED])
    (row,), aside = read(READERS["audience stories.articles"], values, STORIES_ARTICLES.name)
    assert (list(row), aside) == (["a1", "placed", "", 0, b"", "s1"], [])


def test_verdicts_and_undos_go_to_their_gate_and_other_commands_end(read):
    commands = [
        command(1, "moderate"),
        command(2, "undo", undoes="c1"),
        command(3, "undo"),
        command(4, "mute"),
    ]
    values = encoded(EDITORIAL_CONTROL, commands)
    sent, aside = read(READERS["audience editorial.control"], values, EDITORIAL_CONTROL.name)
    assert ([list(row) for row in sent], aside) == ([["c1", values[0]], ["c1", values[1]]], [])


def test_commands_go_to_their_gate(read):
    commands = [command(1, "mute"), command(2, "undo", undoes="c1")]
    values = encoded(EDITORIAL_CONTROL, commands)
    sent, aside = read(READERS["breaking editorial.control"], values, EDITORIAL_CONTROL.name)
    assert ([row[0] for row in sent], aside) == (["c1", "c1"], [])


def test_events_part_by_whether_they_need_their_article(read, runtime_context):
    fields = {"user_key": "u1", "ts_ms": START_MS, "consent": True}
    events = [
        UserEvent(event_id="e1", kind="click", article_id="a1", **fields),
        UserEvent(event_id="e2", kind="erase", **fields),
        UserEvent(event_id="e3", kind="dwell", article_id="a1", **fields),
        UserEvent(event_id="e4", kind="impression", article_id="a1", **fields),
    ]
    values = encoded(USER_EVENTS, events)
    (together,), aside = read(READERS["profiles user.events"], values, USER_EVENTS.name)
    assert together[0] == passage.shard("u1")
    passing, known = passage.unpack(bytes(together[1]))
    assert ([found.offset for found in passing], known) == ([1, 3], None)
    (meeting, click), (dead, refused) = aside
    assert (meeting, dead) == ("meeting", "dead-letters")
    assert (click[0], signals.unpack(bytes(click[1])).offset) == ("a1", 0)
    letter = RecordCodec(DEAD_LETTERS).decode(bytes(refused[1]))
    assert (letter.reason, letter.stage, letter.offset) == ("unusable_event", "admit", 2)
    counted = runtime_context.metrics.values
    assert counted["wiredesk.events"] == 4
    assert counted["wiredesk.dead_letters.unusable_event.total"] == 1
