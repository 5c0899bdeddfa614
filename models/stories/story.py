"""What is kept of a story: sums over its articles, from which every mean follows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from models.stories.terms import TermWeights

Vector = npt.NDArray[np.float32]

TERMS_KEPT = 200
PLACES_KEPT = 50
SOURCES_KEPT = 1000


@dataclass(slots=True)
class Story:
    """A story that still grows.

    vector    float32 (width,), sum of its articles' unit vectors
    terms     sum of its articles' TF-IDF weights
    places    in how many articles each place stands
    sources   first publication by each source, ms
    copies    articles that repeat another
    """

    story_id: str
    first_ms: int
    last_ms: int
    vector: Vector
    terms: TermWeights = field(default_factory=dict)
    articles: int = 0
    copies: int = 0
    places: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    _lengths: tuple[float, float] | None = field(default=None, init=False, compare=False)

    @property
    def lengths(self) -> tuple[float, float]:
        """Lengths of the vector and of the terms; kept until an article changes them."""
        if self._lengths is None:
            squares = sum([weight * weight for weight in self.terms.values()])
            self._lengths = math.sqrt(self.vector.dot(self.vector)), math.sqrt(squares)
        return self._lengths

    def add(
        self,
        vector: Vector,
        terms: Mapping[str, float],
        places: frozenset[str],
        source: str,
        published_ms: int,
    ) -> None:
        """Take an article in; late ones move the beginning."""
        self._lengths = None
        self.vector = self.vector + vector
        _add(self.terms, terms, TERMS_KEPT)
        _add(self.places, dict.fromkeys(places, 1), PLACES_KEPT)
        self._seen(source, published_ms)
        self.articles += 1
        self.first_ms = min(self.first_ms, published_ms)
        self.last_ms = max(self.last_ms, published_ms)

    def merge(self, other: "Story") -> None:
        """Take another story in."""
        self._lengths = None
        self.vector = self.vector + other.vector
        _add(self.terms, other.terms, TERMS_KEPT)
        _add(self.places, other.places, PLACES_KEPT)
        for source, at_ms in other.sources.items():
            self._seen(source, at_ms)
        self.articles += other.articles
        self.copies += other.copies
        self.first_ms = min(self.first_ms, other.first_ms)
        self.last_ms = max(self.last_ms, other.last_ms)

    def to_state(self) -> dict[str, Any]:
        """Plain values, for a checkpoint: a view, to be packed at once; the vector as its bytes."""
        state = {name: getattr(self, name) for name in _SAVED}
        state["vector"] = self.vector.tobytes()
        return state

    def _seen(self, source: str, at_ms: int) -> None:
        if source in self.sources or len(self.sources) < SOURCES_KEPT:
            self.sources[source] = min(at_ms, self.sources.get(source, at_ms))


_SAVED = tuple(kept.name for kept in fields(Story) if kept.init)


def story_from(state: Mapping[str, Any]) -> Story:
    """What `Story.to_state` gave."""
    values: dict[str, Any] = {n: dict(v) if isinstance(v, dict) else v for n, v in state.items()}
    values["vector"] = np.frombuffer(state["vector"], np.float32)
    return Story(**values)


def _add(total: dict[str, Any], more: Mapping[str, Any], kept: int) -> None:
    """Add up; when twice as many are there as are kept, the smallest go."""
    for name, value in more.items():
        total[name] = total.get(name, 0) + value
    if len(total) > 2 * kept:
        largest = sorted(total, key=lambda name: (-total[name], name))[:kept]
        for name in total.keys() - set(largest):
            del total[name]
