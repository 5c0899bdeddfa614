"""A desk at rest: time passes by itself while an alert stands."""

import time

import pytest
from made_articles import article

from models.breaking import desks, scorer
from models.breaking.watching import Terms
from models.packing import pack
from models.stories import neighbourhood, received
from models.stories.clustering import Clustering
from models.stories.decide import Weights
from models.stories.neighbourhood import Neighbourhood
from schemas.codec import RecordCodec
from schemas.topics import ALERTS_BREAKING
from udfs import watch_desks
from udfs.addressing import Post
from udfs.watch_desks import IDLE_MS, WatchDesks

SURE = dict.fromkeys(Weights._fields, 0.0) | {"mean_vector": 20.0, "constant": -10.0}


class Timers:
    """Flink's timer service, as far as the operator uses it."""

    def __init__(self):
        self.registered = []

    def current_processing_time(self):
        return 0

    def register_processing_time_timer(self, at_ms):
        self.registered.append(at_ms)


class Context:
    def __init__(self, key="world"):
        self.timers = Timers()
        self._key = key

    def timer_service(self):
        return self.timers

    def get_current_key(self):
        return self._key


class Pieces(dict):
    """Flink's MapState."""

    put_all = dict.update

    def remove(self, key):
        self.pop(key, None)


@pytest.fixture
def desk(runtime_context, monkeypatch):
    monkeypatch.setattr(type(runtime_context), "get_map_state", lambda *_: Pieces(), raising=False)
    operator = WatchDesks(
        desks=desks.read(),
        scorer_file=scorer.SHIPPED,
        terms=Terms(),
        registry_url=None,
        registry_auth=None,
    )
    operator.open(runtime_context)
    return operator


def alerts(outs):
    codec = RecordCodec(ALERTS_BREAKING)
    return [codec.decode(bytes(out[1])) for out in outs if not isinstance(out, tuple)]


def packed(kind, payload):
    told = Post()
    told.add("world", kind, payload)
    ((_, messages),) = told.records()
    return messages


def burst():
    """News of a story that eight sources take up within eight minutes."""
    stories = Neighbourhood(Clustering(join=Weights(**SURE), merge=Weights(**SURE)))
    for n in range(8):
        one = article(f"a{n}", "harbour blast", f"s{n}.example", n)
        for news in stories.place(received.received(one, ahead_ms=0)).news:
            yield packed("news", neighbourhood.to_bytes(news))


def test_alert_closes_although_no_news_comes(desk, monkeypatch):
    context = Context()
    told = [a for row in burst() for a in alerts(desk.process_element(row, context))]
    assert told[0].state == "opened"
    assert context.timers.registered
    started, closed = time.monotonic(), []
    for idle_s in range(IDLE_MS // 1000, 4 * 3600, 60):
        monkeypatch.setattr(watch_desks.time, "monotonic", lambda s=idle_s: started + s)
        closed += alerts(desk.on_timer(0, context))
    assert [alert.state for alert in closed] == ["closed"]
    assert closed[0].at_ms - told[-1].at_ms < 3 * 3_600_000


def test_desk_that_the_file_has_no_more_is_passed_over(desk):
    assert list(desk.process_element(packed("windows", pack([])), Context("gone"))) == []
