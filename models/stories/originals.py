"""Articles that others may be found to copy, as long as their stories live."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.stories.copies import Copies

Vector = npt.NDArray[np.float32]

ORIGINALS_A_STORY = 200
"""Articles of a story that others may be found to copy, the first ones."""


class Originals:
    """State: the originals of each story, with their fingerprints and vectors."""

    def __init__(self) -> None:
        self._copies = Copies()
        self._by_story: dict[str, list[str]] = {}

    def original_of(self, mark: int, vector: Vector) -> str | None:
        """The first article that one with this fingerprint and unit vector copies, or None."""
        return self._copies.original_of(mark, vector)

    def add(self, article_id: str, story_id: str, mark: int, vector: Vector) -> bool:
        """Remember an article that copies none, unless its story has enough. Returns whether."""
        known = self._by_story.setdefault(story_id, [])
        if len(known) >= ORIGINALS_A_STORY:
            return False
        known.append(article_id)
        self._copies.add(article_id, mark, vector)
        return True

    def forget(self, story_id: str) -> list[str]:
        """Drop the originals of a story. Returns them."""
        gone = self._by_story.pop(story_id, [])
        for article_id in gone:
            self._copies.forget(article_id)
        return gone

    def rehome(self, old: str, new: str, moved: Collection[str] | None = None) -> list[str]:
        """Originals live as long as their new story; all of the old one, or some.

        Returns those of the old story, all of which must be written again.
        """
        before = self._by_story.pop(old, [])
        for article_id in before:
            leaves = moved is None or article_id in moved
            self._by_story.setdefault(new if leaves else old, []).append(article_id)
        return before

    def homes(self, stories: Iterable[str]) -> dict[str, str]:
        """The story of each original of some stories."""
        return {one: story for story in stories for one in self._by_story.get(story, ())}

    def pieces(self) -> Iterator[tuple[str, list[Any]]]:
        """Every original with its piece."""
        for article_id, story_id in self.homes(self._by_story).items():
            yield article_id, self.piece(article_id, story_id)

    def piece(self, article_id: str, story_id: str) -> list[Any]:
        """Plain values of an original of a story, for a checkpoint."""
        return [*self._copies.piece(article_id), story_id]

    def restore(self, pieces: Mapping[str, Any]) -> None:
        """Become the originals of some pieces."""
        self._copies = Copies()
        self._by_story = {}
        for article_id, piece in sorted(pieces.items(), key=lambda pair: int(pair[1][0])):
            *original, story_id = piece
            self._copies.restore(article_id, original)
            self._by_story.setdefault(story_id, []).append(article_id)
