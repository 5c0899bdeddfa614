"""State of a story: when each distinct source first took it up.

The state is a function of the set of pick-ups: order, repeats and lateness do not change it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from models.breaking.rhythm import MINUTE_MS

LONGEST_IDLE_MIN = 7 * 24 * 60.0
"""A source that is new, or was silent for longer, counts as idle for a week."""


class Pickup(NamedTuple):
    """A source takes a story up.

    idleness  of the source just before, see `idleness`
    """

    source: str
    at_ms: int
    idleness: float


class Pickups(NamedTuple):
    """The first pick-up of each source, by time and then by source; the three go together."""

    times_ms: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    idleness: tuple[float, ...] = ()


def idleness(previous_ms: int | None, at_ms: int) -> float:
    """Logarithm of 1 + the minutes since a source's previous pick-up of any story.

    Sources that wake up for a story are a sign of it; sources that pass by are not.

    >>> idleness(0, 60_000) == math.log(2) and idleness(None, 0) == math.log(1 + LONGEST_IDLE_MIN)
    True
    """
    if previous_ms is None:
        return math.log1p(LONGEST_IDLE_MIN)
    minutes = max(0, at_ms - previous_ms) / MINUTE_MS
    return math.log1p(min(minutes, LONGEST_IDLE_MIN))


def add(past: Pickups, pickup: Pickup, *, capacity: int) -> Pickups:
    """The state with one more pick-up; the earliest of each source counts.

    capacity  sources kept, the earliest ones: what happens later changes nothing
    """
    times, sources, idle = past
    if pickup.source in sources:
        place = sources.index(pickup.source)
        if (times[place], idle[place]) <= (pickup.at_ms, pickup.idleness):
            return past
        times = times[:place] + times[place + 1 :]
        sources = sources[:place] + sources[place + 1 :]
        idle = idle[:place] + idle[place + 1 :]
    place = bisect_right(times, pickup.at_ms)
    while place and times[place - 1] == pickup.at_ms and sources[place - 1] > pickup.source:
        place -= 1
    return Pickups(
        (*times[:place], pickup.at_ms, *times[place:])[:capacity],
        (*sources[:place], pickup.source, *sources[place:])[:capacity],
        (*idle[:place], pickup.idleness, *idle[place:])[:capacity],
    )


def add_all(past: Pickups, batch: Iterable[Pickup], *, capacity: int) -> Pickups:
    """The state with a batch of pick-ups, in whatever order."""
    for pickup in batch:
        past = add(past, pickup, capacity=capacity)
    return past


def reached_ms(pickups: Pickups, sources: int) -> int | None:
    """When the given number of distinct sources had the story; None if they never did."""
    return pickups.times_ms[sources - 1] if len(pickups.times_ms) >= sources else None


def to_state(pickups: Pickups) -> dict[str, list[Any]]:
    """Plain lists, for a checkpoint."""
    return {name: list(column) for name, column in pickups._asdict().items()}


def from_state(state: Mapping[str, Iterable[Any]]) -> Pickups:
    """What `to_state` gave."""
    return Pickups(**{name: tuple(column) for name, column in state.items()})
