"""Whether the score can still be trusted: a risk-adjusted CUSUM on calibration.

For each verdict, the log-likelihood ratio of "the odds are twice (or half) what was said" against
"they are what was said" is added up, never below 0 (Page, 1954; Steiner et al., 2000: "Monitoring
surgical performance using risk-adjusted cumulative sum charts"). Probabilities may be anything, so
busy and quiet weeks weigh as they should; a plain drift detector would take a change of mix for one
of calibration.

A desk keeps one in its `lessons`, and begins anew after each alarm. By simulation (tests), a
calibrated score alarms about once in 2,000 verdicts, and one whose odds are three times wrong
within some 60.
"""

import math
from typing import NamedTuple

from models.breaking.recalibration import Verdict
from schemas.quality_signal import QualitySignal

ODDS = 2.0
"""The change that is watched for: odds that many times too low, or too high."""

ALARM = 5.0
KIND = "calibration_drift"
ORIGIN = "breaking"


class Cusum(NamedTuple):
    """State: evidence for scores too low and too high, and what the verdicts said and brought.

    verdicts, said, true  how many since the watch began, the sum of their scores, and of outcomes
    """

    too_low: float = 0.0
    too_high: float = 0.0
    verdicts: int = 0
    said: float = 0.0
    true: int = 0


def add(past: Cusum, verdict: Verdict) -> Cusum:
    """The state after a verdict; its score is the one that alerts showed."""
    return Cusum(
        too_low=max(0.0, past.too_low + _evidence(verdict, ODDS)),
        too_high=max(0.0, past.too_high + _evidence(verdict, 1 / ODDS)),
        verdicts=past.verdicts + 1,
        said=past.said + verdict.score,
        true=past.true + verdict.came_true,
    )


def alarmed(state: Cusum) -> bool:
    """Whether the score can no longer be trusted."""
    return max(state.too_low, state.too_high) >= ALARM


def signal(state: Cusum, *, desk: str, raised_ms: int) -> QualitySignal | None:
    """What to tell a person, None while all is well."""
    if not alarmed(state):
        return None
    way = "low" if state.too_low >= state.too_high else "high"
    said, true = state.said / state.verdicts, state.true / state.verdicts
    return QualitySignal(
        kind=KIND,
        subject=f"breaking/{desk}",
        origin=ORIGIN,
        observed=true,
        expected=said,
        detail=(
            f"scores at {desk} have become too {way}: of {state.verdicts} alerts with a verdict "
            f"{true:.0%} came true where {said:.0%} was said; `wiredesk alerts recalibrate`"
        ),
        raised_ms=raised_ms,
    )


def _evidence(verdict: Verdict, odds: float) -> float:
    """Log-likelihood ratio of odds so many times as high as were said."""
    return verdict.came_true * math.log(odds) - math.log(1 + (odds - 1) * verdict.score)
