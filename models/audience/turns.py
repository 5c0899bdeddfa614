"""Whether and when the mood of a subject turned: Page's test, two-sided (Page, 1954; river)."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from river.drift import PageHinkley

FEWEST = 20
"""Comments before which nothing turns."""

SLACK = 0.1
"""Of tone (0..1) by which comments may stray without counting."""

THRESHOLD = 3.0
"""Sum of tone beyond the slack at which the mood has turned: of comments whose tone scatters by
0.3 about one mean, in 2 of 100 subjects of 500 comments (tests/models/audience/test_turns.py)."""

ANNOUNCED_AFTER = 8
"""Comments that are compared on either side, to say which way it turned."""

Direction = Literal["better", "worse"]


class Turn(NamedTuple):
    """A change point: event time of the comment that made it certain, and where to."""

    at_ms: int
    direction: Direction


def last_turn(said: Iterable[tuple[int, float]]) -> Turn | None:
    """The last change point of a course of (event time, tone) in order of time; None without one.

    >>> last_turn([(n, 0.1 if n < 40 else 0.9) for n in range(80)])
    Turn(at_ms=44, direction='better')
    """
    detector: Any = PageHinkley(
        min_instances=FEWEST, delta=SLACK, threshold=THRESHOLD, alpha=1.0, mode="both"
    )
    found: Turn | None = None
    mean, count = 0.0, 0
    recent: list[float] = []
    for at_ms, tone in said:
        detector.update(tone)
        recent = [*recent[1 - ANNOUNCED_AFTER :], tone]
        if detector.drift_detected:
            better = sum(recent) / len(recent) > mean
            found = Turn(at_ms, "better" if better else "worse")
            mean, count = 0.0, 0
        count += 1
        mean += (tone - mean) / count
    return found
