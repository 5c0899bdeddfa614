"""State of the stream: what each hour of the week usually brings.

An hour of the week that was seen rarely is drawn to its hour of the day, and that to the mean:
two levels of shrinkage, each worth `PRIOR_HOURS` observed hours.
"""

from itertools import accumulate
from typing import NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
WEEK_H = 168
PRIOR_HOURS = 1.0
FORGET = 0.9
"""What a week later is left of the weight of an hour: half after six or seven weeks."""

_EPOCH_WEEKDAY_H = 72
"""1970 began on a Thursday; weeks begin on Monday."""


class Rhythm(NamedTuple):
    """Pick-ups and observed hours of each of the week's hours from Monday 00:00 UTC."""

    pickups: tuple[float, ...] = (0.0,) * WEEK_H
    hours: tuple[float, ...] = (0.0,) * WEEK_H


class Profile(NamedTuple):
    """The expected week, for sums over stretches of time.

    cumulated  169 numbers: expected pick-ups since Monday 00:00 UTC
    """

    cumulated: tuple[float, ...]


def observe(past: Rhythm, hour_ms: int, pickups: int) -> Rhythm:
    """The state after a full hour that began at `hour_ms`."""
    place = (hour_ms // HOUR_MS + _EPOCH_WEEKDAY_H) % WEEK_H
    counts, hours = list(past.pickups), list(past.hours)
    counts[place] = FORGET * counts[place] + pickups
    hours[place] = FORGET * hours[place] + 1.0
    return Rhythm(tuple(counts), tuple(hours))


def profile(rhythm: Rhythm) -> Profile:
    """Expected pick-ups of each hour of the week; a flat week where nothing was seen."""
    total, observed = sum(rhythm.pickups), sum(rhythm.hours)
    mean = total / observed if total else 1.0
    week = []
    for hour in range(WEEK_H):
        same_hour = range(hour % 24, WEEK_H, 24)
        of_day = _shrunk(
            sum(rhythm.pickups[h] for h in same_hour), sum(rhythm.hours[h] for h in same_hour), mean
        )
        week.append(_shrunk(rhythm.pickups[hour], rhythm.hours[hour], of_day))
    return Profile((0.0, *accumulate(week)))


def expected(week: Profile, from_ms: int, until_ms: int) -> float:
    """Expected pick-ups of the whole stream between two moments."""
    return _since_monday(week, until_ms) - _since_monday(week, from_ms)


def _shrunk(pickups: float, hours: float, towards: float) -> float:
    return (pickups + PRIOR_HOURS * towards) / (hours + PRIOR_HOURS)


def _since_monday(week: Profile, at_ms: int) -> float:
    """Expected pick-ups since a Monday long ago."""
    hours, part_ms = divmod(at_ms, HOUR_MS)
    weeks, hour = divmod(hours + _EPOCH_WEEKDAY_H, WEEK_H)
    begin, end = week.cumulated[hour], week.cumulated[hour + 1]
    return weeks * week.cumulated[-1] + begin + (end - begin) * part_ms / HOUR_MS
