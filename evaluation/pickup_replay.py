"""Pick-ups of known stories, replayed through the states that a desk of the job keeps."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.rows import WrongRowError, unicode_text
from models.breaking import baselines, fit, pickups
from models.breaking.alerting import Policy
from models.breaking.evidence import Evidence, gather
from models.breaking.features import as_array
from models.breaking.outcome import HOUR_MS, Outcome
from models.breaking.pickups import Pickups
from models.breaking.stream import Stream
from models.stories.telling import SOURCES_KEPT
from schemas.errors import SetupError
from schemas.packed import numbered_lines

Array = npt.NDArray[np.float64]

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000

FIRST_LOOK = 1 / 70
"""Sources, in outcomes, from which on a story is looked at: 5 of 350, 1 of 5."""

WIDER = (0.26, 0.34, 0.46, 0.57, 0.71, 0.86, 1.2, 1.43)
"""Smaller and larger outcomes, in sources of the one that is asked for, that a scorer learns from,
too: few stories break, many come near. Chosen as the trees were, see `models.breaking.fit`.
"""


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

    def of(self, moments: npt.NDArray[np.bool_]) -> "Replay":
        """Some of the moments."""
        return replace(
            self,
            evidence=self.evidence[moments],
            burst=self.burst[moments],
            story=self.story[moments],
            wider=(),
        )


def read(path: str) -> Iterator[Row]:
    """The rows of a file (`-`: standard input), in its order. Raises WrongRowError."""
    names: dict[str, str] = {}
    for line, content in numbered_lines(path):
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
            try:
                unicode_text(name, value)
            except ValueError as fault:
                raise WrongRowError(f"{path}, line {line}: {fault}") from None
        if type(published_ms) is not int or published_ms < 0:
            raise WrongRowError(
                f"{path}, line {line}: published_ms is {published_ms!r}; "
                "expected milliseconds since 1970, a whole number"
            )
        yield Row(names.setdefault(story, story), names.setdefault(source, source), published_ms)
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


def fates(replayed: Replay) -> tuple[Array, npt.NDArray[np.bool_]]:
    """When each story was born, and whether it broke."""
    born = np.array([story.born_ms for story in replayed.stories], np.float64)
    return born, np.array([story.broke_ms is not None for story in replayed.stories])


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
