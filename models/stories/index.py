"""Candidates among the active stories, at a cost that hardly grows with their number.

Words find stories that share a rare word. Vectors find neighbours by their signs, in cells around
pivots (`cells`); there are several times the square root of the stories of them. The
vectors decide among the nearest so found.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories.cells import Cells, Rows, Signs, pivots_among, signs_of

Vector = npt.NDArray[np.float32]

RARE = 100
"""Stories that may share a word for it to find them."""

WORDS_A_STORY = 500
"""Words that find a story, the first ones."""

WORDS_ASKED = 12
BY_WORDS = 8
BY_VECTOR = 8
PIVOTS = 8
"""Pivots, in square roots of the stories."""

BY_SIGNS = 64
"""Stories of those cells whose vectors are compared."""

FEWEST_INDEXED = 1024
"""With fewer stories, every one is looked at."""


class WordIndex:
    """Which stories hold a word."""

    def __init__(self) -> None:
        self._stories: dict[str, set[str]] = {}
        self._words: dict[str, list[str]] = {}

    def add(self, story: str, words: Iterable[str]) -> None:
        """Let a story be found by words."""
        known = self._words.setdefault(story, [])
        for word in words:
            if len(known) == WORDS_A_STORY:
                return
            holders = self._stories.setdefault(word, set())
            if story not in holders:
                holders.add(story)
                known.append(word)

    def of(self, story: str) -> list[str]:
        """The words that find a story, in the order they came."""
        return self._words[story]

    def remove(self, story: str) -> None:
        """Forget a story; unknown ones are ignored."""
        for word in self._words.pop(story, ()):
            self._stories[word].discard(story)
            if not self._stories[word]:
                del self._stories[word]

    def nearest(self, weights: Mapping[str, float]) -> list[str]:
        """The stories that share the most weight of rare words with an article."""
        asked = sorted(weights, key=lambda word: (-weights[word], word))[:WORDS_ASKED]
        shared: dict[str, float] = {}
        for word in asked:
            holders, weight = self._stories.get(word, ()), weights[word]
            if len(holders) <= RARE:
                for story in holders:
                    shared[story] = shared.get(story, 0.0) + weight
        if len(shared) > BY_WORDS:  # numbers are sorted in a tenth of the time of pairs
            least = sorted(shared.values())[-BY_WORDS]
            shared = {story: weight for story, weight in shared.items() if weight >= least}
        return sorted(shared, key=lambda story: (-shared[story], story))[:BY_WORDS]


class Held(NamedTuple):
    """What the index knows of a story besides its direction.

    mean  length of the mean of its articles' unit vectors
    size  log of its articles
    """

    story: str
    mean: float
    size: float


Near = list[tuple[Held, float]]
"""Stories near a vector, each with its cosine."""


class VectorIndex:
    """Directions of stories, and what else of them tells whether they can be meant."""

    def __init__(self, width: int) -> None:
        self._rows: dict[str, int] = {}
        self._held: list[Held] = []
        self._vectors = np.zeros((64, width), np.float32)
        self._taken = np.empty((max(BY_SIGNS, BY_WORDS), width), np.float32)
        self._cells: Cells | None = None
        self._rebuild_at = FEWEST_INDEXED
        self.rebuilt = False

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, story: str, vector: Vector, articles: int) -> None:
        """Add a story or move it: the sum of its articles' unit vectors, and their number."""
        row = self._rows.get(story)
        if row is None:
            row = self._rows[story] = len(self._rows)
            if row == len(self._vectors):
                self._grow()
        self._set(row, story, vector, articles)
        if len(self._rows) >= self._rebuild_at:
            self._rebuild()
        elif self._cells:
            self._cells.put(row, signs_of(self._vectors[row]))

    def row(self, story: str) -> int:
        """Where a story stands; restored in this order, equals rank alike."""
        return self._rows[story]

    def remove(self, story: str) -> str | None:
        """Forget a story. Returns the one that takes its row, if one does."""
        row = self._rows.pop(story, None)
        if row is None:
            return None
        if self._cells:
            self._cells.remove(row)
        last = self._held.pop()
        if last.story == story:
            return None
        self._held[row], self._rows[last.story] = last, row  # the last row fills the gap
        self._vectors[row] = self._vectors[len(self._held)]
        return last.story

    def near(self, vector: Vector, others: Iterable[str] = ()) -> Near:
        """The stories nearest to a unit vector, as far as the cells hold them; others first."""
        rows, cosines = self._nearest(vector)
        first = [row for name in others if (row := self._rows[name]) not in rows]
        if first:
            rows = first + rows
            cosines = self._taken_of(first).dot(vector).tolist() + cosines
        return [(self._held[row], cosine) for row, cosine in zip(rows, cosines, strict=True)]

    def _nearest(self, vector: Vector) -> tuple[list[int], list[float]]:
        if self._cells is None:
            cosines = self._vectors[: len(self._held)].dot(vector)
            found = rows = _largest(cosines)
        else:
            signs_near = self._cells.nearest(signs_of(vector), BY_SIGNS)
            cosines = self._taken_of(signs_near).dot(vector)
            found = _largest(cosines)
            rows = signs_near[found]
        return rows.tolist(), cosines[found].tolist()

    def _taken_of(self, rows: Rows | list[int]) -> Vector:
        """Vectors of some rows, until the next call: new memory would cost more than the copy."""
        return self._vectors.take(rows, axis=0, out=self._taken[: len(rows)], mode="clip")

    def pivots_to_state(self) -> dict[str, Any]:
        """Plain values; with the stories' vectors they give the same answers again."""
        pivots = self._cells.pivots.tobytes() if self._cells else b""
        return {"pivots": pivots, "rebuild_at": self._rebuild_at}

    def restore(
        self, stories: Sequence[tuple[str, Vector, int]], pivots: Mapping[str, Any] | None
    ) -> None:
        """Become an index of stories, in the order of their rows, around given pivots."""
        self._rows = {name: row for row, (name, *_) in enumerate(stories)}
        self._held = []
        while len(self._vectors) < len(stories):
            self._grow()
        for row, story in enumerate(stories):
            self._set(row, *story)
        if pivots is not None:
            self._rebuild_at = pivots["rebuild_at"]
            words = signs_of(self._vectors[0]).shape[0]
            around = np.frombuffer(pivots["pivots"], np.uint64).reshape(-1, words)
            self._cells = Cells(around, self._signs()) if len(around) else None

    def _set(self, row: int, story: str, vector: Vector, articles: int) -> None:
        length = math.sqrt(vector.dot(vector))
        self._vectors[row] = vector / max(length, 1e-9)
        self._held[row : row + 1] = [Held(story, length / articles, math.log(articles))]

    def _grow(self) -> None:
        """Room for twice as many."""
        self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])

    def _rebuild(self) -> None:
        """Pivots anew; again when there are twice as many."""
        signs = self._signs()
        self._cells = Cells(pivots_among(signs, PIVOTS * math.isqrt(len(signs))), signs)
        self._rebuild_at = 2 * len(signs)
        self.rebuilt = True

    def _signs(self) -> Signs:
        return signs_of(self._vectors[: len(self._held)])


def _largest(values: Vector) -> Rows:
    """Places of the largest values, largest first, the first of equals first."""
    largest: Rows = (-values).argsort(kind="stable")[:BY_VECTOR]
    return largest
