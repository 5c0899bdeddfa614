"""Replay of stories that may break: the score, its alerts, and the rules it has to beat.

Rows are replayed in event time through the states of `models.breaking` that a desk of the job
keeps. Stories born before a moment fit and calibrate the scorer; later ones are reported, by the
replay's scores or by those that the job itself gives (`Job`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.alert_figures import Ending, Operating, Ranked, endings, thresholds
from evaluation.metrics import Calibration, calibration_error
from evaluation.pickup_replay import (
    DAY_MS,
    Replay,
    Row,
    fates,
    first_look,
    reach_of,
    read,
    replay,
    wider,
)
from models.breaking import baselines, fit, surprise
from models.breaking.evidence import Evidence
from models.breaking.haste import urgencies
from models.breaking.outcome import Outcome
from models.breaking.scorer import Scorer
from schemas.errors import SetupError

Array = npt.NDArray[np.float64]

BUDGETS = (5, 12, 25)
"""Alerts a day."""

LEAST_SCORE = 0.05
"""Calibration is told over moments with at least this score; nearly all others are near 0."""

WIDER_WORTH = 0.2
"""Of their moments."""

ALIKE = 1e-9
"""Scores that differ by less are the same: sums of floats depend on their order."""


class Said(NamedTuple):
    """A score that the job gave a story."""

    story: str
    at_ms: int
    score: float


class Judged(NamedTuple):
    """What the job said of some rows.

    said      in its order
    astray    rows that it placed into another story than theirs
    """

    said: Sequence[Said]
    astray: int


Job = Callable[[Sequence[Row], Outcome, int, Scorer], Judged]
"""Runs the job `breaking` over rows: the outcome, the sources from which on a story is looked at,
and the scorer are its desk's.
"""


@dataclass(frozen=True)
class Comparison:
    """The job's scores beside the replay's, over the reported moments.

    differ    moments at which they are not the same
    furthest  the largest difference
    astray    rows that the job placed into another story than theirs
    """

    moments: int
    differ: int
    furthest: float
    astray: int


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    by_budget    at the threshold that keeps the budget on the reported stories, as the baselines
    as_set       at the threshold that the desk sets as it goes, from the stories before on; with a
                 given scorer the desk is new
    calibration  over moments with a score of at least LEAST_SCORE
    job          how the job's scores, which all figures are of then, compare with the replay's
    """

    outcome: Outcome
    train_until_ms: int
    stories: int
    broke: int
    days: float
    by_budget: dict[int, Operating]
    as_set: dict[int, Operating]
    brier: float
    calibration: Calibration
    baselines: dict[str, dict[int, Operating]]
    scorer: Scorer
    job: Comparison | None = None

    def to_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return {
            "outcome": {"sources": self.outcome.sources, "hours": self.outcome.hours},
            "scorer": self.scorer.version,
            "stories": self.stories,
            "broke": self.broke,
            "days": round(self.days, 3),
            "by_budget": _by_budget(self.by_budget),
            "by_budget_as_set": _by_budget(self.as_set),
            "brier": round(self.brier, 5),
            "ece": round(self.calibration.error, 5),
            "reliability": {
                "counts": list(self.calibration.counts),
                "said": [round(said, 4) for said in self.calibration.confidence],
                "true": [round(true, 4) for true in self.calibration.accuracy],
            },
            "baselines": {
                name: {"by_budget": _by_budget(points)} for name, points in self.baselines.items()
            },
            **({"through_flink": asdict(self.job)} if self.job else {}),
        }


def evaluate(
    path: str,
    outcome: Outcome,
    train_until_ms: int,
    scorer: Scorer | None = None,
    job: Job | None = None,
) -> Report:
    """Replay a file. Raises WrongRowError, or SetupError where it cannot be learned from.

    scorer  judges as it is; None fits one on the stories born before
    job     gives the scores that are reported
    """
    rows = sorted(read(path), key=lambda row: row.published_ms)
    replayed = replay(rows, outcome, train_until_ms, wider(outcome) if scorer is None else ())
    if job is None:
        return report(replayed, train_until_ms, scorer)
    judge, before = scorer_of(replayed, train_until_ms, scorer)
    judged = job(rows, outcome, first_look(outcome), judge)
    return reported(replayed, train_until_ms, judge, before, judged)


def report(replayed: Replay, train_until_ms: int, scorer: Scorer | None = None) -> Report:
    """Measure on the later stories a scorer, or one fitted on those before. Raises SetupError."""
    return reported(replayed, train_until_ms, *scorer_of(replayed, train_until_ms, scorer))


def scorer_of(
    replayed: Replay, train_until_ms: int, given: Scorer | None
) -> tuple[Scorer, Sequence[Ending]]:
    """The scorer to report on, fitted where none is given, and how stories ended before:
    none where one is given, for then the desk is new. Raises SetupError.
    """
    born, broke = fates(replayed)
    later = born >= train_until_ms
    if given is None and not (later & broke).any():
        raise SetupError(
            f"of {int(later.sum())} stories born from {train_until_ms} ms on none breaks "
            f"({replayed.outcome}); nothing can be reported"
        )
    if not later.any():
        raise SetupError(f"no story is born from {train_until_ms} ms on; nothing can be reported")
    if given is None:
        return _fitted(replayed, train_until_ms)
    return given, ()


def reported(
    replayed: Replay,
    train_until_ms: int,
    scorer: Scorer,
    before: Sequence[Ending],
    judged: Judged | None = None,
) -> Report:
    """Measure a scorer on the later stories, by the job's scores where it was run."""
    born, broke = fates(replayed)
    later = born >= train_until_ms
    days = max(1 / 24, float((born.max() - train_until_ms) / DAY_MS))
    asked = replayed.of(later[replayed.story])
    scores = scorer.probabilities(asked.evidence, replayed.outcome)[:, 0]
    comparison = None
    if judged is not None:
        given = scores_of(asked, judged.said)
        off = np.abs(given - scores)
        furthest = float(off.max(initial=0.0))
        comparison = Comparison(len(off), int((off > ALIKE).sum()), furthest, judged.astray)
        scores = given
    urgent = urgencies(scores, reach_of(asked), scorer.haste)
    told = scores >= LEAST_SCORE
    came_true = broke[asked.story].astype(np.float64)
    ranked = Ranked(asked, int((later & broke).sum()), days)
    as_it_goes = thresholds(asked, urgent, BUDGETS, before, scorer.prior)
    rules = _rules(asked, _shares(replayed, ~later))
    return Report(
        outcome=replayed.outcome,
        train_until_ms=train_until_ms,
        stories=int(later.sum()),
        broke=int((later & broke).sum()),
        days=days,
        by_budget={alerts: ranked.at_budget(urgent, alerts) for alerts in BUDGETS},
        as_set={alerts: ranked.at(urgent, levels) for alerts, levels in as_it_goes.items()},
        brier=float(((scores - came_true)[told] ** 2).mean()) if told.any() else 0.0,
        calibration=calibration_error(scores[told], came_true[told]),
        baselines={
            name: {alerts: best(ranked, alerts) for alerts in BUDGETS}
            for name, best in rules.items()
        },
        scorer=scorer,
        job=comparison,
    )


def scores_of(replayed: Replay, said: Iterable[Said]) -> Array:
    """What the job said of each moment: it tells a score when it changes, so the last one holds.

    0 where it had said nothing yet.
    """
    by_story: dict[str, tuple[list[int], list[float]]] = {}
    for story, at_ms, score in said:
        times, scores = by_story.setdefault(story, ([], []))
        times.append(at_ms)
        scores.append(score)
    at = replayed.evidence[:, Evidence._fields.index("at_ms")]
    found = np.zeros(len(at))
    for moment, (place, now_ms) in enumerate(zip(replayed.story, at, strict=True)):
        times, scores = by_story.get(replayed.stories[place].name, ([], []))
        last = bisect_right(times, now_ms) - 1
        found[moment] = scores[last] if last >= 0 else 0.0
    return found


def _rules(
    replayed: Replay, shares: surprise.Shares
) -> dict[str, Callable[[Ranked, int], Operating]]:
    """The baselines: each at its best threshold for a budget, without the score's latest reach."""
    moments = [Evidence(*row) for row in replayed.evidence.tolist()]
    rules: dict[str, Array] = {
        "n sources in 15 min": np.array([baselines.fixed_rule(m, 15) for m in moments]),
        "n sources in 1 h": np.array([baselines.fixed_rule(m, 60) for m in moments]),
        "z-score": np.array([baselines.z_score(m, shares) for m in moments]),
        "negative-binomial tail": np.array([baselines.tail(m, shares) for m in moments]),
        "Kleinberg": replayed.burst,
    }

    def best(scores: Array) -> Callable[[Ranked, int], Operating]:
        return lambda ranked, alerts: ranked.at_budget(scores, alerts, early=False)

    return {name: best(scores) for name, scores in rules.items()}


def _fitted(replayed: Replay, until_ms: int) -> tuple[Scorer, Sequence[Ending]]:
    """The scorer of the stories born before, and how they ended for a desk."""
    own = _known(replayed, until_ms)
    wider = [
        _known(other, until_ms)._replace(worth=WIDER_WORTH, calibrates=False)
        for other in replayed.wider
    ]
    fitted = fit.fit([own, *wider], replayed.outcome, version="replay")
    born, _ = fates(replayed)
    before = replayed.of(born[replayed.story] < until_ms)
    unseen = fitted.unseen[: len(own.broke)]
    urgent = urgencies(unseen, reach_of(before), fitted.scorer.haste)
    return fitted.scorer, endings(before, urgent)


def _known(replayed: Replay, until_ms: int) -> fit.Moments:
    """What a scorer learns from: moments of the stories born before."""
    born, broke = fates(replayed)
    before = born[replayed.story] < until_ms
    story = replayed.story[before]
    days = (born[story] // DAY_MS).astype(np.intp)
    return fit.Moments(replayed.evidence[before], broke[story], days, replayed.outcome)


def _shares(replayed: Replay, earlier: npt.NDArray[np.bool_]) -> surprise.Shares:
    """How stories share the stream's traffic, by the last look at each story born before."""
    last = {place: moment for moment, place in enumerate(replayed.story) if earlier[place]}
    rows = replayed.evidence[list(last.values())]
    sources = rows[:, Evidence._fields.index("sources")]
    return surprise.fit(
        sources.astype(int).tolist(), rows[:, Evidence._fields.index("stream_lived")].tolist()
    )


def _by_budget(points: Mapping[int, Operating]) -> dict[str, dict[str, float | None]]:
    return {
        str(alerts): {
            "alerts_per_day": round(point.alerts_per_day, 3),
            "precision": round(point.precision, 4),
            "recall": round(point.recall, 4),
            "lead_min": None if point.lead_min is None else round(point.lead_min, 1),
            "false_per_week": round(point.false_per_week, 2),
        }
        for alerts, point in points.items()
    }
