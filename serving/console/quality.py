"""The quality page: do alerts keep to their budget, are they right, is the score a probability."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select

from models.breaking import outcome as outcomes
from schemas.alert import Alert
from schemas.errors import SettingError
from schemas.quality_signal import QualitySignal
from schemas.story import Story
from serving import tables
from serving.console.decisions import Decisions
from serving.console.evidence import sources
from serving.console.words import DAY_MS
from serving.services import Services

DAYS = 14
MOST_STORIES = 5_000
"""Stories that the reliability picture is drawn from."""

LEAST_SCORE = 0.05
"""Moments with a smaller score are left out, as in `wiredesk evaluate breaking`."""

BINS = 10
Z95 = 1.96


class Share(NamedTuple):
    """A share with its 95 % interval (Wilson, 1927)."""

    hits: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Day:
    """Alerts of a day at a desk."""

    at_ms: int
    alerts: int
    height: float


@dataclass(frozen=True)
class Desk:
    """How the alerts of a desk went.

    budget    alerts a day, by an editor or the desks file; None where neither knows the desk
    by_editor whether an editor set it
    over      days with more alerts than that
    line      where the budget stands in the picture, 0 at the top; None without one
    """

    name: str
    days: tuple[Day, ...]
    total: int
    budget: float | None
    by_editor: bool
    over: int
    line: float | None
    precision: Share | None
    undecided: int


class Bin(NamedTuple):
    """Moments with a like score, and how many of their stories broke."""

    score: float
    broke: float
    low: float
    high: float
    moments: int


@dataclass(frozen=True)
class Reliability:
    """Scores beside what became of them.

    stories  whose time is up
    error    expected calibration error
    brier    mean squared error of the score
    """

    bins: tuple[Bin, ...]
    moments: int
    stories: int
    broke: int
    error: float
    brier: float


class Signal(NamedTuple):
    """The newest word on something that is not as usual."""

    signal: QualitySignal
    times: int


def share(hits: int, of: int) -> Share | None:
    """A share with Wilson's interval; None of nothing.

    >>> share(9, 10)
    Share(hits=9, of=10, share=0.9, low=0.596, high=0.982)
    """
    if not of:
        return None
    p = hits / of
    centre = p + Z95**2 / (2 * of)
    spread = Z95 * (p * (1 - p) / of + Z95**2 / (4 * of**2)) ** 0.5
    scale = 1 + Z95**2 / of
    return Share(
        hits, of, p, round((centre - spread) / scale, 3), round((centre + spread) / scale, 3)
    )


def desks(
    alerts: Iterable[Alert], decisions: Decisions, budgets: Mapping[str, float], now_ms: int
) -> tuple[Desk, ...]:
    """Every desk that has alerts or a budget.

    alerts   their newest states
    budgets  by desk, as the job begins with
    """
    by_desk: dict[str, list[Alert]] = {name: [] for name in budgets}
    for alert in alerts:
        by_desk.setdefault(alert.desk, []).append(alert)
    for desk in decisions.budgets:
        if desk is not None:
            by_desk.setdefault(desk, [])
    return tuple(
        _desk(name, found, decisions, budget=budget(name, decisions, budgets), now_ms=now_ms)
        for name, found in sorted(by_desk.items())
    )


def budget(desk: str, decisions: Decisions, budgets: Mapping[str, float]) -> float | None:
    """A desk's alerts a day: an editor's for it, an editor's for all desks, the job's own."""
    by_editors = decisions.budgets
    return by_editors.get(desk, by_editors.get(None, budgets.get(desk)))


def precision(alerts: Iterable[Alert], decisions: Decisions) -> tuple[Share | None, int]:
    """Confirmed of decided ones, and how many nobody has decided."""
    verdicts = [_verdict(alert, decisions) for alert in alerts]
    hits = verdicts.count("confirmed")
    return share(hits, hits + verdicts.count("dismissed")), verdicts.count(None)


def reliability(
    stories: Iterable[Story], outcome: outcomes.Outcome | None, now_ms: int
) -> Reliability | None:
    """Scores of the past against what the stories became; None where nothing can be said yet.

    A story counts once its time is up, also when it broke before: else those that broke would be
    counted first. Its moments count up to the one it broke at.
    outcome  what breaking means
    """
    if outcome is None:
        return None
    rows: list[tuple[float, bool]] = []
    judged = broken = 0
    for story in stories:
        if now_ms < story.first_seen_ms + outcome.horizon_ms:
            continue
        broke_ms = broke_at(story, outcome)
        moments = [
            moment.score
            for moment in story.history
            if moment.score >= LEAST_SCORE and (broke_ms is None or moment.at_ms < broke_ms)
        ]
        judged += bool(moments)
        broken += bool(moments) and broke_ms is not None
        rows += [(score, broke_ms is not None) for score in moments]
    return _reliability(rows, judged, broken) if rows else None


def broke_at(story: Story, outcome: outcomes.Outcome) -> int | None:
    """When the K-th independent source took the story up, if it was in time."""
    voices = [source for source in sources(story) if not source.copy and not source.again]
    if len(voices) < outcome.sources:
        return None
    at_ms = voices[outcome.sources - 1].first_seen_ms
    return at_ms if at_ms <= story.first_seen_ms + outcome.horizon_ms else None


def newest(signals: Iterable[QualitySignal], limit: int = 40) -> tuple[Signal, ...]:
    """The newest signal of each subject, and how often it was raised; the newest first."""
    latest: dict[str, QualitySignal] = {}
    times: dict[str, int] = {}
    for signal in signals:
        times[signal.key] = times.get(signal.key, 0) + 1
        known = latest.get(signal.key)
        if known is None or known.raised_ms <= signal.raised_ms:
            latest[signal.key] = signal
    ordered = sorted(latest.values(), key=lambda signal: -signal.raised_ms)
    return tuple(Signal(signal, times[signal.key]) for signal in ordered[:limit])


def newest_outcome(alerts: Iterable[Alert]) -> outcomes.Outcome | None:
    """What breaking means, as the newest alert by sources says; None where it says it in other
    words, or there is none.
    """
    by_sources = (alert for alert in alerts if not alert.outcome.startswith("readers="))
    newest_alert = max(by_sources, key=lambda alert: alert.raised_ms, default=None)
    try:
        return outcomes.parse(newest_alert.outcome) if newest_alert else None
    except SettingError:
        return None


class Flow(NamedTuple):
    """How far the server is with a topic."""

    topic: str
    newest_ms: int | None
    lag: int | None
    missing: bool


def flow(services: Services) -> list[Flow]:
    """Every topic that the server reads: the age of its newest record, and what waits in it."""
    state = services.reader.state if services.reader else None
    lag = state.lag if state else {}
    missing = state.missing if state else []
    heard_ms = services.wall.heard_ms
    return [
        Flow(topic, heard_ms.get(topic), lag.get(topic), topic in missing)
        for topic in sorted({*heard_ms, *lag, *missing})
    ]


async def alerts_since(services: Services, since_ms: int) -> list[Alert]:
    """Alerts as they stand, from the history and the wall."""
    table = tables.alerts
    rows = await services.history.rows(
        select(table.c.record).where(table.c.raised_ms >= since_ms).order_by(table.c.sequence)
    )
    kept = {row["record"]["alert_id"]: row["record"] for row in rows}
    found = {alert_id: Alert.model_validate(record) for alert_id, record in kept.items()}
    found |= {alert.alert_id: alert for alert in services.wall.newest_alerts()}
    return [alert for alert in found.values() if alert.raised_ms >= since_ms]


async def stories_since(services: Services, since_ms: int) -> list[Story]:
    """Stories as they stood last, the newest ones first."""
    table = tables.stories
    rows = await services.history.rows(
        select(table.c.record)
        .where(table.c.last_seen_ms >= since_ms)
        .order_by(table.c.last_seen_ms.desc())
        .limit(MOST_STORIES)
    )
    return [Story.model_validate(row["record"]) for row in rows]


def dead_letters(found: Iterable[tuple[int, str]], now_ms: int) -> list[tuple[str, int]]:
    """Reasons of a day's dead letters, the most frequent first.

    >>> dead_letters([(1, "no_text"), (DAY_MS, "truncated"), (DAY_MS, "truncated")], DAY_MS + 1)
    [('truncated', 2)]
    """
    reasons = Counter(reason for failed_ms, reason in found if now_ms - failed_ms < DAY_MS)
    return reasons.most_common()


def _verdict(alert: Alert, decisions: Decisions) -> str | None:
    decided = decisions.verdicts.get(alert.alert_id)
    if decided is not None:
        return "confirmed" if decided.command.kind == "confirm" else "dismissed"
    return alert.state if alert.state in {"confirmed", "dismissed"} else None


def _desk(
    name: str,
    alerts: Sequence[Alert],
    decisions: Decisions,
    *,
    budget: float | None,
    now_ms: int,
) -> Desk:
    today = now_ms // DAY_MS
    counts: Mapping[int, int] = {
        day: sum(alert.raised_ms // DAY_MS == day for alert in alerts)
        for day in range(today - DAYS + 1, today + 1)
    }
    top = max(*counts.values(), budget or 0, 1)
    right, undecided = precision(alerts, decisions)
    return Desk(
        name=name,
        days=tuple(Day(day * DAY_MS, count, count / top) for day, count in counts.items()),
        total=sum(counts.values()),
        budget=budget,
        by_editor=bool({name, None} & decisions.budgets.keys()),
        over=sum(count > budget for count in counts.values()) if budget is not None else 0,
        line=None if budget is None else 1 - budget / top,
        precision=right,
        undecided=undecided,
    )


def _reliability(rows: Sequence[tuple[float, bool]], stories: int, broke: int) -> Reliability:
    found: dict[int, list[tuple[float, bool]]] = {}
    for score, came_true in rows:
        found.setdefault(min(int(score * BINS), BINS - 1), []).append((score, came_true))
    bins = []
    for _, members in sorted(found.items()):
        true = share(sum(came_true for _, came_true in members), len(members))
        assert true is not None
        mean = sum(score for score, _ in members) / len(members)
        bins.append(Bin(mean, true.share, true.low, true.high, len(members)))
    total = len(rows)
    return Reliability(
        bins=tuple(bins),
        moments=total,
        stories=stories,
        broke=broke,
        error=sum(abs(b.score - b.broke) * b.moments for b in bins) / total,
        brier=sum((score - came_true) ** 2 for score, came_true in rows) / total,
    )
