"""Readers who come to the stories that a desk watches. State, saved in pieces.

A reader comes to a story once, as a source takes it up once, so everything that is said of sources
can be said of readers: how many came in which minutes, how many were to be expected, and by the
same scorer how likely it is that so many come within so many hours.

Time is that of the windows of `stories.demand`, when readers clicked; the desk's own is that of its
news.
"""

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from models.breaking import evidence, rhythm
from models.breaking.evidence import TREND_MIN, Evidence
from models.breaking.flow import Flow
from models.breaking.outcome import Outcome
from models.breaking.rhythm import MINUTE_MS
from models.breaking.surprise import Surprise
from models.breaking.traffic import an_hour, in_last

QUARTER_MIN = 15
"""Readers of the last quarter of an hour are shown beside those that were to be expected."""

RECENT_MS = 80 * MINUTE_MS
"""The longest stretch that evidence looks at."""

UNKNOWN_IDLENESS = 0.0
"""Nobody is told which readers come, so not how long they were away either; a scorer that asks is
refused, `scorer.require_for_readers`.
"""

_PREFIX = "readers/"


class Demand(NamedTuple):
    """A window of `stories.demand`, as desks are told.

    told_ms  when the counting job told it
    readers  of all stories
    by_story who came to the most read ones
    """

    begin_ms: int
    end_ms: int
    told_ms: int
    readers: int
    by_story: Mapping[str, int]


class Course(NamedTuple):
    """How readers have come to a story.

    first_ms  begin of the first window with any
    total     so far
    recent    end of a window and how many came in it, those of `RECENT_MS`
    """

    first_ms: int
    total: int = 0
    recent: tuple[tuple[int, int], ...] = ()

    def last(self, minutes: int, now_ms: int) -> int:
        """Readers of the windows that ended in the last minutes."""
        since_ms = now_ms - minutes * MINUTE_MS
        return sum(readers for end_ms, readers in self.recent if end_ms > since_ms)


def added(past: Course, end_ms: int, readers: int) -> Course:
    """The course after one window more.

    >>> course = added(added(Course(0), 20, 3), 40, 2)
    >>> course.total, course.last(1, 40), course.recent
    (5, 5, ((20, 3), (40, 2)))
    """
    kept = (moment for moment in past.recent if moment[0] > end_ms - RECENT_MS)
    return Course(past.first_ms, past.total + readers, (*kept, (end_ms, readers)))


def joined(one: Course, other: Course) -> Course:
    """The course of two stories that have become one."""
    by_end = dict(one.recent)
    for end_ms, readers in other.recent:
        by_end[end_ms] = by_end.get(end_ms, 0) + readers
    first_ms = min(one.first_ms, other.first_ms)
    return Course(first_ms, one.total + other.total, tuple(sorted(by_end.items())))


class Readership(Flow):
    """State: the flow of readers, and their course at each story of the desk that has any."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self._courses: dict[str, Course] = {}

    def hear(self, demand: Demand, watched: Container[str]) -> list[str]:
        """Take in a window; the watched stories that readers came to in it.

        One that is not newer than what was heard was told before, or comes too late: it changes
        nothing.
        """
        if demand.end_ms <= self.now_ms:
            return []
        self.now_ms = demand.end_ms
        self._dirty["now"] = None
        self.count(demand.begin_ms, demand.readers)
        self.tick(demand.end_ms)
        came = [story_id for story_id in demand.by_story if story_id in watched]
        for story_id in came:
            past = self._courses.get(story_id, Course(demand.begin_ms))
            self._keep(story_id, added(past, demand.end_ms, demand.by_story[story_id]))
        return came

    def of(self, story_id: str) -> Course | None:
        """How readers have come to a story; None before any did."""
        return self._courses.get(story_id)

    def quarter(self, course: Course) -> Surprise:
        """The last quarter of an hour against what was to be expected."""
        observed = course.last(QUARTER_MIN, self.now_ms)
        return self.judged(
            first_ms=course.first_ms,
            past=course.total - observed,
            end_ms=self.now_ms,
            minutes=QUARTER_MIN,
            observed=observed,
        )

    def evidence(self, course: Course, outcome: Outcome) -> Evidence:
        """What the counts show of a story: readers in the place of sources."""
        now_ms = self.now_ms
        last = {f"last_{minutes}": course.last(minutes, now_ms) for minutes in evidence.WINDOWS_MIN}
        return Evidence(
            at_ms=now_ms,
            age_ms=now_ms - course.first_ms,
            sources=course.total,
            **last,
            stream_5=in_last(self.traffic, 5, now_ms),
            stream_20=in_last(self.traffic, 20, now_ms),
            stream_hour=an_hour(self.traffic, now_ms),
            stream_trend=rhythm.expected(self.week, now_ms - TREND_MIN * MINUTE_MS, now_ms),
            stream_ahead=rhythm.expected(
                self.week, now_ms, max(now_ms, course.first_ms + outcome.horizon_ms)
            ),
            stream_lived=rhythm.expected(self.week, course.first_ms, now_ms),
            idle_10=UNKNOWN_IDLENESS,
            idle_20=UNKNOWN_IDLENESS,
            idle_50=UNKNOWN_IDLENESS,
        )

    def settle(self, story_id: str, first_ms: int, ended_ms: int) -> None:
        """A story that has had its time tells how many readers one draws; none, too."""
        if self.now_ms:
            course = self._courses.get(story_id)
            self.share(course.total if course else 0, first_ms, ended_ms)

    def merge(self, gone_id: str, kept_id: str) -> None:
        """Two stories become one."""
        gone, kept = self._courses.get(gone_id), self._courses.get(kept_id)
        if gone is not None:
            self._keep(kept_id, gone if kept is None else joined(kept, gone))
            self.forget(gone_id)

    def forget(self, story_id: str) -> None:
        """The desk no longer watches a story."""
        if self._courses.pop(story_id, None) is not None:
            self._dirty[f"story/{story_id}"] = None

    def changes(self) -> dict[str, Any]:
        return {_PREFIX + name: piece for name, piece in super().changes().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        ours = {name: piece for name, piece in state.items() if name.startswith(_PREFIX)}
        super().restore({name.removeprefix(_PREFIX): piece for name, piece in ours.items()})

    def _keep(self, story_id: str, course: Course) -> None:
        self._courses[story_id] = course
        self._dirty[f"story/{story_id}"] = None

    def _take(self, full_name: str, piece: Any) -> None:
        kind, _, name = full_name.partition("/")
        if kind == "now":
            self.now_ms = piece
        elif kind == "story":
            first_ms, total, recent = piece
            moments = tuple((end_ms, readers) for end_ms, readers in recent)
            self._courses[name] = Course(first_ms, total, moments)
        else:
            super()._take(full_name, piece)

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "now":
            return self.now_ms
        if kind == "story":
            course = self._courses.get(name)
            return course and [course.first_ms, course.total, [list(m) for m in course.recent]]
        return super()._piece(full_name)
