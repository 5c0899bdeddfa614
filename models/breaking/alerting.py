"""State of a story's alert at a desk: when it opens, escalates and closes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """Where an alert stands."""

    SILENT = "silent"
    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"


@dataclass(frozen=True)
class Policy:
    """What a desk wants.

    threshold     score that opens an alert
    release       share of the threshold below which an open alert closes: hysteresis
    cooldown_ms   time after closing in which the story opens none
    latest_reach  sources, in outcomes, from which on a first alert is no warning any more
    escalation    growth in sources since opening that is told once
    """

    threshold: float
    release: float = 0.5
    cooldown_ms: int = 6 * 3_600_000
    latest_reach: float = 0.95
    escalation: float = 2.0


class AlertState(NamedTuple):
    """An alert of one story: where it stands, since when, and the sources when it opened."""

    status: str = Status.SILENT
    since_ms: int = 0
    sources_at_opening: int = 0


def step(
    past: AlertState, policy: Policy, *, now_ms: int, score: float, sources: int, reach: float
) -> tuple[AlertState, Status | None]:
    """The state after a moment, and what is to be told: opened, escalated, closed or nothing."""
    if past.status in (Status.OPENED, Status.ESCALATED):
        if score < policy.release * policy.threshold:
            return past._replace(status=Status.CLOSED, since_ms=now_ms), Status.CLOSED
        grown = sources >= policy.escalation * past.sources_at_opening
        if grown and past.status == Status.OPENED:
            return past._replace(status=Status.ESCALATED, since_ms=now_ms), Status.ESCALATED
        return past, None
    cooling = past.status == Status.CLOSED and now_ms - past.since_ms < policy.cooldown_ms
    if cooling or score < policy.threshold or reach >= policy.latest_reach:
        return past, None
    return AlertState(Status.OPENED, now_ms, sources), Status.OPENED
