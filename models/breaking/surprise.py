"""Observed against expected pick-ups of a story: a negative-binomial tail.

A story draws a share of the stream's traffic. Shares differ from story to story as a gamma
distribution; a story's own past sharpens it (Gelman et al., Bayesian Data Analysis, 2.6), so a
young story is judged by the others and an old one by itself. Exposure is the traffic that the
rhythm of the week expects.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

LEAST_SHAPE = 0.05
"""Shares are never taken to differ more than this gamma shape allows; data may hold one story."""

_CONVERGED = 1e-12


class Shares(NamedTuple):
    """Gamma distribution of the stories' shares of the traffic.

    rate  in pick-ups of the whole stream
    """

    shape: float
    rate: float


class Surprise(NamedTuple):
    """A window's pick-ups against what was expected.

    tail_log10  log10 of the probability of at least as many, 0 or less
    """

    observed: int
    expected: float
    tail_log10: float


def fit(pickups: Sequence[int], exposure: Sequence[float]) -> Shares:
    """Shares of many stories by the method of moments.

    pickups, exposure  of each story, over one stretch of its life
    """
    total = sum(exposure)
    if not total or not sum(pickups):
        return Shares(LEAST_SHAPE, LEAST_SHAPE)
    mean = sum(pickups) / total
    spread = sum((n - mean * x) ** 2 for n, x in zip(pickups, exposure, strict=True)) - sum(pickups)
    variance = max(0.0, spread / sum(x * x for x in exposure))
    shape = max(LEAST_SHAPE, mean * mean / variance) if variance else 1.0
    return Shares(shape, shape / mean)


def judge(
    prior: Shares, observed: int, exposure: float, past: int, past_exposure: float
) -> Surprise:
    """How surprising a window's pick-ups are, given what the story had before it.

    >>> calm = judge(Shares(1.0, 100.0), observed=2, exposure=100.0, past=20, past_exposure=1000.0)
    >>> round(calm.expected, 2), calm.tail_log10 > -1
    (1.91, True)
    """
    shape, rate = prior.shape + past, prior.rate + past_exposure
    return Surprise(
        observed,
        exposure * shape / rate,
        tail_log10(observed, shape, rate / (rate + exposure)),
    )


def tail_log10(count: int, shape: float, p: float) -> float:
    """log10 P(X >= count) of a negative binomial with `shape` and success probability `p`.

    Sums the terms from `count` upwards, relative to the first; below the mean it takes the
    complement, where the terms from `count` upwards still grow.
    """
    if count <= 0 or p >= 1.0:
        return 0.0 if count <= 0 else -math.inf
    mean = shape * (1 - p) / p
    if count <= mean:
        below = sum(math.exp(_log_mass(n, shape, p)) for n in range(count))
        return math.log10(max(1.0 - below, _CONVERGED))
    term, series, n = 1.0, 1.0, count
    while term > _CONVERGED * series:
        term *= (n + shape) / (n + 1) * (1 - p)
        series += term
        n += 1
    return min(0.0, (_log_mass(count, shape, p) + math.log(series)) / math.log(10))


def _log_mass(n: int, shape: float, p: float) -> float:
    return (
        math.lgamma(n + shape)
        - math.lgamma(shape)
        - math.lgamma(n + 1)
        + shape * math.log(p)
        + n * math.log1p(-p)
    )
