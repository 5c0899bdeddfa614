"""From scores to a feed: variety, caps, a calibrated mix, what must be shown, and exploration.

A feed is filled place by place. At each place the best candidate is the one with the most of

    relevance - variety * likeness to what is above (MMR; Carbonell and Goldstein, 1998)
              - calibration * distance of the mix of subjects from the reader's (Steck, 2018)

among those whose source and story are not used up. With probability `epsilon` a place is given to
any of them instead, evenly drawn; the probability with which the item was chosen is kept, for
`off_policy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

FEED_OF_CAPS = 20
"""Items of the feed that `source_cap` is told for."""

SMOOTHING = 0.01
"""Share of the reader's mix that is lent to the feed's, so that their distance stays finite."""


@dataclass(frozen=True)
class Policy:
    """How a feed is put together; 0 turns a part off.

    variety       weight of likeness, 0..1
    calibration   weight of the mix's distance, in nats
    epsilon       probability that a place explores
    source_cap    items of a source at most, in feeds of FEED_OF_CAPS; in proportion in others
    story_cap     items of a story at most
    """

    variety: float = 0.3
    calibration: float = 0.2
    epsilon: float = 0.05
    source_cap: int = 4
    story_cap: int = 1


class Candidates(NamedTuple):
    """What may be shown, one row each.

    relevance  float64, 0..1
    vectors    float32 (rows, width), of length 1 or 0
    explored   bool: whether exploration may choose it
    """

    relevance: Array
    vectors: Vectors
    subjects: Sequence[str]
    sources: Sequence[str]
    stories: Sequence[str | None]
    explored: Booleans


class Placed(NamedTuple):
    """A row and the probability with which it was chosen for its place, given those above."""

    row: int
    propensity: float
    explored: bool
    forced: bool


def relevance(scores: Array) -> Array:
    """Scores as 0..1, by their own mean and spread, so that weights mean the same for any ranker.

    >>> relevance(np.array([1.0, 1.0])).tolist()
    [0.5, 0.5]
    """
    if not len(scores):
        return scores
    spread = float(scores.std())
    standard = (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))
    found: Array = 1 / (1 + np.exp(-standard))
    return found


def arrange(
    candidates: Candidates,
    count: int,
    policy: Policy,
    mix: Mapping[str, float],
    chance: np.random.Generator,
    *,
    above: Sequence[tuple[str, str | None]] = (),
    due: Mapping[int, int] | None = None,
) -> list[Placed]:
    """The rows of a feed from the top; fewer than `count` where caps leave no more.

    mix    share of each subject that the reader should get
    above  source and story of items that already stand above: they count for the caps
    due    rows that must be shown, with the last place, from 0, each may have
    """
    used = _Used(candidates, policy, count + len(above), above)
    balance = _Balance(candidates.subjects, mix)
    due = dict(due or {})
    free = np.ones(len(candidates.relevance), bool)
    likeness = np.zeros(len(free))
    placed: list[Placed] = []
    while len(placed) < count:
        allowed = free & used.allowed()
        waiting = [row for row in due if free[row]]
        forced = _forced(waiting, due, len(placed))
        if forced is None and not allowed.any():
            if not waiting:
                break
            forced = waiting[0]
        if forced is not None:
            choice = Placed(forced, 1.0, explored=False, forced=True)
        else:
            gain = (
                candidates.relevance
                - policy.variety * likeness
                - policy.calibration * balance.distances()
            )
            pool = np.flatnonzero(allowed & candidates.explored)
            choice = _chosen(np.where(allowed, gain, -np.inf), pool, policy.epsilon, chance)
        placed.append(choice)
        free[choice.row] = False
        used.count(choice.row)
        balance.count(choice.row)
        cosines = candidates.vectors @ candidates.vectors[choice.row]
        likeness = np.maximum(likeness, cosines.astype(np.float64))
    return placed


def mix_distance(shown: Array, wanted: Array) -> float:
    """Kullback-Leibler divergence of a feed's mix from the wanted one, smoothed; 0 is the same.

    shown   float64 (subjects,), how often each is shown
    wanted  float64 (subjects,), shares

    >>> mix_distance(np.array([2.0, 2.0]), np.array([0.5, 0.5]))
    0.0
    """
    return float(_terms(shown / max(1.0, float(shown.sum())), wanted).sum())


def _terms(given: Array, wanted: Array) -> Array:
    """What each subject adds to the distance."""
    smooth = (1 - SMOOTHING) * given + SMOOTHING * wanted
    safe = np.where(wanted > 0, wanted, 1.0)
    terms: Array = np.where(wanted > 0, wanted * np.log(safe / np.where(wanted > 0, smooth, 1)), 0)
    return terms


class _Balance:
    """The mix of subjects of a feed that grows."""

    def __init__(self, subjects: Sequence[str], mix: Mapping[str, float]) -> None:
        names = list(dict.fromkeys((*mix, *subjects)))
        places = {name: place for place, name in enumerate(names)}
        self._wanted = np.array([mix.get(name, 0.0) for name in names])
        self._shown = np.zeros(len(names))
        self._row_subject = np.array([places[subject] for subject in subjects], np.intp)

    def count(self, row: int) -> None:
        self._shown[self._row_subject[row]] += 1

    def distances(self) -> Array:
        """Distance of the mix if a row came next, float64 (rows,)."""
        length = self._shown.sum() + 1
        without = _terms(self._shown / length, self._wanted)
        with_it = _terms((self._shown + 1) / length, self._wanted)
        of_subject = without.sum() - without + with_it
        distances: Array = of_subject[self._row_subject]
        return distances


class _Used:
    """How often sources and stories stand in a feed that grows; articles without a story differ."""

    def __init__(
        self,
        candidates: Candidates,
        policy: Policy,
        length: int,
        above: Sequence[tuple[str, str | None]],
    ) -> None:
        self._source_cap = policy.source_cap and -(-policy.source_cap * length // FEED_OF_CAPS)
        self._story_cap = policy.story_cap
        sources, stories = candidates.sources, candidates.stories
        source_places = {name: place for place, name in enumerate(dict.fromkeys(sources))}
        story_places = {
            name: place for place, name in enumerate(dict.fromkeys(stories)) if name is not None
        }
        self._source_of = np.array([source_places[name] for name in sources], np.intp)
        self._story_of = np.array([story_places.get(name or "", -1) for name in stories], np.intp)
        self._sources = np.zeros(len(source_places), np.intp)
        self._stories = np.zeros(max(story_places.values(), default=-1) + 2, np.intp)
        for source, story in above:
            if source in source_places:
                self._sources[source_places[source]] += 1
            if story in story_places:
                self._stories[story_places[story]] += 1

    def count(self, row: int) -> None:
        self._sources[self._source_of[row]] += 1
        if self._story_of[row] >= 0:
            self._stories[self._story_of[row]] += 1

    def allowed(self) -> Booleans:
        """bool (rows,)"""
        allowed = np.ones(len(self._source_of), bool)
        if self._source_cap:
            allowed &= self._sources[self._source_of] < self._source_cap
        if self._story_cap:
            allowed &= (self._story_of < 0) | (self._stories[self._story_of] < self._story_cap)
        return allowed


def _forced(waiting: Sequence[int], due: Mapping[int, int], place: int) -> int | None:
    """The row whose last place this is: n rows that are due within n places take them all."""
    by_deadline = sorted(waiting, key=lambda row: due[row])
    for number, row in enumerate(by_deadline):
        if due[row] - place <= number:
            return by_deadline[0]
    return None


def _chosen(gain: Array, pool: Rows, epsilon: float, chance: np.random.Generator) -> Placed:
    """The best row, or with probability epsilon any of the pool."""
    best = int(gain.argmax())
    if not epsilon or not len(pool):
        return Placed(best, 1.0, explored=False, forced=False)
    explores = chance.random() < epsilon
    row = int(chance.choice(pool)) if explores else best
    drawn = epsilon / len(pool) if row in pool else 0.0
    propensity = (1 - epsilon) * (row == best) + drawn
    return Placed(row, propensity, explored=explores and row != best, forced=False)
