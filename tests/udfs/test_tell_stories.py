"""A shard of stories is told at a time, whatever happened in between, and after a new start."""

import pytest
from made_articles import article

from models.breaking import commands
from models.breaking.commands import Addressed, Place
from models.stories import neighbourhood, received
from models.stories.clustering import Clustering
from models.stories.decide import Weights
from models.stories.neighbourhood import Neighbourhood
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.topics import EDITORIAL_AUDIT, STORIES
from udfs.addressing import Post, shard_of
from udfs.tell_stories import TellStories
from udfs.write_values import END_OF_INPUT

EVERY_MS = 1000
SURE = Weights(**dict.fromkeys(Weights._fields, 0.0) | {"mean_vector": 20.0, "constant": -10.0})


class Pieces(dict):
    """Flink's MapState."""

    put_all = dict.update

    def put(self, key, value):
        self[key] = value


class Context:
    """Flink's, of one key, with its timer service."""

    def __init__(self, key):
        self._key = key
        self.timers = []

    def timer_service(self):
        return self

    def get_current_key(self):
        return self._key

    def current_processing_time(self):
        return 0

    def register_processing_time_timer(self, at_ms):
        self.timers.append(at_ms)

    def register_event_time_timer(self, at_ms):
        self.timers.append(at_ms)


@pytest.fixture
def started(runtime_context, redis_process, monkeypatch):
    """Starts the operator on the state that was left."""
    states = {}
    monkeypatch.setattr(
        type(runtime_context),
        "get_map_state",
        lambda _, descriptor: states.setdefault(descriptor.name, Pieces()),
        raising=False,
    )

    def start():
        operator = TellStories(
            desks=["sport", "world"],
            redis={"redis_url": redis_process.url, "ttl_s": 60, "retry_s": 20.0, "top": 10},
            every_ms=EVERY_MS,
            pin_ms=1000,
            memory_s=3600,
            registry_url=None,
            registry_auth=None,
        )
        operator.open(type(runtime_context)())
        return operator

    return start


def packed(*about):
    told = Post()
    for message in about:
        told.add_about(*message)
    ((_, messages),) = told.records()
    return messages


def news(count):
    """What is said of a story of so many articles, one by one, and the key it goes to."""
    told = Neighbourhood(Clustering(SURE, SURE))
    said = [
        each
        for n in range(count)
        for each in told.place(
            received.received(article(f"x{n}", "quake hits coast", f"s{n}.example", n), ahead_ms=0)
        ).news
    ]
    rows = [packed((each.story_id, "news", neighbourhood.to_bytes(each))) for each in said]
    return rows, Context(shard_of(said[0].story_id))


def told_by(operator, context, at_ms=EVERY_MS):
    codec = RecordCodec(STORIES)
    return [codec.decode(value) for _, value in operator.on_timer(at_ms, context)]


def test_story_is_told_once_with_all_that_was_said(started, redis_process):
    operator = started()
    rows, context = news(3)
    for row in rows:
        assert list(operator.process_element(row, context)) == []
    assert context.timers == [EVERY_MS, END_OF_INPUT]
    (story,) = told_by(operator, context)
    assert (story.story_id, story.articles) == ("x0", 3)
    assert redis_process.client.hget("story:x0", "articles") == b"3"
    assert redis_process.client.mget("article_story:x0", "article_story:x2") == [b"x0", b"x0"]
    assert told_by(operator, context) == []


def test_articles_of_a_story_that_was_merged_before_it_was_told_go_on(started, redis_process):
    operator = started()
    (row,), context = news(1)
    list(operator.process_element(row, context))
    list(operator.process_element(packed(("x0", "gone", b"y0")), context))
    redis_process.client.set("article_story:x0", "y0")  # as y0 has told already
    (story,) = told_by(operator, context)
    assert (story.status, story.merged_into) == ("merged", "y0")
    assert redis_process.client.get("article_story:x0") == b"y0"


def test_new_start_tells_what_waited_and_goes_on(started, redis_process):
    rows, context = news(3)
    before = started()
    list(before.process_element(rows[0], context))
    list(before.process_element(rows[1], context))
    after = started()
    (story,) = told_by(after, context)
    assert story.articles == 2
    assert redis_process.client.get("article_story:x1") == b"x0"
    again = started()
    assert told_by(again, context) == []
    list(again.process_element(rows[2], context))
    (story,) = told_by(again, context)
    assert (story.articles, len(story.history)) == (3, 1)
    assert sum(moment.observed for moment in story.history) == 3


def test_pin_at_a_desk_lists_the_story_there_and_its_undo_takes_it_out(started, redis_process):
    operator = started()
    (row,), context = news(1)
    pin = EditorialCommand(
        command_id="c1", kind="pin", story_id="x0", author="ada", issued_ms=1, desk="sport"
    )
    undo = EditorialCommand(command_id="c2", kind="undo", undoes="c1", author="ada", issued_ms=2)
    list(operator.process_element(row, context))
    for given, lists in ((None, [b"x0"]), (undo, [])):
        payload = commands.to_bytes(Addressed(Place.TELLING, "x0", pin, given))
        list(operator.process_element(packed(("x0", "command", payload)), context))
        told_by(operator, context)
        assert redis_process.client.zrange("stories:top:sport", 0, -1) == lists
        assert not redis_process.client.exists("stories:top:world")


def test_order_about_a_story_that_nobody_knows_is_refused(started):
    operator = started()
    order = EditorialCommand(
        command_id="c1", kind="pin", story_id="nowhere", author="ada", issued_ms=1
    )
    payload = commands.to_bytes(Addressed(Place.TELLING, "nowhere", order))
    context = Context(shard_of("nowhere"))
    ((_, answer),) = operator.process_element(packed(("nowhere", "command", payload)), context)
    assert RecordCodec(EDITORIAL_AUDIT).decode(answer[1]).outcome == "refused"
    assert context.timers == []
    assert told_by(operator, context) == []
