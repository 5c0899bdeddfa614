"""From scores to a feed: variety, caps, a calibrated mix, what must be shown, and exploration.

A feed is filled place by place. At each place the best candidate is the one with the most of

    relevance - variety * likeness to what is above (MMR; Carbonell and Goldstein, 1998)
              - calibration * distance of the mix of subjects from the reader's (Steck, 2018)

among those whose source and story are not used up. With probability `epsilon` a place is given to
any of them instead, evenly drawn; the probability with which the item was chosen is kept, for
`off_policy`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.ranking.article import Vectors
from models.ranking.columns import NO_NAME, Array, Booleans, Codes, code, codes

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
    """What may be shown, one row each; names as their codes.

    relevance  float64, 0..1
    vectors    float32 (rows, width), of length 1 or 0
    explored   bool: whether exploration may choose it
    """

    relevance: Array
    vectors: Vectors
    subjects: Codes
    sources: Codes
    stories: Codes
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
    caps = _Caps(candidates, policy, count + len(above), above)
    balance = _Balance(candidates.subjects, mix)
    due = dict(due or {})
    likeness = np.zeros(len(candidates.relevance))
    placed: list[Placed] = []
    while len(placed) < count:
        forced = _forced(due, len(placed))
        if forced is None and not caps.free.any():
            if not due:
                break
            forced = next(iter(due))
        if forced is not None:
            choice = Placed(forced, 1.0, explored=False, forced=True)
        else:
            gain = candidates.relevance - policy.variety * likeness
            if policy.calibration:
                gain -= policy.calibration * balance.distances()
            choice = _chosen(gain, caps.free, candidates.explored, policy.epsilon, chance)
        placed.append(choice)
        due.pop(choice.row, None)
        caps.count(choice.row)
        balance.count(choice.row)
        if policy.variety:
            cosines = candidates.vectors @ candidates.vectors[choice.row]
            np.maximum(likeness, cosines, out=likeness)
    return placed


def mix_distance(shown: Array, wanted: Array) -> float:
    """Kullback-Leibler divergence of a feed's mix from the wanted one, smoothed; 0 is the same.

    shown   float64 (subjects,), how often each is shown
    wanted  float64 (subjects,), shares

    >>> mix_distance(np.array([2.0, 2.0]), np.array([0.5, 0.5]))
    0.0
    """
    counted = wanted > 0
    shares = shown / max(1.0, float(shown.sum()))
    return float(_terms(shares[counted], wanted[counted]).sum())


def _terms(given: Array, wanted: Array) -> Array:
    """What each subject adds to the distance; all of them are wanted."""
    terms: Array = wanted * np.log(wanted / ((1 - SMOOTHING) * given + SMOOTHING * wanted))
    return terms


class _Balance:
    """The mix of subjects of a feed that grows; those that nobody wants add nothing."""

    def __init__(self, subjects: Codes, mix: Mapping[str, float]) -> None:
        wanted = {name: share for name, share in mix.items() if share > 0}
        self._wanted = np.fromiter(wanted.values(), np.float64, len(wanted))
        self._shown = np.zeros(len(wanted) + 1)
        is_of = np.column_stack([subjects[:, None] == codes(wanted), np.ones(len(subjects), bool)])
        self._row_subject = is_of.argmax(axis=1)  # the last column: a subject nobody wants

    def count(self, row: int) -> None:
        self._shown[self._row_subject[row]] += 1

    def distances(self) -> Array:
        """Distance of the mix if a row came next, float64 (rows,)."""
        length = self._shown.sum() + 1
        shown = self._shown[:-1]
        without, with_it = _terms(np.stack([shown, shown + 1]) / length, self._wanted)
        total = without.sum()
        of_subject = np.append(total - without + with_it, total)
        distances: Array = of_subject[self._row_subject]
        return distances


class _Caps:
    """Which rows may still be shown: not those that were, nor those whose source or story is used
    up; articles without a story differ.

    free  bool (rows,)
    """

    def __init__(
        self,
        candidates: Candidates,
        policy: Policy,
        length: int,
        above: Sequence[tuple[str, str | None]],
    ) -> None:
        self.free = np.ones(len(candidates.relevance), bool)
        self._sources = _Cap(
            candidates.sources,
            policy.source_cap and -(-policy.source_cap * length // FEED_OF_CAPS),
        )
        self._stories = _Cap(candidates.stories, policy.story_cap)
        for source, story in above:
            self._sources.count(code(source), self.free)
            self._stories.count(code(story), self.free)

    def count(self, row: int) -> None:
        self.free[row] = False
        self._sources.count(int(self._sources.names[row]), self.free)
        self._stories.count(int(self._stories.names[row]), self.free)


class _Cap:
    """How often each name may be shown, 0: as often as one likes; who has no name always may."""

    def __init__(self, names: Codes, most: int) -> None:
        self.names = np.ascontiguousarray(names)
        self._most = most
        self._shown: Counter[int] = Counter()

    def count(self, name: int, free: Booleans) -> None:
        """Count a name; the rows of one that is used up are free no more."""
        if name == NO_NAME or not self._most:
            return
        self._shown[name] += 1
        if self._shown[name] == self._most:
            free[self.names == name] = False


def _forced(due: Mapping[int, int], place: int) -> int | None:
    """The row whose last place this is: n rows that are due within n places take them all."""
    by_deadline = sorted(due, key=due.__getitem__)
    for number, row in enumerate(by_deadline):
        if due[row] - place <= number:
            return by_deadline[0]
    return None


def _chosen(
    gain: Array, free: Booleans, explored: Booleans, epsilon: float, chance: np.random.Generator
) -> Placed:
    """The best free row, or with probability epsilon any of those that exploration may choose."""
    best = int(np.where(free, gain, -np.inf).argmax())
    pool = free & explored
    many = np.count_nonzero(pool)
    if not epsilon or not many:
        return Placed(best, 1.0, explored=False, forced=False)
    explores = chance.random() < epsilon
    row = int(chance.choice(np.flatnonzero(pool))) if explores else best
    drawn = epsilon / many if pool[row] else 0.0
    propensity = (1 - epsilon) * (row == best) + drawn
    return Placed(row, propensity, explored=explores and row != best, forced=False)
