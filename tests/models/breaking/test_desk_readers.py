"""Readers beside a desk's sources: shown, and where a desk wants it, reason enough for an alert."""

from dataclasses import replace

import pytest
from newsdesk import (
    DESK,
    MINUTE_MS,
    SCORER,
    START_MS,
    TERMS,
    WALL_MS,
    Story,
    alerts,
    heard,
    ordered,
)

from models.breaking.desk import DeskAtWork
from models.breaking.outcome import Outcome
from models.breaking.readership import Demand

FLOCK = replace(DESK, reader_outcome=Outcome(350, 2.0))


def flocking(story_id: str = "a0", *, lag_ms: int = 1000) -> list[Demand]:
    """Seven minutes of readers, a window every twenty seconds: more and more come to a story.

    lag_ms  between the end of a window and its being told
    """
    found = []
    for n, readers in enumerate([1, 1, 2, 3, 5, 8, 10, *[14] * 14]):
        begin_ms = START_MS + n * 20_000
        end_ms = begin_ms + 20_000
        by_story = {story_id: readers, "unknown": 40}
        found.append(Demand(begin_ms, end_ms, end_ms + lag_ms, readers + 40, by_story))
    return found


def read(desk: DeskAtWork, windows) -> list:
    return [out for one in windows for out in desk.hear_readers(one, WALL_MS)]


@pytest.fixture
def flocked() -> DeskAtWork:
    """A desk that is alerted by readers, and a story that one source has."""
    desk = DeskAtWork(FLOCK, SCORER, TERMS)
    heard(desk, [Story().pickup("s0.example", 0)])
    return desk


def test_alert_shows_readers_beside_those_that_were_expected(desk):
    story = Story()
    heard(desk, [story.pickup("s0.example", 0)])
    assert read(desk, flocking()) == []  # shown, no more
    (opened,) = alerts(heard(desk, [story.pickup(f"s{n}.example", 7 + n) for n in range(1, 6)]))
    assert (opened.readers.minutes, opened.readers.observed, opened.readers.total) == (15, 226, 226)
    assert 0 < opened.readers.expected < 30
    assert opened.readers.tail_log10 < -2
    assert opened.readers.end_ms == flocking()[-1].end_ms
    assert (opened.readers.score, opened.readers.outcome) == (None, None)


def test_alert_says_nothing_of_readers_that_nobody_told_of(desk):
    story = Story()
    read(desk, flocking("unknown here"))
    (opened,) = alerts(heard(desk, story.burst(6)))
    assert opened.readers is None


def test_readers_of_long_ago_are_not_shown(desk):
    story = Story()
    heard(desk, [story.pickup("s0.example", 0)])
    read(desk, flocking())
    late = [story.pickup(f"s{n}.example", 30 + n / 2) for n in range(1, 8)]
    told = alerts(heard(desk, late))
    assert told
    assert {alert.readers for alert in told} == {None}


def test_readers_alone_raise_an_alert_where_the_desk_wants_it(flocked):
    (opened,) = alerts(read(flocked, flocking()))
    assert (opened.state, opened.independent_sources) == ("opened", 1)
    assert opened.score >= opened.threshold
    assert opened.unadjusted_score == opened.score == opened.readers.score
    assert opened.outcome == opened.readers.outcome == "readers=350,hours=2"
    assert opened.readers.total < 0.6 * 350
    assert "readers" in opened.reasons[0]
    assert not any("source" in reason for reason in opened.reasons)


def test_readers_that_stop_coming_close_the_alert(flocked):
    read(flocked, flocking())
    empty = [
        Demand(at_ms - 20_000, at_ms, at_ms, 40, {"unknown": 40})
        for at_ms in range(START_MS + 460_000, START_MS + 110 * MINUTE_MS, 20_000)
    ]
    for window in empty:
        flocked.hear_readers(window, WALL_MS)
    later = [out for m in range(8, 112) for out in flocked.tick(START_MS + m * MINUTE_MS, WALL_MS)]
    assert [alert.state for alert in alerts(later)] == ["closed"]


@pytest.mark.parametrize(
    "order",
    [
        ordered(1, "mute", desk="world", story_id="a0"),
        ordered(1, "override_score", story_id="a0", value=0.0),
        ordered(1, "set_budget", desk="world", value=0.0),
        ordered(1, "retract", story_id="a0"),
    ],
)
def test_what_editors_say_holds_for_readers(flocked, order):
    flocked.command(order, WALL_MS)
    assert alerts(read(flocked, flocking())) == []


def test_demand_that_took_hours_to_be_told_opens_no_alert(flocked):
    assert alerts(read(flocked, flocking(lag_ms=3 * 3_600_000))) == []


def test_story_that_broke_by_its_sources_is_no_news_by_its_readers():
    desk = DeskAtWork(FLOCK, SCORER, replace(TERMS, stale_ms=-1))
    heard(desk, Story().burst(12, step=0.1))  # stale, so that it raises no alert itself
    assert alerts(read(desk, flocking(lag_ms=-2))) == []


def test_merged_story_has_the_readers_of_both(flocked):
    other = Story("b0")
    heard(flocked, [other.pickup("t0.example", 1)])
    read(flocked, flocking("b0")[:6])
    merged = other.pickup("t0.example", 1)._replace(kind="merged", story_id="a0", other="b0")
    flocked.hear(merged, WALL_MS)
    (opened,) = alerts(read(flocked, flocking()[6:]))
    assert opened.story_id == "a0"
    assert opened.readers.total > 20
