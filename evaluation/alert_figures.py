"""What alerts at a threshold are worth, and the threshold as a desk sets it as it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.pickup_replay import MINUTE_MS, Replay, as_warning, peaks, reach_of
from models.breaking import budget
from models.breaking.alerting import AlertState, Policy, Status, step
from models.breaking.budget import Peaks
from models.breaking.evidence import Evidence
from models.breaking.outcome import HOUR_MS

Array = npt.NDArray[np.float64]

SET_EVERY_MS = HOUR_MS
"""Event time between two looks at what the threshold should be; a desk sets it more often."""


class Ending(NamedTuple):
    """When the time of a story is over, and how high it rose while it could be warned of."""

    ended_ms: int
    peak: float


@dataclass(frozen=True)
class Operating:
    """What alerts at a threshold are worth.

    threshold  the last one: of a score's urgency, see `models.breaking.haste`, or a rule's number
    recall     of the stories that broke
    lead_min   median minutes from a right alert to the last source that was needed; None if none
    """

    threshold: float
    alerts_per_day: float
    precision: float
    recall: float
    lead_min: float | None
    false_per_week: float


class Ranked:
    """Stories under report, ranked by how high a rule rose before they broke."""

    def __init__(self, replayed: Replay, broke: int, days: float) -> None:
        self._replay = replayed
        self._broke = broke
        self._days = days
        self._early = as_warning(replayed)
        self._sources = replayed.evidence[:, Evidence._fields.index("sources")]
        self._reach = reach_of(replayed)
        self._at_ms = replayed.evidence[:, Evidence._fields.index("at_ms")]

    def at_budget(self, scores: Array, alerts_per_day: float, *, early: bool = True) -> Operating:
        """At the lowest threshold whose alerts keep the budget.

        early  whether a first alert must come before the policy's latest reach, and with a score
               that is no noise
        """
        counted = self._early if early else np.ones(len(scores), bool)
        highest = np.array(list(peaks(scores, self._replay.story, counted).values()))
        levels = np.unique(highest)
        fired = len(highest) - np.searchsorted(np.sort(highest), levels, "left")
        least = budget.LEAST_SCORE if early else -np.inf
        kept = levels[(fired <= alerts_per_day * self._days) & (levels >= least)]
        return self.at(scores, float(kept[0]) if len(kept) else np.inf, early=early)

    def at(self, scores: Array, threshold: float | Array, *, early: bool = True) -> Operating:
        """Alerts at a threshold: the first moment at which the policy opens one, per story.

        threshold  one, or that of each moment
        """
        levels = np.broadcast_to(threshold, scores.shape)
        latest = Policy.latest_reach if early else np.inf
        opened_ms: dict[int, float] = {}
        for moment in np.flatnonzero(scores >= levels):
            place = int(self._replay.story[moment])
            if place in opened_ms:
                continue
            _, told = step(
                AlertState(),
                Policy(threshold=float(levels[moment]), latest_reach=latest),
                now_ms=int(self._at_ms[moment]),
                score=float(scores[moment]),
                sources=int(self._sources[moment]),
                reach=float(self._reach[moment]),
            )
            if told is Status.OPENED:
                opened_ms[place] = float(self._at_ms[moment])
        leads = [
            (broke_ms - at_ms) / MINUTE_MS
            for place, at_ms in opened_ms.items()
            if (broke_ms := self._replay.stories[place].broke_ms) is not None
        ]
        alerts = len(opened_ms)
        return Operating(
            threshold=float(levels[-1]) if len(levels) else np.inf,
            alerts_per_day=alerts / self._days,
            precision=len(leads) / alerts if alerts else 0.0,
            recall=len(leads) / self._broke if self._broke else 0.0,
            lead_min=float(np.median(leads)) if leads else None,
            false_per_week=(alerts - len(leads)) * 7 / self._days,
        )


def thresholds(
    replayed: Replay, urgent: Array, budgets: Sequence[int], before: Sequence[Ending], prior: Peaks
) -> Mapping[int, Array]:
    """The threshold of each budget at each moment, as a desk sets it that learns as it goes.

    before  stories of the desk that are not replayed
    prior   peaks that come with the scorer
    """
    levels = {alerts: np.empty(len(urgent)) for alerts in budgets}
    known = sorted([*before, *endings(replayed, urgent)])
    past, told, newest = Peaks(), 0, -1
    current: dict[int, float] = {}
    for moment, at_ms in enumerate(replayed.evidence[:, Evidence._fields.index("at_ms")]):
        if at_ms // SET_EVERY_MS > newest:
            newest = at_ms // SET_EVERY_MS
            while told < len(known) and known[told].ended_ms <= at_ms:
                past = budget.observe(past, *known[told])
                told += 1
            current = {
                alerts: budget.threshold(past, alerts, prior=prior, now_ms=int(at_ms))
                for alerts in budgets
            }
        for alerts, level in current.items():
            levels[alerts][moment] = level
    return levels


def endings(replayed: Replay, urgent: Array) -> list[Ending]:
    """How each story that was looked at ended."""
    highest = peaks(urgent, replayed.story, as_warning(replayed))
    horizon_ms = replayed.outcome.horizon_ms
    return [
        Ending(replayed.stories[place].born_ms + horizon_ms, peak)
        for place, peak in highest.items()
    ]
