"""Readers who come to stories: counted once a window, judged as sources are, whole after a restart."""

from dataclasses import replace

import pytest

from models.breaking import scorer
from models.breaking.flow import MINUTE_MS
from models.breaking.outcome import Outcome
from models.breaking.readership import RECENT_MS, Course, Demand, Readership, added, joined
from models.packing import pack, unpack
from schemas.errors import SettingError

WINDOW_MS = 20_000
START_MS = 1_790_000_000_000 // 3_600_000 * 3_600_000
OUTCOME = Outcome(350, 2.0)
EVERYTHING = {"a", "b"}


def demand(number, by_story, others=40):
    """The n-th window: readers of some stories, and of others."""
    begin_ms = START_MS + number * WINDOW_MS
    end_ms = begin_ms + WINDOW_MS
    return Demand(begin_ms, end_ms, end_ms, others + sum(by_story.values()), by_story)


def heard(windows):
    readers = Readership()
    for window in windows:
        readers.hear(window, EVERYTHING)
    return readers


def test_windows_add_up_to_any_stretch():
    readers = heard(demand(n, {"a": 2}) for n in range(60))  # twenty minutes
    course = readers.of("a")
    seen = readers.evidence(course, OUTCOME)
    assert (seen.sources, seen.last_5, seen.last_15, seen.last_80) == (120, 30, 90, 120)
    assert seen.age_ms == 20 * MINUTE_MS
    assert seen.stream_5 == 5 * 3 * 42
    assert readers.quarter(course).observed == 90


def test_window_that_was_told_before_or_comes_late_changes_nothing():
    readers = heard([demand(0, {"a": 2}), demand(2, {"a": 3})])
    assert readers.hear(demand(2, {"a": 3}), EVERYTHING) == []
    assert readers.hear(demand(1, {"a": 9}), EVERYTHING) == []
    assert readers.of("a").total == 5


def test_story_that_nobody_watches_is_traffic_alone():
    readers = Readership()
    assert readers.hear(demand(0, {"elsewhere": 30}), EVERYTHING) == []
    assert readers.of("elsewhere") is None
    assert readers.traffic.minutes[-1] == 70


def test_flock_is_surprising_and_what_a_story_always_draws_is_not():
    steady = [demand(n, {"a": 4}) for n in range(180)]
    flock = [demand(180 + n, {"a": 4, "b": 30}) for n in range(15)]
    readers = heard([*steady, *flock])
    usual, sudden = readers.quarter(readers.of("a")), readers.quarter(readers.of("b"))
    assert usual.expected == pytest.approx(usual.observed, rel=0.25)
    assert usual.tail_log10 > -1
    assert sudden.observed == 450 > 10 * sudden.expected
    assert sudden.tail_log10 < -3


def test_stories_that_ended_teach_how_many_readers_one_draws():
    readers = heard(demand(n, {"a": 20}, others=0) for n in range(45))
    before = readers.quarter(readers.of("a")).expected
    for n in range(20):
        readers.settle("nobody came" if n else "a", START_MS, readers.now_ms)
    after = readers.quarter(readers.of("a")).expected
    assert before == pytest.approx(9, rel=0.1)  # a hundredth
    assert after == pytest.approx(900 / 20, rel=0.1)


def test_course_keeps_what_evidence_looks_at():
    course = Course(0)
    for end_ms in range(WINDOW_MS, 2 * RECENT_MS, WINDOW_MS):
        course = added(course, end_ms, 1)
    assert len(course.recent) == RECENT_MS // WINDOW_MS
    assert course.total == 2 * RECENT_MS // WINDOW_MS - 1


def test_readers_of_two_stories_become_those_of_one():
    one, other = Course(20, 5, ((40, 5),)), Course(0, 3, ((20, 1), (40, 2)))
    assert joined(one, other) == Course(0, 8, ((20, 1), (40, 7)))
    readers = heard([demand(0, {"a": 5, "b": 3})])
    readers.merge("b", "a")
    assert (readers.of("a").total, readers.of("b")) == (8, None)
    readers.merge("b", "a")
    assert readers.of("a").total == 8


def test_state_restores_exactly_and_what_is_forgotten_is_gone():
    windows = [demand(n, {"a": 2, "b": n % 3}) for n in range(200)]
    whole = heard(windows)
    first, state = heard(windows[:100]), {}
    state |= first.changes()
    first.settle("a", START_MS, first.now_ms)
    first.forget("b")
    state |= first.changes()
    assert state.pop("readers/story/b") is None
    again = Readership()
    again.restore(unpack(pack(state)))
    assert again.changes() == {}
    assert again.of("b") is None
    for window in windows[100:]:
        again.hear(window, EVERYTHING)
    assert again.of("a") == whole.of("a")
    assert again.evidence(again.of("a"), OUTCOME) == whole.evidence(whole.of("a"), OUTCOME)


def test_scorer_that_asks_who_the_readers_are_is_refused():
    shipped = scorer.read()
    scorer.require_for_readers(shipped)
    first_split = next(at for at, column in enumerate(shipped.forest.feature) if column >= 0)
    columns = list(shipped.forest.feature)
    columns[first_split] = shipped.forest.names.index("idle_20")
    curious = replace(shipped, forest=replace(shipped.forest, feature=tuple(columns)))
    with pytest.raises(SettingError, match="idle_20"):
        scorer.require_for_readers(curious)
