"""Replay of stories that may break: the score, its alerts, and the rules it has to beat.

Rows are replayed in event time through the functions of `models.breaking` that the job calls.
Stories born before a moment fit and calibrate the scorer; later ones are reported.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.metrics import Calibration, calibration_error
from evaluation.rows import WrongRowError
from models.breaking import baselines, budget, fit, pickups, rhythm, surprise, traffic
from models.breaking.alerting import AlertState, Policy, Status, step
from models.breaking.budget import Peaks
from models.breaking.evidence import Evidence, gather
from models.breaking.features import as_array
from models.breaking.outcome import HOUR_MS, Outcome
from models.breaking.pickups import Pickup, Pickups
from models.breaking.rhythm import Rhythm
from models.breaking.scorer import Scorer
from models.breaking.traffic import Traffic
from schemas.errors import SetupError
from schemas.packed import opened, unpacked

Array = npt.NDArray[np.float64]
Scores = Mapping[str, Array]

BUDGETS = (5, 12, 25)
"""Alerts a day."""

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
LEAST_SCORE = 0.05
"""Calibration is told over moments with at least this score; nearly all others are near 0."""

FIRST_LOOK = 1 / 70
"""Sources, in outcomes, from which on a story is looked at: 5 of 350, 1 of 5."""


class Row(NamedTuple):
    """A pick-up of a known story by a source."""

    story: str
    source: str
    published_ms: int


class Story(NamedTuple):
    """What became of a story.

    broke_ms  when the last source that was needed had it; None if that did not happen in time
    """

    born_ms: int
    broke_ms: int | None


@dataclass(frozen=True)
class Replay:
    """The moments at which stories were looked at, in order of event time, before they broke.

    evidence   float64 (moments, fields of Evidence)
    burst      float64 (moments,), Kleinberg's automaton
    story      int (moments,), place in `stories`
    """

    outcome: Outcome
    stories: tuple[Story, ...]
    evidence: Array
    burst: Array
    story: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Operating:
    """What alerts at a threshold are worth.

    recall    of the stories that broke
    lead_min  median minutes from a right alert to the last source that was needed; None if none
    """

    threshold: float
    alerts_per_day: float
    precision: float
    recall: float
    lead_min: float | None
    false_per_week: float


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    by_budget    at the threshold that keeps the budget on the reported stories, as the baselines
    as_set       at the threshold that the stories before set, the desk's experience; with a given
                 scorer, at the threshold of a new desk
    calibration  over moments with a score of at least LEAST_SCORE
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
        }


def evaluate(
    path: str, outcome: Outcome, train_until_ms: int, scorer: Scorer | None = None
) -> Report:
    """Replay a file. Raises WrongRowError, or SetupError where it cannot be learned from.

    scorer  judges as it is; None fits one on the stories born before
    """
    rows = sorted(read(path), key=lambda row: row.published_ms)
    return report(replay(rows, outcome, train_until_ms), train_until_ms, scorer)


def read(path: str) -> Iterator[Row]:
    """The rows of a file (`-`: standard input), in its order. Raises WrongRowError."""
    names: dict[str, str] = {}
    raw, _ = opened(path)
    with unpacked(path, raw) as lines:
        for line, content in enumerate(lines, start=1):
            if not content.strip():
                continue
            try:
                row = json.loads(content)
                story, source, published_ms = row["story"], row["source"], row["published_ms"]
            except (ValueError, TypeError, RecursionError) as error:
                raise WrongRowError(f"{path}, line {line}: not a JSON object: {error}") from None
            except KeyError as missing:
                raise WrongRowError(f"{path}, line {line}: there is no {missing}") from None
            for name, value in (("story", story), ("source", source)):
                if not isinstance(value, str) or not value:
                    raise WrongRowError(f"{path}, line {line}: {name} is {value!r}; expected text")
            if type(published_ms) is not int or published_ms < 0:
                raise WrongRowError(
                    f"{path}, line {line}: published_ms is {published_ms!r}; "
                    "expected milliseconds since 1970, a whole number"
                )
            yield Row(
                names.setdefault(story, story), names.setdefault(source, source), published_ms
            )
    if not names:
        raise SetupError(f"{path} has no rows")


def replay(rows: Sequence[Row], outcome: Outcome, train_until_ms: int) -> Replay:
    """Take pick-ups through the states and look at the stories.

    rows  in order of event time
    The rhythm of the week is learned from the rows before `train_until_ms`, then follows along.
    """
    week, hours = _learned_rhythm(rows, train_until_ms)
    known, profile = week, rhythm.profile(week)
    per_minute = _usual_pace(rows, outcome, train_until_ms)
    first_look = max(1, round(outcome.sources * FIRST_LOOK))
    stream = Traffic()
    last_seen: dict[str, int] = {}
    places: dict[str, int] = {}
    born: list[int] = []
    states: list[Pickups] = []
    automata: list[baselines.Kleinberg] = []
    moments: list[Evidence] = []
    burst: list[float] = []
    story: list[int] = []
    hour_ms = rows[0].published_ms // HOUR_MS * HOUR_MS
    for row in rows:
        now_ms = row.published_ms
        while now_ms >= hour_ms + HOUR_MS:
            if hour_ms >= train_until_ms:
                known = rhythm.observe(known, hour_ms, hours.get(hour_ms, 0))
                profile = rhythm.profile(known)
            hour_ms += HOUR_MS
        stream = traffic.count(stream, now_ms)
        idle = pickups.idleness(last_seen.get(row.source), now_ms)
        last_seen[row.source] = now_ms
        place = places.setdefault(row.story, len(born))
        if place == len(born):
            born.append(now_ms)
            states.append(Pickups())
            automata.append(baselines.Kleinberg())
        past = states[place]
        if now_ms - born[place] > outcome.horizon_ms or len(past.times_ms) >= outcome.sources:
            continue
        state = pickups.add(past, Pickup(row.source, now_ms, idle), capacity=outcome.sources)
        if state is past:
            continue
        states[place] = state
        automata[place] = baselines.advance(automata[place], now_ms, per_minute)
        if first_look <= len(state.times_ms) < outcome.sources:
            moments.append(gather(state, stream, profile, outcome, now_ms))
            burst.append(baselines.burst_weight(automata[place]))
            story.append(place)
    return Replay(
        outcome,
        tuple(
            Story(at, pickups.reached_ms(state, outcome.sources))
            for at, state in zip(born, states, strict=True)
        ),
        as_array(moments),
        np.array(burst),
        np.array(story, np.intp),
    )


def report(replayed: Replay, train_until_ms: int, scorer: Scorer | None = None) -> Report:
    """Measure on the later stories a scorer, or one fitted on those before. Raises SetupError."""
    born = np.array([story.born_ms for story in replayed.stories])
    broke = np.array([story.broke_ms is not None for story in replayed.stories])
    later = born >= train_until_ms
    if scorer is None and not (later & broke).any():
        raise SetupError(
            f"of {int(later.sum())} stories born from {train_until_ms} ms on none breaks "
            f"({replayed.outcome}); nothing can be reported"
        )
    if not later.any():
        raise SetupError(f"no story is born from {train_until_ms} ms on; nothing can be reported")
    days = max(1 / 24, float((born.max() - train_until_ms) / DAY_MS))
    if scorer is None:
        scorer, set_before = _fitted(replayed, ~later, broke, born, train_until_ms)
    else:
        given = scorer.prior
        set_before = {alerts: budget.threshold(Peaks(), alerts, prior=given) for alerts in BUDGETS}
    shown = later[replayed.story]
    reported = Replay(
        replayed.outcome,
        replayed.stories,
        replayed.evidence[shown],
        replayed.burst[shown],
        replayed.story[shown],
    )
    scores = scorer.probabilities(reported.evidence, replayed.outcome)[:, 0]
    told = scores >= LEAST_SCORE
    came_true = broke[reported.story].astype(np.float64)
    ranked = _Ranked(reported, int((later & broke).sum()), days)
    rules = _rules(reported, _shares(replayed, ~later))
    return Report(
        outcome=replayed.outcome,
        train_until_ms=train_until_ms,
        stories=int(later.sum()),
        broke=int((later & broke).sum()),
        days=days,
        by_budget={alerts: ranked.at_budget(scores, alerts) for alerts in BUDGETS},
        as_set={alerts: ranked.at(scores, level) for alerts, level in set_before.items()},
        brier=float(((scores - came_true)[told] ** 2).mean()) if told.any() else 0.0,
        calibration=calibration_error(scores[told], came_true[told]),
        baselines={
            name: {alerts: best(ranked, alerts) for alerts in BUDGETS}
            for name, best in rules.items()
        },
        scorer=scorer,
    )


class _Ranked:
    """Stories under report, ranked by how high a rule rose before they broke."""

    def __init__(self, replayed: Replay, broke: int, days: float) -> None:
        self._replay = replayed
        self._broke = broke
        self._days = days
        self._early = as_warning(replayed)
        self._reach = replayed.evidence[:, Evidence._fields.index("sources")]
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

    def at(self, scores: Array, threshold: float, *, early: bool = True) -> Operating:
        """Alerts at a threshold: the first moment at which the policy opens one, per story."""
        reach = self._reach / self._replay.outcome.sources
        policy = Policy(threshold=threshold, latest_reach=Policy.latest_reach if early else np.inf)
        opened_ms: dict[int, float] = {}
        for moment in np.flatnonzero(scores >= threshold):
            place = int(self._replay.story[moment])
            if place in opened_ms:
                continue
            _, told = step(
                AlertState(),
                policy,
                now_ms=int(self._at_ms[moment]),
                score=float(scores[moment]),
                sources=int(self._reach[moment]),
                reach=float(reach[moment]),
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
            threshold=threshold,
            alerts_per_day=alerts / self._days,
            precision=len(leads) / alerts if alerts else 0.0,
            recall=len(leads) / self._broke if self._broke else 0.0,
            lead_min=float(np.median(leads)) if leads else None,
            false_per_week=(alerts - len(leads)) * 7 / self._days,
        )


def _rules(
    replayed: Replay, shares: surprise.Shares
) -> dict[str, Callable[[_Ranked, int], Operating]]:
    """The baselines: each at its best threshold for a budget, without the score's latest reach."""
    moments = [Evidence(*row) for row in replayed.evidence.tolist()]
    rules: dict[str, Array] = {
        "n sources in 15 min": np.array([baselines.fixed_rule(m, 15) for m in moments]),
        "n sources in 1 h": np.array([baselines.fixed_rule(m, 60) for m in moments]),
        "z-score": np.array([baselines.z_score(m, shares) for m in moments]),
        "negative-binomial tail": np.array([baselines.tail(m, shares) for m in moments]),
        "Kleinberg": replayed.burst,
    }

    def best(scores: Array) -> Callable[[_Ranked, int], Operating]:
        return lambda ranked, alerts: ranked.at_budget(scores, alerts, early=False)

    return {name: best(scores) for name, scores in rules.items()}


def _fitted(
    replayed: Replay,
    earlier: npt.NDArray[np.bool_],
    broke: npt.NDArray[np.bool_],
    born: Array,
    until_ms: int,
) -> tuple[Scorer, dict[int, float]]:
    """The scorer of the stories born before, and the threshold that each budget had there."""
    train = earlier[replayed.story]
    story = replayed.story[train]
    moments = fit.Moments(
        replayed.evidence[train],
        broke[story],
        (born[story] // DAY_MS).astype(np.intp),
        replayed.outcome,
    )
    fitted = fit.fit([moments], replayed.outcome, version="replay")
    highest = peaks(fitted.unseen, story, as_warning(replayed)[train]).values()
    days = max(1.0, (until_ms - born.min()) / DAY_MS)
    levels = {alerts: budget.threshold_of(highest, alerts * days) for alerts in BUDGETS}
    return fitted.scorer, levels


def as_warning(replayed: Replay) -> npt.NDArray[np.bool_]:
    """Moments at which a first alert is still a warning."""
    reach = replayed.evidence[:, Evidence._fields.index("sources")] / replayed.outcome.sources
    early: npt.NDArray[np.bool_] = reach < Policy.latest_reach
    return early


def peaks(
    scores: Array, story: npt.NDArray[np.intp], counted: npt.NDArray[np.bool_]
) -> dict[int, float]:
    """The highest counted score of each story that has any."""
    places, group = np.unique(story[counted], return_inverse=True)
    highest = np.full(len(places), -np.inf)
    np.maximum.at(highest, group, scores[counted])
    return dict(zip(places.tolist(), highest.tolist(), strict=True))


def _shares(replayed: Replay, earlier: npt.NDArray[np.bool_]) -> surprise.Shares:
    """How stories share the stream's traffic, by the last look at each story born before."""
    last = {place: moment for moment, place in enumerate(replayed.story) if earlier[place]}
    rows = replayed.evidence[list(last.values())]
    sources = rows[:, Evidence._fields.index("sources")]
    return surprise.fit(
        sources.astype(int).tolist(), rows[:, Evidence._fields.index("stream_lived")].tolist()
    )


def _learned_rhythm(rows: Sequence[Row], until_ms: int) -> tuple[Rhythm, dict[int, int]]:
    """The rhythm of the full hours before a moment, and the pick-ups of every hour."""
    hours: dict[int, int] = {}
    for row in rows:
        begin = row.published_ms // HOUR_MS * HOUR_MS
        hours[begin] = hours.get(begin, 0) + 1
    learned = Rhythm()
    first, last = min(hours), max(hours)
    for begin in range(first + HOUR_MS, min(until_ms, last), HOUR_MS):  # the first may be partial
        learned = rhythm.observe(learned, begin, hours.get(begin, 0))
    return learned, hours


def _usual_pace(rows: Sequence[Row], outcome: Outcome, until_ms: int) -> float:
    """Distinct pick-ups a minute of an average story within the horizon, before a moment."""
    born: dict[str, int] = {}
    pairs: set[tuple[str, str]] = set()
    for row in rows:
        if row.published_ms >= until_ms:
            break
        if row.published_ms - born.setdefault(row.story, row.published_ms) <= outcome.horizon_ms:
            pairs.add((row.story, row.source))
    return max(1, len(pairs)) / max(1, len(born)) / (outcome.horizon_ms / MINUTE_MS)


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
