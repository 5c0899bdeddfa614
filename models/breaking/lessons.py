"""What a desk has learned from editors' verdicts: state, the same for the same verdicts.

Each verdict moves the challenger a bounded step, is weighed in the trial between champion and
challenger (`recalibration`), and in the watch over the score that was shown (`watch`). A verdict
that is changed or taken back counts as if it had never been given: the newest ones are kept, and
what they taught is learned again without it. What was learned of one scorer says nothing of
another.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.breaking import recalibration, watch
from models.breaking.recalibration import Recalibration, Shift, Verdict, moved, observe
from models.breaking.watch import Cusum
from schemas.quality_signal import QualitySignal

KEPT = 300
"""Verdicts that can be changed; older ones stay learned."""

PROBATION = 60
"""Verdicts without another alarm after which a score is trusted again."""

RECALIBRATED = "recalibrated"


class Standing(NamedTuple):
    """What verdicts led to.

    caution  why the score cannot be trusted; empty while it can
    """

    recalibration: Recalibration = Recalibration()
    cusum: Cusum = Cusum()
    caution: str = ""


class Lessons(NamedTuple):
    """State: where the desk stands, the newest verdicts by alert, and where it stood before them.

    scorer  version that the verdicts are about
    """

    scorer: str
    now: Standing = Standing()
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    before: Standing = Standing()

    @property
    def shift(self) -> Shift:
        """How scores are shown."""
        return self.now.recalibration.champion


def learned(
    past: Lessons, alert_id: str, verdict: Verdict | None, *, desk: str, raised_ms: int
) -> tuple[Lessons, list[QualitySignal]]:
    """The state after a verdict on an alert, None where it was taken back, and what to tell people.

    verdict  with the score as the scorer gave it
    """
    others = tuple(known for known in past.verdicts if known[0] != alert_id)
    if len(others) < len(past.verdicts):
        now = past.before
        for _, other in others:
            now, _ = _after(now, other, desk, raised_ms)
        past = past._replace(now=now, verdicts=others)
    if verdict is None:
        return past, []
    now, signals = _after(past.now, verdict, desk, raised_ms)
    oldest, kept = _parted((*past.verdicts, (alert_id, verdict)))
    before = past.before
    for _, old in oldest:
        before, _ = _after(before, old, desk, raised_ms)
    return past._replace(now=now, verdicts=kept, before=before), signals


def to_state(lessons: Lessons) -> dict[str, Any]:
    """Plain values, for a checkpoint."""
    return {
        "scorer": lessons.scorer,
        "now": _standing_to_state(lessons.now),
        "before": _standing_to_state(lessons.before),
        "verdicts": [[alert_id, *verdict] for alert_id, verdict in lessons.verdicts],
    }


def from_state(state: Mapping[str, Any]) -> Lessons:
    """What `to_state` gave."""
    return Lessons(
        scorer=state["scorer"],
        now=_standing(state["now"]),
        verdicts=tuple((alert_id, Verdict(*rest)) for alert_id, *rest in state["verdicts"]),
        before=_standing(state["before"]),
    )


def _after(
    past: Standing, verdict: Verdict, desk: str, raised_ms: int
) -> tuple[Standing, list[QualitySignal]]:
    shown = verdict._replace(score=moved(past.recalibration.champion, verdict.score))
    cusum = watch.add(past.cusum, shown)
    taught, replaced = observe(past.recalibration, verdict)
    alarm = watch.signal(cusum, desk=desk, raised_ms=raised_ms)
    signals = [alarm] if alarm else []
    if replaced:  # the score that alarmed is shown no more
        signals.append(_told(past.recalibration, taught, desk, raised_ms))
        return Standing(taught), signals
    if alarm:
        return Standing(taught, caution=alarm.detail), signals
    caution = past.caution if cusum.verdicts < PROBATION else ""
    return Standing(taught, cusum, caution), signals


def _told(past: Recalibration, new: Recalibration, desk: str, raised_ms: int) -> QualitySignal:
    shift = new.champion
    return QualitySignal(
        kind=RECALIBRATED,
        subject=f"breaking/{desk}",
        origin=watch.ORIGIN,
        observed=shift.intercept,
        expected=past.champion.intercept,
        detail=(
            f"scores at {desk} follow editors' verdicts: log-odds times {shift.slope:.2f}, "
            f"{shift.intercept:+.2f}; so they lost less on at least {recalibration.FEWEST} "
            "verdicts before they were learned"
        ),
        raised_ms=raised_ms,
    )


def _parted(
    verdicts: Sequence[tuple[str, Verdict]],
) -> tuple[Sequence[tuple[str, Verdict]], tuple[tuple[str, Verdict], ...]]:
    """The verdicts that can be changed no more, and those that can."""
    return verdicts[:-KEPT], tuple(verdicts[-KEPT:])


def _standing_to_state(standing: Standing) -> list[Any]:
    taught = recalibration.to_state(standing.recalibration)
    return [taught, list(standing.cusum), standing.caution]


def _standing(state: Sequence[Any]) -> Standing:
    taught, cusum, caution = state
    return Standing(recalibration.from_state(taught), Cusum(*cusum), caution)
