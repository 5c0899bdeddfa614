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
        n = self._nodes
        margins = np.full(len(rows), self.base)
        every = np.arange(len(rows))
        for root in self.roots:
            at = np.full(len(rows), root)
            while (inner := n.feature[at] != LEAF).any():
                down = np.where(
                    rows[every, n.feature[at]] <= n.threshold[at], n.left[at], n.right[at]
                )
                at = np.where(inner, down, at)
            margins += n.value[at]
        return margins

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
        return _Nodes(
            np.array(self.feature, np.intp),
            np.array(self.threshold),
            np.array(self.left, np.intp),
            np.array(self.right, np.intp),
            np.array(self.value),
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
    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array


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
