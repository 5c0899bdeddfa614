"""Near-copies and wire reprints: SimHash to block (Charikar, 2002; Manku et al., 2007), the
vector to confirm.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

BITS = 64
BANDS = 4
"""Fingerprints that differ in at most BANDS - 1 bits agree in one band at least."""

SHINGLE = 2
SAME_VECTOR = 0.92
"""Cosine from which on two articles with like fingerprints are copies."""

MOST_BITS_APART = 10


def fingerprint(words: Sequence[str]) -> int:
    """64-bit SimHash of the pairs of neighbouring words; near-equal texts differ in few bits."""
    shingles = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}
    digests = np.array(
        [int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest()) for s in shingles],
        np.uint64,
    )
    places = np.arange(BITS, dtype=np.uint64)
    ones = ((digests[:, None] >> places) & np.uint64(1)).sum(axis=0)
    majority = ones * 2 > len(shingles)
    return sum(1 << int(place) for place in np.flatnonzero(majority))


@dataclass
class Copies:
    """State: fingerprints and vectors of the articles of the active window, by band."""

    by_band: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    known: dict[str, tuple[int, Vector]] = field(default_factory=dict)

    def original_of(self, mark: int, vector: Vector) -> str | None:
        """The first article that one with this fingerprint and unit vector copies, or None."""
        for article in self._blocked(mark):
            other, other_vector = self.known[article]
            apart = (mark ^ other).bit_count()
            if apart <= MOST_BITS_APART and float(vector @ other_vector) >= SAME_VECTOR:
                return article
        return None

    def add(self, article: str, mark: int, vector: Vector) -> None:
        """Remember an article that copies none."""
        self.known[article] = (mark, vector)
        for band in _bands(mark):
            self.by_band.setdefault(band, []).append(article)

    def forget(self, article: str) -> None:
        """Drop an article that has left the active window; unknown ones are ignored."""
        if article not in self.known:
            return
        mark, _ = self.known.pop(article)
        for band in _bands(mark):
            kept = [other for other in self.by_band[band] if other != article]
            if kept:
                self.by_band[band] = kept
            else:
                del self.by_band[band]

    def to_state(self) -> list[list[Any]]:
        """Plain values, for a checkpoint; vectors as float32 bytes."""
        return [[name, mark, vector.tobytes()] for name, (mark, vector) in self.known.items()]

    def _blocked(self, mark: int) -> list[str]:
        found = (article for band in _bands(mark) for article in self.by_band.get(band, ()))
        return list(dict.fromkeys(found))


def copies_from(state: Sequence[Sequence[Any]]) -> Copies:
    """What `Copies.to_state` gave."""
    copies = Copies()
    for name, mark, vector in state:
        copies.add(name, mark, np.frombuffer(vector, np.float32))
    return copies


def _bands(mark: int) -> list[tuple[int, int]]:
    width = BITS // BANDS
    return [(band, mark >> (band * width) & ((1 << width) - 1)) for band in range(BANDS)]
