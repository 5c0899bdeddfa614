"""Which sentences of a text a person's summary covers: what the summary head learns from."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from evaluation.rows import SummaryRow
from training.examples import Example
from training.tasks import Predictions

MOST = 4  # sentences that a greedy oracle picks
CHOSEN = 3  # sentences that a summary has


def targets(row: SummaryRow) -> np.ndarray:
    """1 for the sentences that together share most words and word pairs with the reference, picked
    greedily (Nallapati et al., 2017), else 0; float32 (sentences,).
    """
    wanted = _grams(row.reference)
    given = [_grams(sentence) for sentence in row.sentences]
    picked: list[int] = []
    best = 0.0
    while len(picked) < MOST:
        scored = [
            (_f1(_sum([given[j] for j in (*picked, i)]), wanted), i)
            for i in range(len(given))
            if i not in picked and given[i]
        ]
        if not scored or max(scored)[0] <= best:
            break
        best, chosen = max(scored, key=lambda pair: (pair[0], -pair[1]))
        picked.append(chosen)
    marks = np.zeros(len(row.sentences), np.float32)
    marks[picked] = 1.0
    return marks


def recovered(predictions: Predictions, examples: Sequence[Example]) -> float:
    """Share of the wanted sentences among the CHOSEN best ones of each text."""
    hits = total = 0.0
    for scores, example in zip(predictions, examples, strict=True):
        wanted = example.target[1]
        best = np.argsort(-scores, kind="stable")[:CHOSEN]
        hits += wanted[best].sum()
        total += min(CHOSEN, wanted.sum())
    return float(hits / max(total, 1.0))


def _grams(text: str) -> Counter[tuple[str, ...]]:
    """Words and pairs of neighbours."""
    words = ["".join(c for c in word if c.isalnum()) for word in text.lower().split()]
    words = [word for word in words if word]
    return Counter([(word,) for word in words]) + Counter(pairwise(words))


def _sum(parts: Sequence[Counter[tuple[str, ...]]]) -> Counter[tuple[str, ...]]:
    total: Counter[tuple[str, ...]] = Counter()
    for part in parts:
        total.update(part)
    return total


def _f1(found: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> float:
    """Mean of the F1 of words and of pairs: ROUGE-1 and ROUGE-2 without stemming."""
    return float(np.mean([_f1_of(found, wanted, size) for size in (1, 2)]))


def _f1_of(found: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]], size: int) -> float:
    one = {gram: n for gram, n in found.items() if len(gram) == size}
    other = {gram: n for gram, n in wanted.items() if len(gram) == size}
    shared = sum(min(n, other.get(gram, 0)) for gram, n in one.items())
    return 2 * shared / max(1, sum(one.values()) + sum(other.values()))
