"""What a reader's history says of articles, by attention (NRMS: Wu et al., EMNLP 2019).

The articles read attend to each other, and are pooled into one vector of the reader; an article's
affinity is its product with that. Where NRMS encodes titles, this reads the vectors of the shared
encoder, so a feed costs one small graph and no text.
"""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.session import OnnxSession, Provider

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

ARTICLES, HISTORY = "articles", "history"
"""Inputs of the graph, float32 (articles, width) and (read, width)."""

AFFINITY = "affinity"
"""Its output, float32 (articles,)."""

READ_MOST = 50
"""Articles of a history that it is learned from, the newest: as many as a profile remembers."""


class Attention:
    """A graph that `training.nrms` has exported."""

    def __init__(self, graph: Path) -> None:
        self.graph = graph
        self._session = OnnxSession(graph, Provider.CPU, threads=1)

    def affinities(self, articles: Vectors, history: Vectors) -> Array:
        """float64 (articles,); zeros where nothing was read.

        articles, history  float32 (…, width), of one encoder version
        """
        if not len(history) or not articles.shape[1]:
            return np.zeros(len(articles))
        given = {ARTICLES: articles, HISTORY: history}
        found = self._session.run(given)[AFFINITY]
        return found.astype(np.float64)


def digest(graph: Path) -> str:
    """The sha256 of a graph's file."""
    return hashlib.sha256(graph.read_bytes()).hexdigest()
