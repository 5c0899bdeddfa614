"""HDBSCAN over recent articles (Campello et al., 2013): what may belong together or apart.

It only proposes. Density alone, live and on dense vectors, was measured elsewhere and rejected; the
learned decisions of `decide` accept or refuse. Needs scikit-learn.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError

Vectors = npt.NDArray[np.float32]

SMALLEST_CLUSTER = 5
LEAST_SHARED = 2
"""Recent articles of a story in a cluster for it to count."""

NOISE = -1


class Proposals(NamedTuple):
    """Pairs of stories that may be one, and stories with the parts that they may be two of.

    splits  story to the places, among the articles given, of the part that would leave
    """

    merges: list[tuple[str, str]]
    splits: list[tuple[str, list[int]]]


def clusters(vectors: Vectors, *, smallest: int = SMALLEST_CLUSTER) -> npt.NDArray[np.intp]:
    """HDBSCAN labels of unit vectors, float32 (articles, width); -1 is noise.

    All distances are computed: in so many dimensions a tree saves none, and costs thrice the time.
    smallest  articles that make a cluster
    Raises SetupError where scikit-learn is not installed.
    """
    if len(vectors) < 2 * smallest:
        return np.full(len(vectors), NOISE, np.intp)
    labels: npt.NDArray[np.intp] = hdbscan()(
        min_cluster_size=smallest, min_samples=1, algorithm="brute", copy=True
    ).fit_predict(vectors.astype(np.float64))
    return labels


def hdbscan() -> Any:
    """scikit-learn's HDBSCAN. Loading it takes seconds: a job does so before the first article.

    Raises SetupError where scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import HDBSCAN
    except ImportError as error:
        raise SetupError(f"{error.name} is not installed: pip install scikit-learn") from error
    return HDBSCAN


def propose(labels: Sequence[int], stories: Sequence[str]) -> Proposals:
    """Stories that share a cluster, and stories that lie in several.

    >>> propose([0, 0, 0, 0, 1, 1], ["a", "a", "b", "b", "b", "b"])
    Proposals(merges=[('a', 'b')], splits=[('b', [4, 5])])
    """
    inside = Counter(
        (story, label) for story, label in zip(stories, labels, strict=True) if label != NOISE
    )
    counted = {pair for pair, n in inside.items() if n >= LEAST_SHARED}
    merges, splits = set(), []
    for label in {label for _, label in counted}:
        sharing = sorted(story for story, other in counted if other == label)
        merges |= {(one, two) for i, one in enumerate(sharing) for two in sharing[i + 1 :]}
    for story in dict.fromkeys(stories):
        parts = sorted((label for other, label in counted if other == story))
        if len(parts) > 1:
            leaving = max(parts, key=lambda label: (-inside[story, label], label))
            places = [
                place
                for place, (other, label) in enumerate(zip(stories, labels, strict=True))
                if other == story and label == leaving
            ]
            splits.append((story, places))
    return Proposals(sorted(merges), splits)
