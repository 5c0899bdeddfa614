"""What the clustering of the job has to beat: simpler ways over the same words and vectors."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.clusters import Agreement, agreement
from models.stories import density
from models.stories.cluster import StoryArticle
from models.stories.terms import TermWeights, Vocabulary, terms

Vectors = npt.NDArray[np.float32]

TERM_LEVELS = tuple(np.round(np.arange(0.05, 0.55, 0.05), 2))
VECTOR_LEVELS = tuple(np.round(np.arange(0.30, 0.80, 0.05), 2))
CLUSTER_SIZES = (2, 3, 5, 8, 12, 20)


class Way(NamedTuple):
    """A baseline: its settings, and the stories that it finds at one."""

    settings: Sequence[float]
    stories: Callable[[float], list[str]]

    def best(self, gold: Sequence[str]) -> tuple[float, Agreement]:
        """The setting with the best BCubed F1, with its figures."""
        found = [(float(at), agreement(gold, self.stories(at))) for at in self.settings]
        return max(found, key=lambda pair: pair[1].bcubed.f1)


def ways(articles: Sequence[StoryArticle]) -> dict[str, Way]:
    """Every baseline on some articles, in order of time."""
    words = _weights([terms(article.title, *article.names) for article in articles])
    vectors = np.stack([article.vector for article in articles])
    return {
        "single-pass TF-IDF": Way(TERM_LEVELS, lambda at: single_pass_terms(words, at)),
        "single-pass embedding": Way(VECTOR_LEVELS, lambda at: single_pass_vectors(vectors, at)),
        "offline HDBSCAN": Way(CLUSTER_SIZES, lambda at: offline(vectors, int(at))),
    }


def single_pass_terms(weights: Sequence[TermWeights], level: float) -> list[str]:
    """Join the story with the largest TF-IDF cosine to its centre, from a level on."""
    sums: list[TermWeights] = []
    squares: list[float] = []
    holders: dict[str, set[int]] = {}
    found = []
    for article in weights:
        shared: dict[int, float] = {}
        for word, weight in article.items():
            for story in holders.get(word, ()):
                shared[story] = shared.get(story, 0.0) + weight * sums[story][word]
        best = max(shared, key=lambda s: (shared[s] / squares[s] ** 0.5, -s), default=-1)
        if best < 0 or shared[best] / squares[best] ** 0.5 < level:
            best = len(sums)
            sums.append({})
            squares.append(0.0)
        squares[best] += sum(w * (w + 2 * sums[best].get(t, 0.0)) for t, w in article.items())
        for word, weight in article.items():
            sums[best][word] = sums[best].get(word, 0.0) + weight
            holders.setdefault(word, set()).add(best)
        found.append(str(best))
    return found


def single_pass_vectors(vectors: Vectors, level: float) -> list[str]:
    """Join the story with the largest cosine to its centre, from a level on."""
    centres = np.zeros_like(vectors)
    sums = np.zeros_like(vectors)
    count = 0
    found = []
    for vector in vectors:
        cosines = centres[:count] @ vector
        best = int(cosines.argmax()) if count else -1
        if best < 0 or cosines[best] < level:
            best, count = count, count + 1
        sums[best] += vector
        centres[best] = sums[best] / np.linalg.norm(sums[best])
        found.append(str(best))
    return found


def offline(vectors: Vectors, smallest: int) -> list[str]:
    """HDBSCAN on everything at once; noise is a story each."""
    labels = density.clusters(vectors, smallest=smallest)
    return [str(label) if label >= 0 else f"alone {place}" for place, label in enumerate(labels)]


def _weights(articles: Sequence[Sequence[str]]) -> list[TermWeights]:
    vocabulary = Vocabulary()
    weights = []
    for words in articles:
        vocabulary.learn(words)
        weights.append(vocabulary.weigh(words))
    return weights
