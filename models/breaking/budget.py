"""The threshold that keeps a desk's alerts a day.

State is the highest score of each story of the last days, by day. The threshold is the score that
as many stories passed as the budget allows, so it follows busy and quiet weeks.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

DAY_MS = 86_400_000
DAYS_KEPT = 14
PEAKS_KEPT = 500
"""Of a day, the highest; more than any desk's alerts."""

LEAST_SCORE = 0.05
"""Peaks below are not kept, and no threshold lies below: an alert of 1 in 20 is noise."""


class Peaks(NamedTuple):
    """Highest scores of stories by the day they ended, days ascending, scores descending."""

    days: tuple[int, ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()


def observe(past: Peaks, ended_ms: int, peak: float) -> Peaks:
    """The state after a story whose score rose to `peak` at most."""
    day = ended_ms // DAY_MS
    by_day = dict(zip(past.days, past.scores, strict=True))
    kept = by_day.get(day, ())
    if peak >= LEAST_SCORE:
        kept = tuple(sorted((*kept, peak), reverse=True)[:PEAKS_KEPT])
    by_day[day] = kept
    newest = max(by_day)
    days = tuple(d for d in sorted(by_day) if d > newest - DAYS_KEPT)
    return Peaks(days, tuple(by_day[d] for d in days))


def threshold(peaks: Peaks, alerts_per_day: float) -> float:
    """The lowest score that keeps the budget on the days that were seen.

    >>> seen = observe(observe(Peaks(), 0, 0.9), 1, 0.4)
    >>> threshold(seen, 1), threshold(seen, 2), threshold(Peaks(), 1)
    (0.9, 0.05, 0.05)
    """
    return threshold_of((s for day in peaks.scores for s in day), alerts_per_day * len(peaks.days))


def threshold_of(peaks: Iterable[float], alerts: float) -> float:
    """The lowest score that at most so many of the stories passed; no lower than LEAST_SCORE."""
    ranked = sorted(peaks, reverse=True)
    if len(ranked) <= alerts:
        return LEAST_SCORE
    allowed = int(alerts)
    above = [score for score in ranked[:allowed] if score > ranked[allowed]]
    return max(LEAST_SCORE, above[-1] if above else ranked[0] + (1 - ranked[0]) / 2)


def to_state(peaks: Peaks) -> dict[str, list[Any]]:
    """Plain lists, for a checkpoint."""
    return {"days": list(peaks.days), "scores": [list(day) for day in peaks.scores]}


def from_state(state: Mapping[str, Sequence[Any]]) -> Peaks:
    """What `to_state` gave."""
    return Peaks(tuple(state["days"]), tuple(tuple(day) for day in state["scores"]))
