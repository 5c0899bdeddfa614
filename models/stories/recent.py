"""The newest articles one by one: those that tidying and editors may still move."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories.terms import TermWeights

Vector = npt.NDArray[np.float32]


class Recent(NamedTuple):
    """An article that tidying may still move.

    words    all of them; `terms` lacks those that say nothing
    copy_of  the article that it repeats
    """

    article_id: str
    story_id: str
    vector: Vector
    terms: TermWeights
    places: frozenset[str]
    source: str
    published_ms: int
    words: tuple[str, ...]
    copy_of: str | None
    told: bytes


class RecentArticles:
    """State: the newest articles in the order they came, each in a slot of a ring.

    placed  articles that ever came; the last `most` of them are known
    """

    def __init__(self, most: int) -> None:
        self.placed = 0
        self._known: deque[Recent] = deque(maxlen=most)
        self._most = most

    def __iter__(self) -> Iterator[Recent]:
        return iter(self._known)

    def add(self, article: Recent) -> str:
        """Remember an article in the place of the oldest. Returns its slot."""
        self._known.append(article)
        self.placed += 1
        return str((self.placed - 1) % self._most)

    def move(self, article_ids: Collection[str], story_id: str) -> list[str]:
        """Articles belong to another story from now on. Returns their slots."""
        first = self.placed - len(self._known)
        slots = []
        for place, one in enumerate(self._known):
            if one.article_id in article_ids:
                self._known[place] = one._replace(story_id=story_id)
                slots.append(str((first + place) % self._most))
        return slots

    def slots(self) -> Iterator[str]:
        """Every slot that holds an article, the oldest first."""
        first = self.placed - len(self._known)
        return (str(number % self._most) for number in range(first, self.placed))

    def piece(self, slot: str) -> list[Any]:
        """Plain values of the article in a slot, for a checkpoint."""
        newest = self.placed - 1
        number = newest - (newest - int(slot)) % self._most
        r = self._known[number - self.placed + len(self._known)]
        return [
            number,
            *r[:2],
            r.vector.tobytes(),
            dict(r.terms),
            sorted(r.places),
            r.source,
            r.published_ms,
            list(r.words),
            r.copy_of,
            r.told,
        ]

    def restore(self, placed: int, pieces: Iterable[Any]) -> None:
        """Become the articles of some pieces."""
        self.placed = placed
        self._known.clear()
        for _, a, s, v, t, p, source, at_ms, words, *rest in sorted(pieces):
            vector = np.frombuffer(v, np.float32)
            self._known.append(
                Recent(a, s, vector, t, frozenset(p), source, at_ms, tuple(words), *rest)
            )

    def since(self, number: int) -> Iterator[Recent]:
        """Those that came after so many."""
        known = len(self._known)
        return (self._known[n] for n in range(max(0, number - self.placed + known), known))
