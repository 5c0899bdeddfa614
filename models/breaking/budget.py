"""The threshold that keeps a desk's alerts a day.

State is the highest score of each story of the last days, by day. The threshold is the score that
as many stories passed as the budget allows, so it follows busy and quiet weeks. A desk that is new
begins with the peaks that come with the scorer; they count as PRIOR_DAYS of its own experience, so
a week later they hardly matter.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

DAY_MS = 86_400_000
DAYS_KEPT = 14
PEAKS_KEPT = 500
"""Of a day, the highest; more than any desk's alerts."""

PRIOR_DAYS = 2.0
"""Days of experience that the scorer's own peaks are worth."""

LEAST_SCORE = 0.05
"""Peaks below are not kept, and no threshold lies below: an alert of 1 in 20 is noise."""


_ROUNDING = 1e-9


class Peaks(NamedTuple):
    """Highest scores of stories by the day they ended, days ascending, scores descending.

    since_ms  when the first of them ended; None before
    """

    days: tuple[int, ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()
    since_ms: int | None = None


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
    since_ms = ended_ms if past.since_ms is None else min(past.since_ms, ended_ms)
    return Peaks(days, tuple(by_day[d] for d in days), since_ms)


def threshold(
    peaks: Peaks, alerts_per_day: float, *, prior: Peaks | None = None, now_ms: int | None = None
) -> float:
    """The lowest score that keeps the budget on the days that were seen.

    prior   peaks that a new desk begins with, `Scorer.prior`
    now_ms  so that a day counts as far as it has passed; None counts every day as whole

    >>> seen = observe(observe(Peaks(), 0, 0.9), 1, 0.4)
    >>> threshold(seen, 1), threshold(seen, 2), threshold(Peaks(), 1)
    (0.9, 0.05, 0.05)
    >>> threshold(Peaks(), 1, prior=Peaks((0,), ((0.8, 0.6, 0.3),)))
    0.8
    """
    weighted = [(score, 1.0) for day in peaks.scores for score in day]
    days = _days(peaks, now_ms)
    if prior and prior.days:
        weight = PRIOR_DAYS / len(prior.days)
        weighted += [(score, weight) for day in prior.scores for score in day]
        days += PRIOR_DAYS
    return _threshold_of(weighted, alerts_per_day * days)


def _threshold_of(weighted: Iterable[tuple[float, float]], alerts: float) -> float:
    """The lowest score that at most so many of the stories passed, each of its weight; no lower
    than LEAST_SCORE.
    """
    ranked = sorted(weighted, reverse=True)
    passed, lowest = 0.0, None
    for score, alike in groupby(ranked, key=lambda pair: pair[0]):
        passed += sum(weight for _, weight in alike)
        if passed > alerts + _ROUNDING:
            none = ranked[0][0] + (1 - ranked[0][0]) / 2
            return max(LEAST_SCORE, none if lowest is None else lowest)
        lowest = score
    return LEAST_SCORE


def _days(peaks: Peaks, now_ms: int | None) -> float:
    """Days over which the peaks were gathered."""
    if now_ms is None or peaks.since_ms is None:
        return float(len(peaks.days))
    return max(0, now_ms - max(peaks.since_ms, peaks.days[0] * DAY_MS)) / DAY_MS


def to_state(peaks: Peaks) -> dict[str, Any]:
    """Plain lists and numbers, for a checkpoint and for JSON."""
    return {
        "days": list(peaks.days),
        "scores": [list(day) for day in peaks.scores],
        "since_ms": peaks.since_ms,
    }


def from_state(state: Mapping[str, Any]) -> Peaks:
    """What `to_state` gave."""
    scores = tuple(tuple(map(float, day)) for day in state["scores"])
    return Peaks(tuple(state["days"]), scores, state["since_ms"])
