"""What became of alerts teaches the score: a bounded step for each verdict, champion kept until
the challenger wins.

A verdict is a label: an alert that an editor confirms came true, one that is dismissed did not; a
story whose time is over may be one as well. The probability is moved in log-odds by a slope and an
intercept (Platt, 1999). The challenger learns from each verdict after it was asked about it
(progressive validation: Dawid, 1984); the champion is what alerts show. It is replaced when the
challenger lost clearly less on what it had not seen.

A desk keeps one in its `lessons`. Verdicts carry the scorer's own value, before the shift. They
exist for alerts only, so a shift says little of scores far below the threshold: it is bounded, and
pulled to none. `models.breaking.watch` tells when it is not enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.breaking.calibration import Probability

Array = npt.NDArray[np.float64]

STEP = 0.15
"""Log-odds that the intercept moves for a verdict that was wholly unexpected."""

SLOPE_STEP = 0.05
MOST_INTERCEPT = 2.0
MOST_SLOPE = 2.0
"""A shift never multiplies odds by more than e squared, nor sharpens or flattens more than this."""

PULL = 0.01
"""Share of a shift that is forgotten with each verdict."""

PRIOR_VERDICTS = 10.0
"""Verdicts that the unshifted score is worth when all are fitted at once."""

FEWEST = 30
"""Verdicts on which a challenger must have won."""

KEPT = 300
SURE = 1.645
"""Standard errors by which the mean loss must differ: one-sided, 5 %."""

SURE_AT_ANY_TIME = 2.6
"""The same for a challenger that is looked at after each verdict, and so has many chances."""

_LEAST = 1e-6
_NEWTON_STEPS = 50
_LONGEST_STEP = 0.5


class Shift(NamedTuple):
    """Log-odds are multiplied by the slope, then the intercept is added."""

    slope: float = 1.0
    intercept: float = 0.0


class Verdict(NamedTuple):
    """What became of an alert.

    score  as the scorer gave it, before any shift, 0..1
    """

    at_ms: int
    score: float
    came_true: bool


class Recalibration(NamedTuple):
    """State: the shift that is shown, the one that learns, and by how much the first one lost more.

    gains  of the newest verdicts since the champion changed: its loss less the challenger's
    """

    champion: Shift = Shift()
    challenger: Shift = Shift()
    gains: tuple[float, ...] = ()


class Trial(NamedTuple):
    """A challenger replayed beside the champion on verdicts that it had not learned from.

    champion, challenger  mean log loss
    gain, error           mean of the differences, and its standard error
    """

    verdicts: int
    champion: float
    challenger: float
    gain: float
    error: float

    def won(self, sure: float = SURE) -> bool:
        """Whether the challenger lost clearly less, by so many standard errors."""
        return self.verdicts >= FEWEST and self.gain > sure * self.error


def shifted(shift: Shift, probability: Probability) -> Probability:
    """A probability and its bounds, moved."""
    return Probability(*(moved(shift, value) for value in probability))


def moved(shift: Shift, score: float) -> float:
    """One probability, moved; no shift leaves it as it is.

    >>> moved(Shift(), 0.7), round(moved(Shift(1.0, -1.0), 0.7), 3)
    (0.7, 0.462)
    """
    if shift == Shift():
        return score
    return _sigmoid(shift.slope * _log_odds(score) + shift.intercept)


def all_moved(shift: Shift, scores: Array) -> Array:
    """Many probabilities, float64 of any shape, moved."""
    if shift == Shift():
        return scores
    inside = np.clip(scores, _LEAST, 1 - _LEAST)
    odds = shift.slope * np.log(inside / (1 - inside)) + shift.intercept
    new: Array = 1 / (1 + np.exp(-odds))
    return new


def observe(past: Recalibration, verdict: Verdict) -> tuple[Recalibration, bool]:
    """The state after a verdict, and whether the challenger has become champion."""
    gain = loss(past.champion, verdict) - loss(past.challenger, verdict)
    gains = (*past.gains, gain)[-KEPT:]
    learned = stepped(past.challenger, verdict)
    if _trial_of(gains, 0.0, 0.0).won(SURE_AT_ANY_TIME):
        return Recalibration(past.challenger, learned), True
    return Recalibration(past.champion, learned, gains), False


def stepped(shift: Shift, verdict: Verdict) -> Shift:
    """One bounded step down the slope of the log loss, and a little towards no shift."""
    missed = verdict.came_true - moved(shift, verdict.score)
    slope = shift.slope + SLOPE_STEP * missed * math.tanh(_log_odds(verdict.score))
    intercept = shift.intercept + STEP * missed
    return _bounded(slope + PULL * (1 - shift.slope), intercept - PULL * shift.intercept)


def fitted(verdicts: Sequence[Verdict]) -> Shift:
    """The shift of many verdicts at once: ridge logistic regression by Newton's method."""
    slope, intercept = 1.0, 0.0
    rows = [(_log_odds(v.score), float(v.came_true)) for v in verdicts]
    for _ in range(_NEWTON_STEPS):
        g0, g1 = PRIOR_VERDICTS * (slope - 1), PRIOR_VERDICTS / 10 * intercept
        h00, h01, h11 = PRIOR_VERDICTS, 0.0, PRIOR_VERDICTS / 10
        for odds, true in rows:
            said = _sigmoid(slope * odds + intercept)
            weight = said * (1 - said)
            g0, g1 = g0 + (said - true) * odds, g1 + said - true
            h00, h01, h11 = h00 + weight * odds * odds, h01 + weight * odds, h11 + weight
        spread = h00 * h11 - h01 * h01
        slope -= _limited((h11 * g0 - h01 * g1) / spread)
        intercept -= _limited((h00 * g1 - h01 * g0) / spread)
    return _bounded(slope, intercept)


def trial(champion: Shift, challenger: Shift, verdicts: Sequence[Verdict]) -> Trial:
    """Replay both on verdicts. Raises ValueError where there are none."""
    if not verdicts:
        raise ValueError("no verdicts to try a challenger on; expected at least one")
    kept = [loss(champion, verdict) for verdict in verdicts]
    new = [loss(challenger, verdict) for verdict in verdicts]
    gains = [one - other for one, other in zip(kept, new, strict=True)]
    return _trial_of(gains, _mean(kept), _mean(new))


def loss(shift: Shift, verdict: Verdict) -> float:
    """Log loss of a verdict, in nats."""
    said = min(1 - _LEAST, max(_LEAST, moved(shift, verdict.score)))
    return -math.log(said if verdict.came_true else 1 - said)


def to_state(state: Recalibration) -> dict[str, list[float]]:
    """Plain lists, for a checkpoint."""
    return {name: list(value) for name, value in state._asdict().items()}


def from_state(state: Mapping[str, Iterable[Any]]) -> Recalibration:
    """What `to_state` gave."""
    champion, challenger = (Shift(*state[name]) for name in ("champion", "challenger"))
    return Recalibration(champion, challenger, tuple(state["gains"]))


def _limited(step: float) -> float:
    """Newton's steps leap too far where nearly all verdicts were expected."""
    return min(_LONGEST_STEP, max(-_LONGEST_STEP, step))


def _trial_of(gains: Sequence[float], champion: float, challenger: float) -> Trial:
    mean = _mean(gains)
    spread = sum((gain - mean) ** 2 for gain in gains) / max(1, len(gains) - 1)
    return Trial(len(gains), champion, challenger, mean, math.sqrt(spread / len(gains)))


def _bounded(slope: float, intercept: float) -> Shift:
    return Shift(
        min(MOST_SLOPE, max(1 / MOST_SLOPE, slope)),
        min(MOST_INTERCEPT, max(-MOST_INTERCEPT, intercept)),
    )


def _log_odds(score: float) -> float:
    inside = min(1 - _LEAST, max(_LEAST, score))
    return math.log(inside / (1 - inside))


def _sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
