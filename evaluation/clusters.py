"""How well clusters agree with gold ones: BCubed, pairwise, adjusted mutual information."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

_NOTHING = 1e-12
"""Information in nats below which rounding speaks."""


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall, 0..1, with their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean, 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Agreement:
    """Every measure of one clustering."""

    bcubed: PrecisionRecall
    pairwise: PrecisionRecall
    ami: float
    clusters: int


def agreement(gold: Sequence[str], found: Sequence[str]) -> Agreement:
    """Compare cluster names, one an item; the names themselves do not matter.

    AMI: Vinh et al. (2010), mean of the entropies.

    >>> same = agreement(["a", "a", "b"], ["x", "x", "y"])
    >>> same.bcubed.f1, same.pairwise.f1, round(same.ami, 6), same.clusters
    (1.0, 1.0, 1.0, 2)
    """
    table = contingency(gold, found)
    of_gold, of_found = table.sum(axis=1), table.sum(axis=0)
    pairs = _pairs(table)
    pairwise = PrecisionRecall(
        pairs / _pairs(of_found) if _pairs(of_found) else 1.0,
        pairs / _pairs(of_gold) if _pairs(of_gold) else 1.0,
    )
    return Agreement(bcubed(gold, found), pairwise, _ami(table), table.shape[1])


def bcubed(
    gold: Sequence[str], found: Sequence[str], asked: npt.NDArray[np.bool_] | None = None
) -> PrecisionRecall:
    """BCubed (Bagga and Baldwin, 1998).

    asked  the items that are scored, each with the whole clusters that it is in; all if absent

    >>> bcubed(["a", "a", "b"], ["x", "y", "y"], np.array([True, False, False]))
    PrecisionRecall(precision=1.0, recall=0.5)
    """
    _, rows = np.unique(np.asarray(gold), return_inverse=True)
    _, columns = np.unique(np.asarray(found), return_inverse=True)
    table = contingency(gold, found).astype(np.float64)
    both = table[rows, columns]
    scored = slice(None) if asked is None else asked
    return PrecisionRecall(
        float((both / table.sum(axis=0)[columns])[scored].mean()),
        float((both / table.sum(axis=1)[rows])[scored].mean()),
    )


def contingency(gold: Sequence[str], found: Sequence[str]) -> npt.NDArray[np.int64]:
    """Items in each pair of clusters, int64 (gold, found)."""
    _, rows = np.unique(np.asarray(gold), return_inverse=True)
    _, columns = np.unique(np.asarray(found), return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1), np.int64)
    np.add.at(table, (rows, columns), 1)
    return table


def _pairs(sizes: npt.NDArray[np.generic]) -> float:
    counts = np.asarray(sizes, np.float64)
    return float((counts * (counts - 1)).sum()) / 2


def _ami(table: npt.NDArray[np.int64]) -> float:
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    items = int(table.sum())
    if len(rows) == len(columns) == 1 or len(rows) == len(columns) == items:
        return 1.0
    r, c = np.nonzero(table)
    both = table[r, c].astype(np.float64)
    mutual = float((both / items * np.log(items * both / (rows[r] * columns[c]))).sum())
    chance = _expected_mutual(rows, columns, items)
    entropy = (_entropy(rows, items) + _entropy(columns, items)) / 2
    spread = entropy - chance
    return (mutual - chance) / spread if spread > _NOTHING else 0.0


def _entropy(sizes: npt.NDArray[np.int64], items: int) -> float:
    share = sizes / items
    return float(-(share * np.log(share)).sum())


def _expected_mutual(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], items: int
) -> float:
    """Mutual information of random clusterings of the same sizes (hypergeometric).

    Sizes that occur several times are computed once.
    """
    total = 0.0
    column_sizes, column_times = np.unique(columns, return_counts=True)
    for a, a_times in zip(*np.unique(rows, return_counts=True), strict=True):
        for b, b_times in zip(column_sizes, column_times, strict=True):
            n = np.arange(max(1, a + b - items), min(a, b) + 1, dtype=np.float64)
            log_chance = (
                gammaln(a + 1)
                + gammaln(b + 1)
                + gammaln(items - a + 1)
                + gammaln(items - b + 1)
                - gammaln(items + 1)
                - gammaln(n + 1)
                - gammaln(a - n + 1)
                - gammaln(b - n + 1)
                - gammaln(items - a - b + n + 1)
            )
            term = n / items * np.log(items * n / (a * b)) * np.exp(log_chance)
            total += float(a_times * b_times * term.sum())
    return total
