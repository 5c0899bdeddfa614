"""The articles of a moment are placed one after the other, and written and told at once."""

import pytest
from made_articles import article

from models.breaking import desks
from models.stories import received
from models.stories.clustering import Clustering
from models.stories.decide import Weights
from models.stories.neighbourhood import Tidying
from schemas.codec import RecordCodec
from schemas.topics import STORIES_ARTICLES
from udfs.addressing import Post, messages, shard_of
from udfs.place_articles import PlaceArticles

SURE = Weights(**dict.fromkeys(Weights._fields, 0.0) | {"mean_vector": 20.0, "constant": -10.0})


class Pieces(dict):
    """Flink's MapState, which counts its writes."""

    writes = 0

    def put(self, key, value):
        self[key] = value

    def put_all(self, values):
        self.writes += 1
        self.update(values)

    def remove(self, key):
        self.pop(key, None)


class Context:
    """Flink's, of the slot "7", with its timer service: one timer a moment, as Flink has it."""

    def __init__(self):
        self.now_ms = 0
        self.timers = set()

    def timer_service(self):
        return self

    def get_current_key(self):
        return "7"

    def current_processing_time(self):
        return self.now_ms

    def register_processing_time_timer(self, at_ms):
        self.timers.add(at_ms)


class Placing:
    """The operator on a state: where articles of a moment go, and what is said by which output."""

    def __init__(self, context, flink):
        self._operator = PlaceArticles(
            clustering=Clustering(SURE, SURE),
            tidying=Tidying(),
            desks=desks.read(),
            memory_s=3600,
            registry_url=None,
            registry_auth=None,
        )
        self._operator.open(context)
        self._flink = flink

    def wake(self, at_ms):
        self._flink.now_ms = at_ms
        self._flink.timers.discard(at_ms)
        return [*self._operator.on_timer(at_ms, self._flink)]

    def place(self, *articles):
        post = Post()
        for each in articles:
            post.add("7", "article", received.to_bytes(received.received(each, ahead_ms=0)))
        ((_, packed),) = post.records()
        placed, said = [], {}
        for out in self._operator.process_element(packed, self._flink):
            if isinstance(out, tuple) and not hasattr(out, "_fields"):
                said.setdefault(out[0].tag_id, []).append(out[1])
            else:
                placed.append(RecordCodec(STORIES_ARTICLES).decode(out[1]))
        return {one.article_id: one.story_id for one in placed}, said


@pytest.fixture
def states():
    return {}


@pytest.fixture
def flink():
    return Context()


@pytest.fixture
def started(runtime_context, states, flink, monkeypatch):
    """Starts the operator on the state that was left."""
    monkeypatch.setattr(
        type(runtime_context),
        "get_map_state",
        lambda _, descriptor: states.setdefault(descriptor.name, Pieces()),
        raising=False,
    )
    return lambda: Placing(type(runtime_context)(), flink)


def quake(n):
    return article(f"x{n}", "quake hits coast", f"s{n}.example", n)


def test_a_moment_is_written_once_and_told_once_a_desk_and_a_shard(started, states):
    homes, said = started().place(*map(quake, range(4)))
    assert homes == dict.fromkeys(["x0", "x1", "x2", "x3"], "x0")
    assert states["neighbourhoods"].writes == 1
    ((desk, news),) = said["news-for-desks"]
    ((shard, telling),) = said["news-for-telling"]
    assert (desk, len([*messages(news)])) == ("world", 4)
    assert (shard, [name for name, _, _ in messages(telling)]) == (shard_of("x0"), ["x0"] * 4)
    assert len(said["mentions"]) == 4


def test_article_that_comes_again_is_passed_over_in_its_moment_and_after_a_new_start(started):
    homes, said = started().place(quake(0), quake(1), quake(0))
    assert [*homes] == ["x0", "x1"]
    assert len(said["mentions"]) == 2
    again = started()
    assert again.place(quake(1)) == ({}, {})
    assert again.place(quake(2))[0] == {"x2": "x0"}


def test_slot_has_one_timer_however_often_the_job_starts(started, flink):
    for number, now_ms in enumerate((1_000, 15_500, 59_999)):
        flink.now_ms = now_ms
        placing = started()
        placing.place(quake(number))
    assert flink.timers == {60_000}
    placing.wake(60_000)
    assert flink.timers == {120_000}


def test_timers_that_an_older_savepoint_brings_become_one(started, flink):
    flink.timers = {70_001, 70_002}
    placing = started()
    placing.place(quake(0))
    for at_ms in (60_000, 70_001, 70_002):
        placing.wake(at_ms)
    assert flink.timers == {120_000}


def test_slot_without_articles_since_the_start_goes_on_looking(started, flink):
    started().place(quake(0))
    flink.timers = {60_000}
    assert started().wake(60_000) == []
    assert flink.timers == {120_000}
