"""Candidates among the active stories, at a cost that hardly grows with their number.

Words find stories that share a rare word. Vectors find neighbours by an inverted file (Jégou et
al., 2011): stories lie in the cell of their nearest pivot, a query looks into the cells of its
nearest pivots. Pivots are stories themselves, several times the square root of the stories.

Near is, at first, who differs in few signs (Charikar, 2002): 384 signs are 48 bytes, of which
100,000 stories fit a cache where their vectors do not. The vectors decide among the nearest so
found.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Signs = npt.NDArray[np.uint64]

RARE = 100
"""Stories that may share a word for it to find them."""

WORDS_A_STORY = 500
"""Words that find a story, the first ones."""

WORDS_ASKED = 12
BY_WORDS = 8
BY_VECTOR = 8
PROBES = 32
"""Cells that a query looks into."""

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
        self._words: dict[str, set[str]] = {}

    def add(self, story: str, words: Iterable[str]) -> None:
        """Let a story be found by words."""
        known = self._words.setdefault(story, set())
        for word in words:
            if len(known) == WORDS_A_STORY:
                return
            known.add(word)
            self._stories.setdefault(word, set()).add(story)

    def of(self, story: str) -> set[str]:
        """The words that find a story."""
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


class VectorIndex:
    """Unit vectors of stories in cells around pivots."""

    def __init__(self, width: int) -> None:
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._vectors = np.zeros((64, width), np.float32)
        self._signs = _signs(self._vectors)
        self._pivots = self._signs[:0]
        self._cells: list[Rows] = []
        self._cell_of: list[int] = []
        self._rebuild_at = FEWEST_INDEXED
        self.rebuilt = False

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, story: str, vector: Vector) -> None:
        """Add a story or move it; vectors of any length above 0."""
        row = self._rows.get(story)
        if row is None:
            row = self._rows[story] = len(self._names)
            self._names.append(story)
            self._cell_of.append(-1)
            if row == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
                self._signs = np.concatenate([self._signs, np.zeros_like(self._signs)])
        self._vectors[row] = vector / max(math.sqrt(float(vector @ vector)), 1e-9)
        self._signs[row] = _signs(self._vectors[row])
        if len(self._rows) >= self._rebuild_at:
            self._rebuild()
        elif len(self._pivots):
            self._assign(row)

    def row(self, story: str) -> int:
        """Where a story stands; restored in this order, equals rank alike."""
        return self._rows[story]

    def remove(self, story: str) -> str | None:
        """Forget a story. Returns the one that takes its row, if one does."""
        row = self._rows.pop(story, None)
        if row is None:
            return None
        moved = None
        last = len(self._names) - 1
        if self._cells:
            self._leave(row)
        if row != last:  # the last row fills the gap
            moved = self._names[last]
            self._names[row], self._rows[moved] = moved, row
            self._vectors[row] = self._vectors[last]
            self._signs[row] = self._signs[last]
            if self._cells:
                self._leave(last)
                self._enter(row, self._cell_of[last])
        self._names.pop()
        self._cell_of.pop()
        return moved

    def nearest(self, vector: Vector) -> list[str]:
        """The stories nearest to a vector, as far as the cells around it hold them."""
        if not len(self._pivots):
            near = _largest(self._vectors[: len(self._names)] @ vector, BY_VECTOR)
            return [self._names[row] for row in near.tolist()]
        signs = _signs(vector)
        cells = _smallest(_apart(self._pivots, signs), PROBES)
        rows = np.sort(np.concatenate([self._cells[cell] for cell in cells.tolist()]))
        near = rows[_smallest(_apart(self._signs[rows], signs), BY_SIGNS)]
        found = near[_largest(self._vectors[near] @ vector, BY_VECTOR)]
        return [self._names[row] for row in found.tolist()]

    def cosines(self, stories: Sequence[str], vector: Vector) -> list[float]:
        """Of a unit vector with the vectors of some stories."""
        rows = [self._rows[story] for story in stories]
        cosines: list[float] = (self._vectors[rows] @ vector).tolist()
        return cosines

    def pivots_to_state(self) -> dict[str, Any]:
        """Plain values; with the stories' vectors they give the same answers again."""
        return {"pivots": self._pivots.tobytes(), "rebuild_at": self._rebuild_at}

    def restore(
        self, stories: Sequence[tuple[str, Vector]], pivots: Mapping[str, Any] | None
    ) -> None:
        """Become an index of stories, in the order of their rows, around given pivots."""
        width = self._vectors.shape[1]
        if pivots is not None:
            words = self._signs.shape[1]
            self._pivots = np.frombuffer(pivots["pivots"], np.uint64).reshape(-1, words)
            self._rebuild_at = pivots["rebuild_at"]
        self._names = [name for name, _ in stories]
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._vectors = np.zeros((max(64, 2 * len(stories)), width), np.float32)
        for row, (_, vector) in enumerate(stories):
            self._vectors[row] = vector / max(math.sqrt(float(vector @ vector)), 1e-9)
        self._signs = _signs(self._vectors)
        self._fill_cells()

    def _assign(self, row: int) -> None:
        cell = int(np.argmin(_apart(self._pivots, self._signs[row])))
        if cell == self._cell_of[row]:
            return
        if self._cell_of[row] >= 0:
            self._leave(row)
        self._enter(row, cell)

    def _enter(self, row: int, cell: int) -> None:
        self._cell_of[row] = cell
        self._cells[cell] = np.append(self._cells[cell], row)

    def _leave(self, row: int) -> None:
        cell = self._cells[self._cell_of[row]]
        self._cells[self._cell_of[row]] = cell[cell != row]

    def _rebuild(self) -> None:
        """Pivots anew, evenly out of the stories; again when there are twice as many."""
        rows = len(self._names)
        pivots = np.linspace(0, rows - 1, PIVOTS * math.isqrt(rows)).astype(int)
        self._pivots = self._signs[pivots]
        self._rebuild_at = 2 * rows
        self.rebuilt = True
        self._fill_cells()

    def _fill_cells(self) -> None:
        """Every story into the cell of its nearest pivot; without pivots there are no cells."""
        rows, cells = len(self._names), len(self._pivots)
        self._cell_of = [-1] * rows
        if cells:
            self._cell_of = [
                int(np.argmin(_apart(self._pivots, signs))) for signs in self._signs[:rows]
            ]
        self._cells = _members(self._cell_of, cells)


def _signs(vectors: Vector) -> Signs:
    """One bit for each number that is positive, in words of 64."""
    bits = np.packbits(vectors > 0, axis=-1)
    if missing := -bits.shape[-1] % 8:
        bits = np.concatenate([bits, np.zeros((*bits.shape[:-1], missing), np.uint8)], axis=-1)
    return bits.view(np.uint64)


def _apart(many: Signs, one: Signs) -> npt.NDArray[np.uint16]:
    """In how many signs each differs from one."""
    different = np.bitwise_count(many ^ one).astype(np.float32)
    counted: npt.NDArray[np.uint16] = different.dot(_ones(one.shape[0])).astype(np.uint16)
    return counted


@cache
def _ones(count: int) -> Vector:
    """A product with them adds up a row faster than `sum` does."""
    return np.ones(count, np.float32)


def _smallest(values: npt.NDArray[np.uint16], count: int) -> Rows:
    """Places of the smallest values, smallest first, the first of equals first."""
    smallest: Rows = values.argsort(kind="stable")[:count]
    return smallest


def _largest(values: Vector, count: int) -> Rows:
    """Places of the largest values, largest first, the first of equals first."""
    largest: Rows = (-values).argsort(kind="stable")[:count]
    return largest


def _members(cell_of: Sequence[int], cells: int) -> list[Rows]:
    """The rows in each cell."""
    order = np.argsort(cell_of, kind="stable")
    ends = np.searchsorted(np.array(cell_of)[order], np.arange(1, cells))
    return list(np.split(order, ends)) if cells else []
