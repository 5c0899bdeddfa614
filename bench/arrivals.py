"""Simulated news: stories that sources take up, copy and repeat, each at its own pace.

What no public set has is many independent publishers over time, so this is made up. Figures from it
are about speed and robustness, never about accuracy, and are told apart from real ones.

Assumed, and why:
- Stories begin as a Poisson process that follows the hour of the week: quiet nights and weekends.
- A story's pick-ups excite more (Hawkes, 1971): the next come with a rate that jumps with each and
  decays exponentially. Branching ratios are drawn for each story from a beta distribution, so most
  die at once and a few grow large: heavy tails, as counts of pick-ups are in every corpus.
- A small share of stories are events that many newsrooms learn of by themselves, from agencies,
  police or what they see: besides what a pick-up leads to, pick-ups come from outside, most of them
  in the first minutes (an exogenous shock: Crane and Sornette, 2008). Their number and their time
  are log-normal: most events stay small, and begin like those that do not.
- Sources differ in output (Zipf), in delay (log-normal: seconds for agencies, hours for weeklies)
  and in what they do with a wire text: a share of pick-ups reprints it word for word.
- A small share of records arrives late, by up to hours: feeds are polled, and pollers fail.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

HOUR_MS = 3_600_000
WEEK_H = 168


@dataclass(frozen=True)
class Assumptions:
    """How the simulated news behaves.

    stories_an_hour    on average over the week
    branching          beta parameters of the pick-ups that one pick-up leads to, below 1
    decay_min          mean minutes from a pick-up to one that it leads to
    events             share of stories that are events
    event_pickups      median pick-ups of an event from outside, sigma of its log
    event_min          median of the mean minutes until they decide, sigma of its log
    sources, zipf      how many there are, exponent of their output
    delay_min, spread  median minutes from decision to publication, sigma of its log
    reprints, late     shares of pick-ups
    latest_h           most hours that a late record is late
    """

    stories_an_hour: float = 60.0
    branching: tuple[float, float] = (1.2, 1.0)
    decay_min: float = 40.0
    events: float = 0.04
    event_pickups: tuple[float, float] = (4.0, 1.2)
    event_min: tuple[float, float] = (20.0, 0.6)
    sources: int = 2000
    zipf: float = 1.0
    delay_min: float = 3.0
    spread: float = 1.2
    reprints: float = 0.3
    late: float = 0.01
    latest_h: float = 6.0
    most_pickups: int = 5000


@dataclass(frozen=True)
class Arrival:
    """A pick-up as it reaches us; `published_ms` is event time, `arrived_ms` when it came."""

    story: int
    source: int
    published_ms: int
    arrived_ms: int
    reprint: bool


def arrivals(assumed: Assumptions, *, start_ms: int, hours: int, seed: int) -> Iterator[Arrival]:
    """Every arrival of the stories that begin within some hours, by the hour they begin in."""
    chance = Random(seed)
    shares = _zipf(assumed.sources, assumed.zipf)
    story = 0
    for hour in range(hours):
        began_ms = start_ms + hour * HOUR_MS
        for _ in range(_poisson(chance, assumed.stories_an_hour * rhythm(began_ms))):
            story += 1
            first_ms = began_ms + chance.randrange(HOUR_MS)
            yield from _story(assumed, chance, shares, story, first_ms)


def rhythm(at_ms: int) -> float:
    """How busy an hour is against the average: a day's wave, a third less at the weekend.

    >>> round(sum(rhythm(hour * HOUR_MS) for hour in range(WEEK_H)) / WEEK_H, 3)
    1.0
    """
    hour = at_ms // HOUR_MS
    weekday = (hour // 24 + 3) % 7  # 1970 began on a Thursday, 3 from Monday
    weekly = 1.0 if weekday < 5 else 2 / 3
    wave = 1 - 0.7 * math.cos(2 * math.pi * (hour % 24 - 3) / 24)
    return wave * weekly / ((5 + 2 * 2 / 3) / 7)


def _story(
    assumed: Assumptions, chance: Random, shares: list[float], story: int, first_ms: int
) -> Iterator[Arrival]:
    """A branching process: each pick-up leads to a Poisson number of others."""
    ratio = min(0.98, chance.betavariate(*assumed.branching))
    waiting, made = [first_ms], 0
    if chance.random() < assumed.events:
        mean_min = _log_normal(chance, *assumed.event_min)
        for _ in range(round(_log_normal(chance, *assumed.event_pickups))):
            gap_min = chance.expovariate(1 / mean_min)
            waiting.append(first_ms + round(gap_min * 60_000))
    while waiting and made < assumed.most_pickups:
        decided_ms = waiting.pop()
        made += 1
        yield _arrival(assumed, chance, shares, story, decided_ms)
        for _ in range(_poisson(chance, ratio)):
            gap_min = chance.expovariate(1 / assumed.decay_min)
            waiting.append(decided_ms + round(gap_min * 60_000))


def _arrival(
    assumed: Assumptions, chance: Random, shares: list[float], story: int, decided_ms: int
) -> Arrival:
    delay_min = _log_normal(chance, assumed.delay_min, assumed.spread)
    published_ms = decided_ms + round(delay_min * 60_000)
    late_ms = chance.random() < assumed.late and round(chance.random() * assumed.latest_h * HOUR_MS)
    return Arrival(
        story=story,
        source=chance.choices(range(assumed.sources), cum_weights=shares)[0],
        published_ms=published_ms,
        arrived_ms=published_ms + int(late_ms),
        reprint=chance.random() < assumed.reprints,
    )


def _log_normal(chance: Random, median: float, sigma: float) -> float:
    return median * math.exp(chance.gauss(0, sigma))


def _zipf(sources: int, exponent: float) -> list[float]:
    """Cumulated weights of sources, the most productive first."""
    total, cumulated = 0.0, []
    for rank in range(1, sources + 1):
        total += rank**-exponent
        cumulated.append(total)
    return cumulated


def _poisson(chance: Random, mean: float) -> int:
    """By counting exponential gaps; means here are small."""
    count, passed = 0, chance.expovariate(1.0)
    while passed < mean:
        count += 1
        passed += chance.expovariate(1.0)
    return count
