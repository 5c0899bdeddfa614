"""Candidates among the active stories, at a cost that hardly grows with their number.

Words find stories that share a rare word. Vectors find neighbours by an inverted file (Jégou et
al., 2011): stories lie in the cell of their nearest pivot, a query looks into the cells of its
nearest pivots. Pivots are stories themselves; with about the square root of the stories as pivots,
pivots and members cost alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

RARE = 100
"""Stories that may share a word for it to find them."""

WORDS_A_STORY = 500
"""Words that find a story, the first ones."""

WORDS_ASKED = 12
BY_WORDS = 8
BY_VECTOR = 8
PROBES = 12
"""Cells that a query looks into."""

FEWEST_PIVOTS = 32
"""With fewer, every story is looked at."""


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

    def items(self) -> Iterable[tuple[str, set[str]]]:
        """Each story with its words."""
        return self._words.items()

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
            holders = self._stories.get(word, ())
            if len(holders) <= RARE:
                for story in holders:
                    shared[story] = shared.get(story, 0.0) + weights[word]
        return sorted(shared, key=lambda story: (-shared[story], story))[:BY_WORDS]


class VectorIndex:
    """Unit vectors of stories in cells around pivots."""

    def __init__(self, width: int) -> None:
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._vectors = np.zeros((64, width), np.float32)
        self._pivots = np.zeros((0, width), np.float32)
        self._cells: list[set[int]] = []
        self._cell_of: list[int] = []
        self._rebuild_at = FEWEST_PIVOTS * FEWEST_PIVOTS

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
        self._vectors[row] = vector / max(float(np.linalg.norm(vector)), 1e-9)
        if len(self._rows) >= self._rebuild_at:
            self._rebuild()
        elif len(self._pivots):
            self._assign(row)

    def remove(self, story: str) -> None:
        """Forget a story; unknown ones are ignored."""
        row = self._rows.pop(story, None)
        if row is None:
            return
        last = len(self._names) - 1
        if self._cells:
            self._cells[self._cell_of[row]].discard(row)
        if row != last:  # the last row fills the gap
            moved = self._names[last]
            self._names[row], self._rows[moved] = moved, row
            self._vectors[row] = self._vectors[last]
            self._cell_of[row] = self._cell_of[last]
            if self._cells:
                self._cells[self._cell_of[row]].discard(last)
                self._cells[self._cell_of[row]].add(row)
        self._names.pop()
        self._cell_of.pop()

    def nearest(self, vector: Vector) -> list[str]:
        """The stories nearest to a vector, as far as the cells around it hold them."""
        if not self._rows:
            return []
        if len(self._pivots):
            near = np.argsort(-(self._pivots @ vector), kind="stable")[:PROBES]
            rows = np.array(sorted(row for cell in near for row in self._cells[cell]), np.intp)
            if not len(rows):
                return []
        else:
            rows = np.arange(len(self._names))
        order = np.argsort(-(self._vectors[rows] @ vector), kind="stable")[:BY_VECTOR]
        return [self._names[row] for row in rows[order]]

    def to_state(self) -> dict[str, Any]:
        """Plain values that give the same answers again; vectors as float32 bytes."""
        return {
            "names": list(self._names),
            "vectors": self._vectors[: len(self._names)].tobytes(),
            "pivots": self._pivots.tobytes(),
            "cell_of": list(self._cell_of),
            "rebuild_at": self._rebuild_at,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `to_state` told of."""
        width = self._vectors.shape[1]
        self._names = list(state["names"])
        self._rows = {name: row for row, name in enumerate(self._names)}
        kept = np.frombuffer(state["vectors"], np.float32).reshape(-1, width)
        self._vectors = np.zeros((max(64, 2 * len(kept)), width), np.float32)
        self._vectors[: len(kept)] = kept
        self._pivots = np.frombuffer(state["pivots"], np.float32).reshape(-1, width)
        self._cell_of = list(state["cell_of"])
        self._cells = _members(self._cell_of, len(self._pivots))
        self._rebuild_at = state["rebuild_at"]

    def _assign(self, row: int) -> None:
        cell = int(np.argmax(self._pivots @ self._vectors[row]))
        if self._cell_of[row] >= 0:
            self._cells[self._cell_of[row]].discard(row)
        self._cell_of[row] = cell
        self._cells[cell].add(row)

    def _rebuild(self) -> None:
        """Pivots anew, evenly out of the stories; again when there are twice as many."""
        rows = len(self._names)
        pivots = np.linspace(0, rows - 1, math.isqrt(rows)).astype(int)
        self._pivots = self._vectors[pivots].copy()
        self._cell_of = [
            int(cell)
            for start in range(0, rows, 4096)
            for cell in np.argmax(
                self._vectors[start : min(rows, start + 4096)] @ self._pivots.T, 1
            )
        ]
        self._cells = _members(self._cell_of, len(pivots))
        self._rebuild_at = 2 * rows


def _members(cell_of: Sequence[int], cells: int) -> list[set[int]]:
    members: list[set[int]] = [set() for _ in range(cells)]
    if cells:
        for row, cell in enumerate(cell_of):
            members[cell].add(row)
    return members
