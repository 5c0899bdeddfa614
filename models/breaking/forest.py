"""Gradient-boosted trees as plain arrays: scored with NumPy, kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelFileError

Array = npt.NDArray[Any]

LEAF = -1
ROWS_AT_ONCE = 2048
"""Rows that go down side by side: bounds memory."""


@dataclass(frozen=True)
class Forest:
    """Trees of binary splits, all nodes in one list; a tree is known by its root.

    A row goes left where its feature is at most the threshold. The margin is `base` plus the value
    of the leaf it reaches in each tree; its sigmoid is the score.

    feature    column that a node splits, LEAF (-1) at a leaf
    threshold  of a split, 0 at a leaf
    left, right  nodes below, 0 at a leaf
    value      of a leaf; at a split the mean of the rows it was fitted on
    names      of the columns
    """

    names: tuple[str, ...]
    base: float
    roots: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def scores(self, rows: Array) -> Array:
        """Scores of rows, float64 (rows, names) to float64 (rows,), 0..1; not yet calibrated.

        Raises ValueError for another number of columns.
        """
        scores: Array = 1 / (1 + np.exp(-self.margins(rows)))
        return scores

    def margins(self, rows: Array) -> Array:
        """Log-odds of rows, float64 (rows,)."""
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise ValueError(f"rows of shape {rows.shape}; expected (rows, {len(self.names)})")
        parts = range(0, len(rows), ROWS_AT_ONCE)
        margins = [self._margins(rows[start : start + ROWS_AT_ONCE]) for start in parts]
        return np.concatenate(margins) if margins else np.zeros(0)

    def _margins(self, rows: Array) -> Array:
        """All trees side by side: one row costs as many steps as the deepest tree has levels."""
        n = self._nodes
        every = np.arange(len(rows))[:, None]
        at = np.broadcast_to(n.roots, (len(rows), len(n.roots)))
        for _ in range(n.depth):
            right = rows[every, n.feature[at]] > n.threshold[at]
            at = n.below[at, right.view(np.int8)]
        added: Array = n.value[at].sum(axis=1)
        return self.base + added

    def contributions(self, row: Array) -> dict[str, float]:
        """What each feature adds to the log-odds of a row: change of the mean value at its splits
        (Saabas, 2014). float64 (names,) in.
        """
        added = dict.fromkeys(self.names, 0.0)
        for root in self.roots:
            at = root
            while self.feature[at] != LEAF:
                column = self.feature[at]
                below = self.left if row[column] <= self.threshold[at] else self.right
                added[self.names[column]] += self.value[below[at]] - self.value[at]
                at = below[at]
        return added

    @cached_property
    def _nodes(self) -> "_Nodes":
        feature = np.array(self.feature, np.intp)
        leaf = feature == LEAF
        below = np.column_stack([np.array(self.left, np.intp), np.array(self.right, np.intp)])
        below[leaf] = np.flatnonzero(leaf)[:, None]
        return _Nodes(
            roots=np.array(self.roots, np.intp),
            depth=_depth(self),
            feature=np.where(leaf, 0, feature),
            threshold=np.array(self.threshold),
            below=below,
            value=np.array(self.value),
        )

    def to_state(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {
            "names": list(self.names),
            "base": self.base,
            "roots": list(self.roots),
            "feature": list(self.feature),
            "threshold": list(self.threshold),
            "left": list(self.left),
            "right": list(self.right),
            "value": list(self.value),
        }


@dataclass(frozen=True)
class _Nodes:
    """A forest for steps in which every row goes down by a level; a leaf leads to itself."""

    roots: Array
    depth: int
    feature: Array
    threshold: Array
    below: Array
    value: Array


def _depth(forest: Forest) -> int:
    """Levels of splits in the deepest tree."""
    level = [0] * len(forest.feature)
    for node, column in enumerate(forest.feature):  # children come after their parent
        if column != LEAF:
            level[forest.left[node]] = level[forest.right[node]] = level[node] + 1
    return max(level, default=0)


def from_state(state: Mapping[str, Any]) -> Forest:
    """What `to_state` gave. Raises ModelFileError for lists that are no forest."""
    try:
        forest = Forest(
            names=tuple(state["names"]),
            base=float(state["base"]),
            roots=tuple(map(int, state["roots"])),
            feature=tuple(map(int, state["feature"])),
            threshold=tuple(map(float, state["threshold"])),
            left=tuple(map(int, state["left"])),
            right=tuple(map(int, state["right"])),
            value=tuple(map(float, state["value"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"a forest cannot be read: {error}") from error
    nodes = len(forest.feature)
    columns: list[Sequence[Any]] = [forest.threshold, forest.left, forest.right, forest.value]
    if any(len(column) != nodes for column in columns):
        raise ModelFileError(
            f"a forest with columns of {[nodes, *map(len, columns)]} nodes; expected equal ones"
        )
    for node, column in enumerate(forest.feature):
        below = (forest.left[node], forest.right[node])
        if column != LEAF and not (
            0 <= column < len(forest.names) and all(node < b < nodes for b in below)
        ):
            raise ModelFileError(f"node {node} of a forest leads to {below} by feature {column}")
    return forest
