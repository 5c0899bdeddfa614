"""Nearest-neighbour labelling: how much a vector space knows without any training."""

from collections.abc import Sequence

import numpy as np


def nearest_labels(similarity: np.ndarray, labels: Sequence[str], k: int = 5) -> list[str]:
    """Label each query by the vote of the `k` rows most similar to it; similarity breaks ties.

    similarity  float (queries, rows), from -1 to 1; -inf keeps a row from voting
    labels      one for each row

    >>> nearest_labels(np.array([[0.6, 0.8], [0.9, 0.1]]), ["sport", "war"], k=1)
    ['war', 'sport']
    """
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    queries = np.arange(len(similarity))
    votes = np.zeros((len(similarity), len(names)))
    for rows in nearest.T:
        # A vote counts 1, and its similarity too little to outvote another.
        votes[queries, codes[rows]] += 1.0 + similarity[queries, rows] / (2 * k + 1)
    return [str(name) for name in names[votes.argmax(axis=1)]]


def accuracy(given: Sequence[str], expected: Sequence[str]) -> float:
    """Share of `given` labels equal to the `expected` ones, 0 to 1."""
    return float(np.mean(np.asarray(given) == np.asarray(expected)))
