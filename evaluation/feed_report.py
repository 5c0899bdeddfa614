"""Figures of rankings of a feed, and what they say in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.feed_corpus import Corpus
from evaluation.feed_rows import Booleans, Impression

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Scores = Sequence[Array]
"""Scores of the candidates of each impression."""

RESAMPLES = 1000
RESAMPLES_SEED = 7

LENGTHS = (0, 1, 4, 8)
"""Least clicks in the history, of each group that is reported."""

METRICS = ("auc", "mrr", "ndcg5", "ndcg10")


@dataclass(frozen=True)
class Ranking:
    """Figures of a ranking on the reported readers.

    values      means over impressions of METRICS
    by_length   AUC by least clicks in the history
    variety     1 - mean cosine between the first three
    coverage    share of the shown articles that stand first somewhere
    novelty     mean -log2 of the share of readers who had read what stands first
    """

    values: dict[str, float]
    by_length: dict[int, float]
    variety: float
    coverage: float
    novelty: float


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    impersonal     the linear ranking without the reader's history
    champion       by readers that are learned from, before the reported ones are looked at
    interval       95 % of the champion's AUC less the best baseline's
    personal       AUC of the linear ranking less that of the same without the reader's history,
                   with its 95 % interval
    seen           AUC on impressions of readers that are learned from, kept apart for this
    by_length_of   impressions of each length
    """

    readers: int
    impressions: int
    champion: str
    rankings: dict[str, Ranking]
    impersonal: Ranking
    baselines: dict[str, Ranking]
    interval: tuple[float, float]
    personal: tuple[float, float, float]
    seen: float
    by_length_of: dict[int, int]

    @property
    def ours(self) -> Ranking:
        """The champion."""
        return self.rankings[self.champion]

    @property
    def best_baseline(self) -> str:
        """By AUC."""
        return max(self.baselines, key=lambda name: self.baselines[name].values["auc"])

    def statements(self) -> list[str]:
        """What the figures say, in sentences."""
        low, high = self.interval
        gain, least, most = self.personal
        helps = "help" if least > 0 else "do harm" if most < 0 else "do not help"
        gap = self.ours.values["auc"] - self.seen
        return [
            f"AUC {self._over_baseline:+.3f} over {self.best_baseline}, the best baseline "
            f"(95 %: {low:+.3f} to {high:+.3f})",
            f"personal features {helps} here: AUC {gain:+.3f} in the linear ranking "
            f"(95 %: {least:+.3f} to {most:+.3f})",
            f"readers that were learned from: AUC {self.seen:.3f} on impressions kept apart; "
            f"unseen readers {gap:+.3f}",
        ]

    def as_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return {
            "readers": self.readers,
            "impressions": self.impressions,
            "champion": self.champion,
            "metrics": _rounded(self.ours.values),
            "metrics_of": {name: _rounded(r.values) for name, r in self.rankings.items()},
            "baselines": {name: _rounded(r.values) for name, r in self.baselines.items()},
            "auc_over_best_baseline": [round(v, 5) for v in (self._over_baseline, *self.interval)],
            "auc_of_personal_features": [round(v, 5) for v in self.personal],
            "auc_of_seen_readers": round(self.seen, 5),
            "beyond": {
                name: {"variety": r.variety, "coverage": r.coverage, "novelty": r.novelty}
                for name, r in ({"champion": self.ours} | self.baselines).items()
            },
            "auc_by_history": {str(n): round(v, 5) for n, v in self.ours.by_length.items()},
            "statements": self.statements(),
        }

    @property
    def _over_baseline(self) -> float:
        return self.ours.values["auc"] - self.baselines[self.best_baseline].values["auc"]


class Measure:
    """Figures on the same impressions."""

    def __init__(self, corpus: Corpus, asked: Sequence[Impression]) -> None:
        self._corpus = corpus
        self._asked = asked
        self._group = [max(n for n in LENGTHS if n <= len(row.history)) for row in asked]

    def aucs(self, scores: Scores) -> Array:
        """AUC of each impression."""
        return np.array([auc(s, row.clicked) for s, row in zip(scores, self._asked, strict=True)])

    def lengths(self) -> dict[int, int]:
        """How many impressions there are of each of LENGTHS."""
        return {n: self._group.count(n) for n in LENGTHS if n in self._group}

    def ranking(self, scores: Scores) -> Ranking:
        """Every figure of these scores."""
        each = [measures(s, row.clicked) for s, row in zip(scores, self._asked, strict=True)]
        aucs = np.array([found["auc"] for found in each])
        group = np.array(self._group)
        tops = [row.shown[np.argsort(-s, kind="stable")][:3] for s, row in self._pairs(scores)]
        first = [int(top[0]) for top in tops]
        shown = np.unique(np.concatenate([row.shown for row in self._asked]))
        read = (self._corpus.readers_of[first] + 1) / (self._corpus.readers + 1)
        return Ranking(
            values={name: float(np.mean([found[name] for found in each])) for name in METRICS},
            by_length={n: float(aucs[group == n].mean()) for n in self.lengths()},
            variety=float(np.mean([_variety(self._corpus.vectors[top]) for top in tops])),
            coverage=len(set(first)) / len(shown),
            novelty=float(-np.log2(read).mean()),
        )

    def _pairs(self, scores: Scores) -> Iterator[tuple[Array, Impression]]:
        return zip(scores, self._asked, strict=True)


def auc(scores: Array, clicked: Booleans) -> float:
    """Share of pairs in the right order, ties half.

    >>> auc(np.array([3.0, 1.0, 2.0]), np.array([False, True, True]))
    0.0
    """
    pairs = scores[clicked][:, None] - scores[~clicked]
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def measures(scores: Array, clicked: Booleans) -> dict[str, float]:
    """METRICS of an impression with clicked and unclicked candidates, as MIND defines them."""
    gains = clicked[np.argsort(-scores, kind="stable")].astype(np.float64)
    ideal = np.sort(gains)[::-1]
    places = np.arange(1, len(gains) + 1)
    discounts = 1 / np.log2(places + 1)
    return {
        "auc": auc(scores, clicked),
        "mrr": float((gains / places).sum() / gains.sum()),
        **{
            f"ndcg{k}": float((gains * discounts)[:k].sum() / (ideal * discounts)[:k].sum())
            for k in (5, 10)
        },
    }


def difference(ours: Array, theirs: Array) -> tuple[float, float, float]:
    """Mean difference with its 95 % bootstrap interval over impressions."""
    less = ours - theirs
    chance = np.random.default_rng(RESAMPLES_SEED)
    means = [less[chance.integers(len(less), size=len(less))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(less.mean()), float(low), float(high)


def _variety(vectors: Vectors) -> float:
    """1 less the mean cosine of different rows; 0 for one row."""
    count = len(vectors)
    if count < 2:
        return 0.0
    return float(1 - ((vectors @ vectors.T).sum() - count) / (count * (count - 1)))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}
