"""Would a front page take it: a linear head on the encoder's sentence embedding.

The signal: one real day of Google News France, 3,974 articles seen in publishers' sitemaps, of
which 17 % were seen on a front page or section page as well. Importance is the calibrated
probability of that. It is checked where nothing was learned: on English headlines of the UCI
stream, does it rank stories as the number of their publishers does? That a story grows is not for
this score to see, but for the breaking score.
"""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from torch import Tensor, nn

from training.examples import Reader
from training.fit import EMBEDDING, inferred
from training.network import WIDTH, Network
from training.topic_labels import UCI

DAY = Path("google_news_fr_day", "2020-01-10.tsv.gz")
NOT_PICKED = "sitemap"
FOLDS = 10
STRENGTH = 0.01  # inverse of the L2 penalty, standardised inputs; 0.1 and 1 ranked worse


class OfEmbedding(nn.Module):
    """One logit of a text, linear in its sentence embedding."""

    def __init__(self, weights: np.ndarray, bias: float) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, 1)
        self.linear.weight.data = torch.from_numpy(weights[None].astype(np.float32))
        self.linear.bias.data = torch.tensor([bias], dtype=torch.float32)

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Ignores `hidden`; returns float32 (batch, 1)."""
        return self.linear(nn.functional.normalize(pooled, dim=-1))


def fit(network: Network, reader: Reader, data: Path) -> tuple[OfEmbedding, dict[str, float]]:
    """The head, and how good it is: `auroc` in cross-validation over the French day,
    `uci_spearman` of its mean over a story's English headlines and the story's publishers.
    """
    titles, picked = front_page(data)
    vectors = _embedded(network, reader, titles)
    mean, spread = vectors.mean(0), vectors.std(0)
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    inputs, folds = (vectors - mean) / spread, KFold(FOLDS, shuffle=True, random_state=0)
    held_out = cross_val_predict(model, inputs, picked, cv=folds, method="predict_proba")[:, 1]
    model.fit(inputs, picked)
    weights = model.coef_[0] / spread
    head = OfEmbedding(weights, float(model.intercept_[0] - weights @ mean))
    english, numbers, publishers = stories(data)
    logits = _embedded(network, reader, english) @ weights
    of_story = np.bincount(numbers, logits) / np.bincount(numbers)
    return head, {
        "auroc": float(roc_auc_score(picked, held_out)),
        "uci_spearman": float(spearmanr(of_story, publishers).statistic),
    }


def front_page(data: Path) -> tuple[list[str], np.ndarray]:
    """Title of each article of the French day, and whether it was seen on a page, bool."""
    sections: dict[str, set[str]] = defaultdict(set)
    titles: dict[str, str] = {}
    with gzip.open(data / DAY, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            sections[row["article_id"]].add(row["section"])
            titles.setdefault(row["article_id"], row["title"])
    picked = [sections[article] != {NOT_PICKED} for article in titles]
    return list(titles.values()), np.array(picked)


def stories(data: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """English titles, the number of each one's story, and the rank of each story by distinct
    publishers.
    """
    titles, names = [], []
    publishers: dict[str, set[str]] = defaultdict(set)
    with gzip.open(data / UCI / "news.tsv.gz", "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            titles.append(row["title"])
            names.append(row["story"])
            publishers[row["story"]].add(row["publisher"])
    order = {name: number for number, name in enumerate(publishers)}
    ranks = rankdata([len(found) for found in publishers.values()])
    return titles, np.array([order[name] for name in names]), ranks


def _embedded(network: Network, reader: Reader, titles: list[str]) -> np.ndarray:
    """The network's sentence embedding of each title, float64 (titles, width)."""
    examples = [reader.example(title, None) for title in titles]
    found: dict[int, np.ndarray] = {}
    for batch, outputs in inferred(network, examples):
        vectors = outputs[EMBEDDING].float().numpy()
        found |= {id(example): vector for example, vector in zip(batch, vectors, strict=True)}
    return np.stack([found[id(example)] for example in examples]).astype(np.float64)
