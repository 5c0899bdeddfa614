"""From scores to probabilities: inductive Venn-Abers (Vovk and Petej, 2014).

Isotonic regression is fitted twice for a score, as if the story were to break and as if it were
not; the two answers bound the probability. The bounds are wide where little was seen, which is the
interval an alert shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

KNOTS = 200
"""Scores at which the bounds are kept; lines between them."""


TIE_BREAK = 1e-3
"""Share of the plain score in a probability: too little to see, enough to rank by."""


class Probability(NamedTuple):
    """A calibrated score with its bounds, all 0..1."""

    value: float
    low: float
    high: float


class Calibrator(NamedTuple):
    """Bounds at some scores, ascending; as many of each."""

    scores: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def fit(scores: Array, came_true: Array, weights: Array) -> Calibrator:
    """A calibrator from scores that the scorer gave to moments it had not learned from.

    scores     float (moments,), 0..1
    came_true  float (moments,), 1 where the story broke
    weights    float (moments,), observations that a moment is worth: moments of one story repeat
               each other
    Raises ValueError when there are none.
    """
    if not len(scores):
        raise ValueError("no moments to calibrate with; expected at least one")
    order = np.argsort(scores, kind="stable")
    scores, came_true, weights = scores[order], came_true[order], weights[order]
    cumulated = np.cumsum(_balanced(weights, came_true))
    bins = np.minimum((cumulated / cumulated[-1] * KNOTS).astype(int), KNOTS - 1)
    bins = _same_for_ties(scores, bins)
    starts = np.flatnonzero(np.r_[True, bins[1:] != bins[:-1]])
    mass = np.add.reduceat(weights, starts)
    hits = np.add.reduceat(weights * came_true, starts)
    knots = np.add.reduceat(weights * scores, starts) / mass
    low: list[float] = []
    high: list[float] = []
    for knot in range(len(knots)):
        for bounds, outcome in ((low, 0.0), (high, 1.0)):
            one = np.zeros(len(knots))
            one[knot] = 1.0
            total = mass + one
            bounds.append(isotonic((hits + one * outcome) / total, total)[knot])
    ascending = (np.maximum.accumulate(bounds) for bounds in (low, high))
    return Calibrator(tuple(knots.tolist()), *(tuple(bound.tolist()) for bound in ascending))


def probabilities(calibrator: Calibrator, scores: Array) -> Array:
    """Calibrated scores with bounds, float (moments,) to float (moments, 3): value, low, high.

    The value is the one with the least regret, high / (1 - low + high). Where isotonic regression
    is flat, the score still decides which of two moments ranks higher.
    """
    low = np.interp(scores, calibrator.scores, calibrator.low)
    high = np.interp(scores, calibrator.scores, calibrator.high)
    value = (1 - TIE_BREAK) * high / (1 - low + high) + TIE_BREAK * scores
    return np.column_stack([value, np.minimum(low, value), np.maximum(high, value)])


def probability(calibrator: Calibrator, score: float) -> Probability:
    """One calibrated score with its bounds."""
    return Probability(*map(float, probabilities(calibrator, np.array([score]))[0]))


def isotonic(values: Array, weights: Array) -> Array:
    """The closest ascending values (weighted squares), by pooling adjacent violators.

    >>> isotonic(np.array([0.0, 1.0, 0.5, 1.0]), np.ones(4)).tolist()
    [0.0, 0.75, 0.75, 1.0]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, mass, size = blocks.pop()
            total = mass + block[1]
            block = ((mean * mass + block[0] * block[1]) / total, total, size + block[2])
        blocks.append(block)
    return np.repeat([b[0] for b in blocks], [b[2] for b in blocks])


def to_state(calibrator: Calibrator) -> dict[str, list[float]]:
    """Plain lists, for JSON."""
    return {name: list(column) for name, column in calibrator._asdict().items()}


def from_state(state: Mapping[str, Sequence[Any]]) -> Calibrator:
    """What `to_state` gave."""
    return Calibrator(**{name: tuple(map(float, column)) for name, column in state.items()})


def _balanced(weights: Array, came_true: Array) -> Array:
    """Weights by which half of the knots lie among the moments that came true."""
    hits = float((weights * came_true).sum())
    misses = float((weights * (1 - came_true)).sum())
    if not hits or not misses:
        return weights
    balanced: Array = weights * np.where(came_true == 1, 0.5 / hits, 0.5 / misses)
    return balanced


def _same_for_ties(scores: Array, bins: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Equal scores share the bin of their first."""
    first = np.searchsorted(scores, scores, "left")
    same: npt.NDArray[np.intp] = bins[first]
    return same
