"""Replay of stories that may break: the score, its alerts, and the rules it has to beat.

Rows are replayed in event time through the states of `models.breaking` that a desk of the job
keeps. Stories born before a moment fit and calibrate the scorer; later ones are reported, by the
replay's scores or by those that the job itself gives (`Job`).
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.metrics import Calibration, calibration_error
from evaluation.rows import WrongRowError
from models.breaking import baselines, budget, fit, pickups, surprise
from models.breaking.alerting import AlertState, Policy, Status, step
from models.breaking.budget import Peaks
from models.breaking.evidence import Evidence, gather
from models.breaking.features import as_array
from models.breaking.haste import urgencies
from models.breaking.outcome import HOUR_MS, Outcome
from models.breaking.pickups import Pickups
from models.breaking.scorer import Scorer
from models.breaking.stream import Stream
from models.stories.telling import SOURCES_KEPT
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

WIDER = (0.26, 0.34, 0.46, 0.57, 0.71, 0.86, 1.2, 1.43)
"""Smaller and larger outcomes, in sources of the one that is asked for, that a scorer learns from,
too: few stories break, many come near. Chosen as the trees were, see `models.breaking.fit`.
"""

WIDER_WORTH = 0.2
"""Of their moments."""

ALIKE = 1e-9
"""Scores that differ by less are the same: sums of floats depend on their order."""


class Row(NamedTuple):
    """A pick-up of a known story by a source."""

    story: str
    source: str
    published_ms: int


class Story(NamedTuple):
    """What became of a story.

    broke_ms  when the last source that was needed had it; None if that did not happen in time
    """

    name: str
    born_ms: int
    broke_ms: int | None


@dataclass(frozen=True)
class Replay:
    """The moments at which stories were looked at, in order of event time, before they broke.

    evidence   float64 (moments, fields of Evidence)
    burst      float64 (moments,), Kleinberg's automaton
    story      int (moments,), place in `stories`
    wider      the same stories for smaller and larger outcomes, at fewer moments: to learn from
    """

    outcome: Outcome
    stories: tuple[Story, ...]
    evidence: Array
    burst: Array
    story: npt.NDArray[np.intp]
    wider: "tuple[Replay, ...]" = ()


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
class Operating:
    """What alerts at a threshold are worth.

    threshold  of a score's urgency, see `models.breaking.haste`; of the rule's number for a rule
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
    judge, set_before = scorer_of(replayed, train_until_ms, scorer)
    judged = job(rows, outcome, first_look(outcome), judge)
    return reported(replayed, train_until_ms, judge, set_before, judged)


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


def first_look(outcome: Outcome) -> int:
    """Sources from which on a story is looked at."""
    return max(1, round(outcome.sources * FIRST_LOOK))


def wider(outcome: Outcome) -> tuple[Outcome, ...]:
    """Smaller and larger outcomes of the same horizon."""
    sizes = sorted({round(share * outcome.sources) for share in WIDER} - {outcome.sources, 0})
    return tuple(Outcome(sources, outcome.hours) for sources in sizes)


def replay(
    rows: Sequence[Row],
    outcome: Outcome,
    train_until_ms: int,
    others: Sequence[Outcome] = (),
) -> Replay:
    """Take pick-ups through the states of a desk and look at the stories.

    rows    in order of event time; the first of a story by each source is a pick-up
    others  outcomes of the same horizon that are looked at, too, where a scorer learns
    """
    looks = _Looks(outcome, others)
    per_minute = _usual_pace(rows, outcome, train_until_ms)
    stream, minute = Stream(), 0
    places: dict[str, int] = {}
    born: list[int] = []
    voices: list[set[str]] = []
    states: list[Pickups] = []
    automata: list[baselines.Kleinberg] = []
    moments: dict[tuple[int, int], tuple[Evidence, float]] = {}
    for row in rows:
        now_ms = row.published_ms
        place = places.setdefault(row.story, len(born))
        if place == len(born):
            born.append(now_ms)
            voices.append(set())
            states.append(Pickups())
            automata.append(baselines.Kleinberg())
        if row.source in voices[place] or len(voices[place]) == SOURCES_KEPT:
            continue
        voices[place].add(row.source)
        if now_ms // MINUTE_MS != minute:
            minute = now_ms // MINUTE_MS
            stream.tick(now_ms)
        pickup = stream.pick_up(row.source, now_ms)
        past = states[place]
        if now_ms - born[place] > outcome.horizon_ms or len(past.times_ms) >= looks.most:
            continue
        state = pickups.add(past, pickup, capacity=looks.most)
        states[place] = state
        automata[place] = baselines.advance(automata[place], now_ms, per_minute)
        moments.pop((place, now_ms), None)  # a moment is a story at an instant, after all of it
        if looks.at[len(state.times_ms)]:
            seen = gather(state, stream.traffic, stream.week, outcome, now_ms)
            moments[place, now_ms] = seen, baselines.burst_weight(automata[place])
    evidence = as_array([seen for seen, _ in moments.values()])
    burst = np.array([weight for _, weight in moments.values()])
    story = np.array([place for place, _ in moments], np.intp)
    sources = evidence[:, Evidence._fields.index("sources")]

    def of(wanted: Outcome, kept: npt.NDArray[np.bool_]) -> Replay:
        fates = tuple(
            Story(name, at, pickups.reached_ms(state, wanted.sources))
            for name, at, state in zip(places, born, states, strict=True)
        )
        return Replay(wanted, fates, evidence[kept], burst[kept], story[kept])

    asked = of(outcome, _looked_at(sources, outcome))
    steps = fit.is_step(sources)
    return replace(
        asked, wider=tuple(of(other, steps & _looked_at(sources, other)) for other in others)
    )


class _Looks:
    """At how many sources a story is looked at.

    most  sources from which on nothing more is to be seen
    at    bool (most + 1,)
    """

    def __init__(self, outcome: Outcome, others: Sequence[Outcome]) -> None:
        self.most = max(each.sources for each in (outcome, *others))
        sources = np.arange(self.most + 1, dtype=np.float64)
        wanted = _looked_at(sources, outcome)
        for other in others:
            wanted |= _looked_at(sources, other) & fit.is_step(np.maximum(sources, 1))
        self.at: list[bool] = wanted.tolist()


def _looked_at(sources: Array, outcome: Outcome) -> npt.NDArray[np.bool_]:
    """Whether stories with so many sources are looked at: from the first look until they break."""
    return (sources >= first_look(outcome)) & (sources < outcome.sources)


def report(replayed: Replay, train_until_ms: int, scorer: Scorer | None = None) -> Report:
    """Measure on the later stories a scorer, or one fitted on those before. Raises SetupError."""
    return reported(replayed, train_until_ms, *scorer_of(replayed, train_until_ms, scorer))


def scorer_of(
    replayed: Replay, train_until_ms: int, given: Scorer | None
) -> tuple[Scorer, dict[int, float]]:
    """The scorer to report on, fitted where none is given, and the threshold of each budget before
    the reported stories. Raises SetupError.
    """
    born, broke = _fates(replayed)
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
    levels = {alerts: budget.threshold(Peaks(), alerts, prior=given.prior) for alerts in BUDGETS}
    return given, levels


def reported(
    replayed: Replay,
    train_until_ms: int,
    scorer: Scorer,
    set_before: Mapping[int, float],
    judged: Judged | None = None,
) -> Report:
    """Measure a scorer on the later stories, by the job's scores where it was run."""
    born, broke = _fates(replayed)
    later = born >= train_until_ms
    days = max(1 / 24, float((born.max() - train_until_ms) / DAY_MS))
    shown = later[replayed.story]
    asked = Replay(
        replayed.outcome,
        replayed.stories,
        replayed.evidence[shown],
        replayed.burst[shown],
        replayed.story[shown],
    )
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
    ranked = _Ranked(asked, int((later & broke).sum()), days)
    rules = _rules(asked, _shares(replayed, ~later))
    return Report(
        outcome=replayed.outcome,
        train_until_ms=train_until_ms,
        stories=int(later.sum()),
        broke=int((later & broke).sum()),
        days=days,
        by_budget={alerts: ranked.at_budget(urgent, alerts) for alerts in BUDGETS},
        as_set={alerts: ranked.at(urgent, level) for alerts, level in set_before.items()},
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


def _fates(replayed: Replay) -> tuple[Array, npt.NDArray[np.bool_]]:
    """When each story was born, and whether it broke."""
    born = np.array([story.born_ms for story in replayed.stories], np.float64)
    return born, np.array([story.broke_ms is not None for story in replayed.stories])


class _Ranked:
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

    def at(self, scores: Array, threshold: float, *, early: bool = True) -> Operating:
        """Alerts at a threshold: the first moment at which the policy opens one, per story."""
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


def _fitted(replayed: Replay, until_ms: int) -> tuple[Scorer, dict[int, float]]:
    """The scorer of the stories born before, and the threshold that each budget had there."""
    own = _known(replayed, until_ms)
    wider = [
        _known(other, until_ms)._replace(worth=WIDER_WORTH, calibrates=False)
        for other in replayed.wider
    ]
    fitted = fit.fit([own, *wider], replayed.outcome, version="replay")
    born, _ = _fates(replayed)
    before = born[replayed.story] < until_ms
    reach = reach_of(replayed)[before]
    urgent = urgencies(fitted.unseen[: len(own.broke)], reach, fitted.scorer.haste)
    highest = peaks(urgent, replayed.story[before], as_warning(replayed)[before]).values()
    days = max(1.0, (until_ms - born.min()) / DAY_MS)
    levels = {alerts: budget.threshold_of(highest, alerts * days) for alerts in BUDGETS}
    return fitted.scorer, levels


def _known(replayed: Replay, until_ms: int) -> fit.Moments:
    """What a scorer learns from: moments of the stories born before."""
    born, broke = _fates(replayed)
    before = born[replayed.story] < until_ms
    story = replayed.story[before]
    days = (born[story] // DAY_MS).astype(np.intp)
    return fit.Moments(replayed.evidence[before], broke[story], days, replayed.outcome)


def as_warning(replayed: Replay) -> npt.NDArray[np.bool_]:
    """Moments at which a first alert is still a warning."""
    early: npt.NDArray[np.bool_] = reach_of(replayed) < Policy.latest_reach
    return early


def reach_of(replayed: Replay) -> Array:
    """Sources, in outcomes, at each moment."""
    reach: Array = (
        replayed.evidence[:, Evidence._fields.index("sources")] / replayed.outcome.sources
    )
    return reach


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
