"""Geometry of the console's pictures: numbers in, coordinates of inline SVG out.

A page may carry no styles of its own (Content-Security-Policy), so what a picture shows is in
attributes: rectangles and points, not heights in percent.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from schemas.story import StoryMoment

STRETCH_MS = 5 * 60_000
"""Length of a StoryMoment."""

AXIS_WIDTH = 40.0
"""Room for the labels of a timeline."""


class Bar(NamedTuple):
    """A bar of a chart, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    at_ms: int
    value: float


class Tick(NamedTuple):
    """A labelled place on an axis."""

    at: float
    label: str


class Spark(NamedTuple):
    """Arrivals against expectation, small.

    bars      new independent sources of each stretch, oldest first
    expected  points of the line that was to be expected
    """

    width: float
    height: float
    bars: tuple[Bar, ...]
    expected: str
    observed_total: int
    expected_total: float
    minutes: int


class Mark(NamedTuple):
    """A moment in a timeline: an alert's state, an editor's decision."""

    x: float
    label: str
    at_ms: int


class Timeline(NamedTuple):
    """The course of a story: bars of arrivals, the expected line, the score, what happened when.

    score     points of the score's line, in the upper band
    arrivals  ticks of the lower band's axis
    left      room for the labels
    threshold the alert threshold in the upper band; None where no desk has one
    """

    width: float
    height: float
    left: float
    band: float
    floor: float
    bars: tuple[Bar, ...]
    expected: str
    score: str
    threshold: float | None
    arrivals: tuple[Tick, ...]
    scores: tuple[Tick, ...]
    hours: tuple[Bar, ...]
    marks: tuple[Mark, ...]


class Gauge(NamedTuple):
    """A probability with its interval and the threshold on a track of `width`."""

    width: float
    low: float
    span: float
    at: float
    threshold: float | None


def gauge(
    score: float, low: float, high: float, threshold: float | None, width: float = 100
) -> Gauge:
    """
    >>> gauge(0.5, 0.25, 0.75, 0.6)
    Gauge(width=100, low=25.0, span=50.0, at=50.0, threshold=60.0)
    """
    low, high = min(low, score), max(high, score)
    span = max((high - low) * width, 2.0)
    return Gauge(
        width,
        min(low * width, width - span),
        span,
        score * width,
        None if threshold is None else threshold * width,
    )


def filled(history: Sequence[StoryMoment], until_ms: int, stretches: int) -> list[StoryMoment]:
    """The last stretches up to a moment, the quiet ones that nobody wrote down included.

    A stretch without a record saw nothing; the last known expectation and score are carried on.
    """
    known = {moment.at_ms // STRETCH_MS: moment for moment in history}
    last = max(until_ms // STRETCH_MS, max(known, default=0))
    first = last - stretches + 1
    earlier = [moment for stretch, moment in sorted(known.items()) if stretch < first]
    before = earlier[-1] if earlier else None
    row = []
    for stretch in range(first, last + 1):
        moment = known.get(stretch) or StoryMoment(
            at_ms=stretch * STRETCH_MS,
            observed=0,
            expected=before.expected if before else 0.0,
            score=before.score if before else 0.0,
        )
        row.append(moment)
        before = moment
    return row


def spark(
    history: Sequence[StoryMoment],
    until_ms: int,
    stretches: int = 24,
    width: float = 120,
    height: float = 28,
) -> Spark | None:
    """The last two hours of a story; None for one without a course."""
    if not history:
        return None
    row = filled(history, until_ms, stretches)
    top = max(3.0, *(max(moment.observed, moment.expected) for moment in row))
    step = width / stretches
    last_15_min = row[-3:]
    return Spark(
        width,
        height,
        _bars(row, step, height, top, left=0, base=height),
        _line([moment.expected / top for moment in row], step, height, left=0, base=height),
        sum(moment.observed for moment in last_15_min),
        sum(moment.expected for moment in last_15_min),
        15,
    )


def timeline(
    history: Sequence[StoryMoment],
    until_ms: int,
    threshold: float | None,
    marks: Sequence[tuple[int, str]],
    width: float = 720,
    height: float = 220,
) -> Timeline | None:
    """The course of a story from an hour at least to a day at most; None without one.

    marks  (at_ms, label), oldest first
    """
    if not history:
        return None
    left, floor, band = AXIS_WIDTH, height - 20, 78.0
    begin = min(moment.at_ms for moment in history)
    stretches = min(max((until_ms - begin) // STRETCH_MS + 2, 12), 288)
    row = filled(history, until_ms, int(stretches))
    step = (width - left) / len(row)
    most = max(max(moment.observed, moment.expected) for moment in row)
    ticks = nice_ticks(most)
    top = ticks[-1]
    low_height = floor - band - 18
    start_ms = row[0].at_ms
    per_ms = step / STRETCH_MS
    return Timeline(
        width,
        height,
        left,
        band,
        floor,
        _bars(row, step, low_height, top, left=left, base=floor),
        _line([moment.expected / top for moment in row], step, low_height, left=left, base=floor),
        _line([moment.score for moment in row], step, band - 8, left=left, base=band),
        None if threshold is None else round(band - threshold * (band - 8), 1),
        tuple(Tick(round(floor - value / top * low_height, 1), f"{value:g}") for value in ticks),
        tuple(
            Tick(round(band - share * (band - 8), 1), f"{share:.0%}") for share in (0.0, 0.5, 1.0)
        ),
        _hours(row, step, left),
        tuple(
            Mark(round(left + (at_ms - start_ms) * per_ms, 1), label, at_ms)
            for at_ms, label in marks
            if start_ms <= at_ms <= row[-1].at_ms + STRETCH_MS
        ),
    )


def nice_ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`, four at most.

    >>> nice_ticks(0.3), nice_ticks(7), nice_ticks(31)
    ([0, 1], [0, 5, 10], [0, 20, 40])
    """
    if most <= 1:
        return [0, 1]
    magnitude = 10 ** math.floor(math.log10(most / 2))
    step = next(s * magnitude for s in (1, 2, 5, 10) if s * magnitude >= most / 2)
    return [value * step for value in range(math.ceil(most / step) + 1)]


def _bars(
    row: Sequence[StoryMoment], step: float, height: float, top: float, *, left: float, base: float
) -> tuple[Bar, ...]:
    gap = min(1.5, step * 0.25)
    bars = []
    for place, moment in enumerate(row):
        tall = moment.observed / top * height
        if tall:
            x, y = left + place * step, base - tall
            bars.append(
                Bar(
                    round(x, 1),
                    round(y, 1),
                    round(step - gap, 1),
                    round(tall, 1),
                    moment.at_ms,
                    moment.observed,
                )
            )
    return tuple(bars)


def _line(shares: Sequence[float], step: float, height: float, *, left: float, base: float) -> str:
    points = (
        f"{left + (place + 0.5) * step:.1f},{base - min(share, 1.0) * height:.1f}"
        for place, share in enumerate(shares)
    )
    return " ".join(points)


def _hours(row: Sequence[StoryMoment], step: float, left: float) -> tuple[Bar, ...]:
    """Where the clock's round times stand, six at most."""
    minutes = len(row) * 5
    every = next(m for m in (10, 15, 30, 60, 120, 180, 240, 360) if minutes / m <= 7)
    every_ms = every * 60_000
    return tuple(
        Bar(round(left + place * step, 1), 0, 0, 0, moment.at_ms, 0)
        for place, moment in enumerate(row)
        if moment.at_ms % every_ms == 0
    )
