"""The simple rules that the score has to beat; each gives a number that grows with the burst."""

import math
from typing import NamedTuple

from models.breaking.evidence import Evidence
from models.breaking.rhythm import MINUTE_MS
from models.breaking.surprise import Shares, judge

BURST_FACTOR = 3.0
"""Kleinberg's s: how much faster pick-ups come in a burst."""

TRANSITION_COST = 1.0
"""Kleinberg's gamma: what entering a burst costs, times the log of the pick-ups seen."""


def fixed_rule(evidence: Evidence, minutes: int) -> float:
    """Distinct sources in the last 15 or 60 minutes."""
    return {15: evidence.last_15, 60: evidence.last_60}[minutes]


def z_score(evidence: Evidence, prior: Shares) -> float:
    """Standard deviations of the last 15 minutes above what was expected, as if Poisson."""
    expected = _last_15(evidence, prior).expected
    return (evidence.last_15 - expected) / math.sqrt(expected)


def tail(evidence: Evidence, prior: Shares) -> float:
    """-log10 of the negative-binomial tail of the last 15 minutes."""
    return -_last_15(evidence, prior).tail_log10


class Kleinberg(NamedTuple):
    """Two-state automaton over gaps (Kleinberg, 2002): least cost of each state so far."""

    base: float = 0.0
    burst: float = math.inf
    last_ms: int = 0
    pickups: int = 0


def advance(past: Kleinberg, at_ms: int, per_minute: float) -> Kleinberg:
    """The automaton after one more pick-up, in order of time.

    per_minute  pick-ups of a story outside of bursts, above 0
    """
    if past.pickups == 0:
        return Kleinberg(last_ms=at_ms, pickups=1)
    gap = max(0, at_ms - past.last_ms) / MINUTE_MS
    entering = TRANSITION_COST * math.log(past.pickups + 1)
    fast = BURST_FACTOR * per_minute
    return Kleinberg(
        base=min(past.base, past.burst) + per_minute * gap - math.log(per_minute),
        burst=min(past.base + entering, past.burst) + fast * gap - math.log(fast),
        last_ms=at_ms,
        pickups=past.pickups + 1,
    )


def burst_weight(automaton: Kleinberg) -> float:
    """How much cheaper the burst explains the pick-ups, in nats; -inf before the second one."""
    return automaton.base - automaton.burst


def _last_15(evidence: Evidence, prior: Shares) -> "_Judged":
    lived = evidence.stream_lived
    window = min(evidence.stream_trend * 15 / 20, lived)
    judged = judge(
        prior,
        observed=int(evidence.last_15),
        exposure=max(window, 1e-9),
        past=int(evidence.sources - evidence.last_15),
        past_exposure=max(0.0, lived - window),
    )
    return _Judged(judged.expected, judged.tail_log10)


class _Judged(NamedTuple):
    expected: float
    tail_log10: float
