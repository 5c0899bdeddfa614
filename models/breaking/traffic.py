"""State of the stream: pick-ups of any story in the last minutes and hours."""

from typing import NamedTuple

from models.breaking.rhythm import MINUTE_MS

MINUTES_KEPT = 21
"""The current minute and the twenty before it."""

HOURS_KEPT = 25
"""The current hour and the day before it."""


class Traffic(NamedTuple):
    """Pick-ups by minute and by hour since 1970, the current one last."""

    minute: int = 0
    minutes: tuple[int, ...] = (0,) * MINUTES_KEPT
    hour: int = 0
    hours: tuple[int, ...] = (0,) * HOURS_KEPT


def count(past: Traffic, at_ms: int, pickups: int = 1) -> Traffic:
    """The state with pick-ups at a moment; those before the time that is kept change nothing."""
    minute = at_ms // MINUTE_MS
    last_minute, minutes = _add(past.minute, past.minutes, minute, pickups)
    last_hour, hours = _add(past.hour, past.hours, minute // 60, pickups)
    return Traffic(last_minute, minutes, last_hour, hours)


def in_last(traffic: Traffic, minutes: int, now_ms: int) -> int:
    """Pick-ups in the full minutes before the one of `now_ms`, 1 to 20 of them."""
    end = now_ms // MINUTE_MS - traffic.minute + MINUTES_KEPT - 1
    return sum(traffic.minutes[max(0, end - minutes) : max(0, end)])


def an_hour(traffic: Traffic, now_ms: int) -> float:
    """Mean pick-ups an hour over the full hours of the day before, since the first that had any."""
    end = now_ms // (60 * MINUTE_MS) - traffic.hour + HOURS_KEPT - 1
    day = traffic.hours[max(0, end - HOURS_KEPT + 1) : max(0, end)]
    first = next((place for place, hour in enumerate(day) if hour), len(day))
    return sum(day) / (len(day) - first) if first < len(day) else 0.0


def _add(last: int, counts: tuple[int, ...], slot: int, number: int) -> tuple[int, tuple[int, ...]]:
    passed = slot - last
    if passed > 0:
        counts = (*counts, *(0,) * min(passed, len(counts)))[-len(counts) :]
        last = slot
    place = len(counts) - 1 - (last - slot)
    if place < 0:
        return last, counts
    return last, (*counts[:place], counts[place] + number, *counts[place + 1 :])
