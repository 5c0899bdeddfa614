"""Documents that a scorer learns from: their sentences' vectors, and what a choice is worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from nltk.stem.porter import PorterStemmer
from rich.progress import track
from rouge_score import tokenize
from torch import Tensor

from evaluation.rows import SummaryRow
from evaluation.sets import load
from models import document_scorer
from models.document_scorer import FEATURES, MOST_READ
from models.encoder import Encoder
from training.configuration import ScorerConfig
from training.fit import console
from training.network import WIDTH

KEPT = 1000
"""Documents in a file of the run's folder."""
GRAMS = 96
"""Words, and word pairs, of a reference that are counted; one in seventy has more."""


@dataclass(frozen=True)
class Documents:
    """Documents as they are learned from; 0 where a document has fewer sentences.

    vectors   float16 (documents, MOST_READ, WIDTH)
    features  float32 (documents, MOST_READ, FEATURES)
    lengths   int64 (documents,) sentences that were read
    shared    uint8 (documents, MOST_READ, 2 * GRAMS): how often a sentence has each word and each
              word pair of the reference
    wanted    uint8 (documents, 2 * GRAMS): how often the reference has them
    sizes     int64 (documents, MOST_READ, 2): words and word pairs of each sentence
    goals     int64 (documents, 2): of the reference
    """

    vectors: np.ndarray
    features: np.ndarray
    lengths: np.ndarray
    shared: np.ndarray
    wanted: np.ndarray
    sizes: np.ndarray
    goals: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several as one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def of(self, rows: np.ndarray) -> "Batch":
        """Some of them, for the network."""
        lengths = self.lengths[rows]
        mask = (np.arange(MOST_READ) < lengths[:, None]).astype(np.float32)
        arrays = (self.shared, self.wanted, self.sizes, self.goals)
        return Batch(
            torch.from_numpy(self.vectors[rows].astype(np.float32)),
            torch.from_numpy(self.features[rows]),
            torch.from_numpy(mask),
            *(torch.from_numpy(array[rows].astype(np.float32)) for array in arrays),
        )


@dataclass(frozen=True)
class Batch:
    """As Documents, float32 tensors."""

    vectors: Tensor
    features: Tensor
    mask: Tensor
    shared: Tensor
    wanted: Tensor
    sizes: Tensor
    goals: Tensor


def prepared(
    config: ScorerConfig, encoder: Encoder, data: Path, run: Path, split: str, limit: int | None
) -> Documents:
    """The documents of a split; what a run has made of them before is read."""
    (run / split).mkdir(parents=True, exist_ok=True)
    parts = []
    for source in config.train:
        rows = load(source.name, split, data)[:limit]
        for start in track(range(0, len(rows), KEPT), f"{source.name} {split}", console=console):
            some = rows[start : start + KEPT]
            file = run / split / f"{source.name}-{start}-{len(some)}.npz"
            if not file.exists():
                made = made_of(some, encoder)
                with file.with_suffix(".part").open("wb") as content:
                    np.savez(content, **vars(made))
                file.with_suffix(".part").rename(file)
                if not console.is_terminal:
                    console.print(f"{split}: {start + len(some)} of {len(rows)}")
            with np.load(file) as stored:
                parts.append(Documents(**stored))
    return Documents.joined(parts)


def made_of(rows: Sequence[SummaryRow], encoder: Encoder) -> Documents:
    """Rows as they are learned from. Raises InferenceError."""
    shape = (len(rows), MOST_READ)
    vectors = np.zeros((*shape, WIDTH), np.float16)
    features = np.zeros((*shape, FEATURES), np.float32)
    lengths = np.zeros(len(rows), np.int64)
    shared = np.zeros((*shape, 2 * GRAMS), np.uint8)
    wanted = np.zeros((len(rows), 2 * GRAMS), np.uint8)
    sizes = np.zeros((*shape, 2), np.int64)
    goals = np.zeros((len(rows), 2), np.int64)
    every = [sentence for row in rows for sentence in row.sentences[:MOST_READ]]
    of_sentences = iter(document_scorer.sentence_vectors(encoder, every))
    for i, row in enumerate(rows):
        read = row.sentences[:MOST_READ]
        lengths[i] = len(read)
        vectors[i, : len(read)] = list(islice(of_sentences, len(read)))
        features[i, : len(read)] = document_scorer.features(row.sentences)
        for kind, reference in enumerate(_grams(row.reference)):
            known = dict(zip(list(reference)[:GRAMS], range(kind * GRAMS, 2 * GRAMS), strict=False))
            goals[i, kind] = reference.total()
            for gram, column in known.items():
                wanted[i, column] = min(255, reference[gram])
            for j, sentence in enumerate(read):
                found = _grams(sentence)[kind]
                sizes[i, j, kind] = found.total()
                for gram in found.keys() & known.keys():
                    shared[i, j, known[gram]] = min(255, found[gram])
    return Documents(vectors, features, lengths, shared, wanted, sizes, goals)


def reward(batch: Batch, chosen: Tensor, places: Tensor) -> Tensor:
    """Mean of ROUGE-1 and ROUGE-2 (F) of each choice, (documents, choices).

    chosen  (choices, pool) of 0 and 1, or (documents, choices, pool)
    places  int64 (documents, pool): sentences of the pool
    """
    shared = chosen @ picked(batch.shared, places)
    sizes = chosen @ picked(batch.sizes, places)
    met = torch.minimum(shared, batch.wanted[:, None, :])
    met = torch.stack([met[..., :GRAMS].sum(-1), met[..., GRAMS:].sum(-1)], dim=-1)
    return (2 * met / (sizes + batch.goals[:, None, :]).clamp(min=1.0)).mean(-1)


def picked(rows: Tensor, places: Tensor) -> Tensor:
    """Rows (documents, pool, columns) of (documents, sentences, columns)."""
    return rows.gather(1, places[:, :, None].expand(-1, -1, rows.shape[2]))


def _grams(text: str) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Words and word pairs as ROUGE counts them."""
    words = tokenize.tokenize(text, _STEMMER)
    return Counter(words), Counter(pairwise(words))


class _Stemmer:
    """Porter's, remembering what it has stemmed."""

    def __init__(self) -> None:
        self.stem = lru_cache(maxsize=500_000)(PorterStemmer().stem)


_STEMMER = _Stemmer()
