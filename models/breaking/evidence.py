"""What the states show of a story at a moment, in counts: what an alert can show an editor."""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from models.breaking.outcome import Outcome
from models.breaking.pickups import Pickups
from models.breaking.rhythm import MINUTE_MS, Profile, expected
from models.breaking.traffic import Traffic, an_hour, in_last

TREND_MIN = 20
"""The stretch whose pace is carried forward."""

WINDOWS_MIN = (5, 10, 15, 20, 40, 60, 80)
"""Stretches before the moment in which pick-ups are counted, `last_…`."""


class Evidence(NamedTuple):
    """A story at a moment; every field is a number, so rows of it make an array.

    sources          distinct sources so far
    last_5 … last_80 distinct sources whose first pick-up lies in the last minutes
    stream_5, _20    pick-ups of all stories in the last full minutes
    stream_hour      pick-ups of all stories in an average hour of the last day
    stream_trend     what the rhythm of the week expects of all stories in 20 minutes like these
    stream_ahead     … and in the time that the story has left
    stream_lived     … and since its first pick-up
    idle_10, _20, _50  mean idleness of the newest sources
    """

    at_ms: float
    age_ms: float
    sources: float
    last_5: float
    last_10: float
    last_15: float
    last_20: float
    last_40: float
    last_60: float
    last_80: float
    stream_5: float
    stream_20: float
    stream_hour: float
    stream_trend: float
    stream_ahead: float
    stream_lived: float
    idle_10: float
    idle_20: float
    idle_50: float


def gather(
    pickups: Pickups, traffic: Traffic, week: Profile, outcome: Outcome, now_ms: int
) -> Evidence:
    """The evidence at a moment; pick-ups later than it are not looked at.

    Raises ValueError for a story without any.
    """
    times = pickups.times_ms
    seen = len(times) if times and times[-1] <= now_ms else bisect_right(times, now_ms)
    if not seen:
        raise ValueError(f"no pick-up before {now_ms}; expected at least one")
    first = times[0]

    def last(minutes: int) -> int:
        return seen - bisect_left(times, now_ms - minutes * MINUTE_MS, 0, seen)

    newest = pickups.idleness[max(0, seen - 50) : seen]
    return Evidence(
        at_ms=now_ms,
        age_ms=now_ms - first,
        sources=seen,
        **{f"last_{minutes}": last(minutes) for minutes in WINDOWS_MIN},
        stream_5=in_last(traffic, 5, now_ms),
        stream_20=in_last(traffic, 20, now_ms),
        stream_hour=an_hour(traffic, now_ms),
        stream_trend=expected(week, now_ms - TREND_MIN * MINUTE_MS, now_ms),
        stream_ahead=expected(week, now_ms, max(now_ms, first + outcome.horizon_ms)),
        stream_lived=expected(week, first, now_ms),
        idle_10=_mean(newest[-10:]),
        idle_20=_mean(newest[-20:]),
        idle_50=_mean(newest),
    )


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
