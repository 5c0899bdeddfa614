"""Near-copies and wire reprints: SimHash to block (Charikar, 2002; Manku et al., 2007), the
vector to confirm.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
HalfVector = npt.NDArray[np.float16]

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
    digests = b"".join(hashlib.blake2b(s.encode(), digest_size=8).digest() for s in shingles)
    bits = np.unpackbits(np.frombuffer(digests, np.uint8)).reshape(-1, BITS)
    majority = bits.sum(axis=0, dtype=np.uint32) * 2 > len(shingles)
    return int.from_bytes(np.packbits(majority).tobytes())


class Original(NamedTuple):
    """An article that others may copy: when it was added, its fingerprint, its float16 vector."""

    number: int
    mark: int
    vector: HalfVector


@dataclass
class Copies:
    """State: fingerprints and vectors of the articles of the active window, by band."""

    by_band: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    known: dict[str, Original] = field(default_factory=dict)
    added: int = 0

    def original_of(self, mark: int, vector: Vector) -> str | None:
        """The first article that one with this fingerprint and unit vector copies, or None."""
        for article in self._blocked(mark):
            other = self.known[article]
            if (mark ^ other.mark).bit_count() > MOST_BITS_APART:
                continue
            if float(vector @ other.vector.astype(np.float32)) >= SAME_VECTOR:
                return article
        return None

    def add(self, article: str, mark: int, vector: Vector) -> None:
        """Remember an article that copies none."""
        self._add(article, Original(self.added, mark, vector.astype(np.float16)))
        self.added += 1

    def forget(self, article: str) -> None:
        """Drop an article that has left the active window; unknown ones are ignored."""
        if article not in self.known:
            return
        for band in _bands(self.known.pop(article).mark):
            kept = [other for other in self.by_band[band] if other != article]
            if kept:
                self.by_band[band] = kept
            else:
                del self.by_band[band]

    def piece(self, article: str) -> list[Any]:
        """Plain values of one original, for a checkpoint; its vector as float16 bytes."""
        number, mark, vector = self.known[article]
        return [number, mark, vector.tobytes()]

    def restore(self, article: str, piece: Sequence[Any]) -> None:
        """Take an original back, in the order they were added."""
        number, mark, vector = piece
        self._add(article, Original(number, mark, np.frombuffer(vector, np.float16)))
        self.added = number + 1

    def _add(self, article: str, original: Original) -> None:
        self.known[article] = original
        for band in _bands(original.mark):
            self.by_band.setdefault(band, []).append(article)

    def _blocked(self, mark: int) -> list[str]:
        found = (article for band in _bands(mark) for article in self.by_band.get(band, ()))
        return list(dict.fromkeys(found))


def _bands(mark: int) -> list[tuple[int, int]]:
    width = BITS // BANDS
    return [(band, mark >> (band * width) & ((1 << width) - 1)) for band in range(BANDS)]
