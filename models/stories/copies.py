"""Near-copies and wire reprints: SimHash to block (Charikar, 2002; Manku et al., 2007), the
vector to confirm.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
HalfVector = npt.NDArray[np.float16]

BITS = 64
BANDS = 4
"""Fingerprints that differ in at most BANDS - 1 bits agree in one band at least."""

WIDTH = BITS // BANDS
SAME_VECTOR = 0.92
"""Cosine from which on two articles with like fingerprints are copies."""

MOST_BITS_APART = 10


def fingerprint(words: Sequence[str]) -> int:
    """64-bit SimHash of the pairs of neighbouring words; near-equal texts differ in few bits."""
    pairs = {f"{one} {next_one}" for one, next_one in pairwise(words)} or {"".join(words)}
    digests = b"".join([blake2b(pair.encode(), digest_size=8).digest() for pair in pairs])
    bits = np.unpackbits(np.frombuffer(digests, np.uint8)).reshape(-1, BITS)
    majority = np.add.reduce(bits, axis=0, dtype=np.uint32) * 2 > len(pairs)
    return int.from_bytes(np.packbits(majority).tobytes())


class Original(NamedTuple):
    """An article that others may copy: when it was added, its fingerprint, its float16 vector."""

    article: str
    number: int
    mark: int
    vector: HalfVector


class Copies:
    """State: fingerprints and vectors of the articles of the active window, by band."""

    def __init__(self) -> None:
        self._by_band: list[dict[int, list[Original]]] = [{} for _ in range(BANDS)]
        self._known: dict[str, Original] = {}
        self._added = 0

    def original_of(self, mark: int, vector: Vector) -> str | None:
        """The first article that one with this fingerprint and unit vector copies, or None."""
        for articles, band in zip(self._by_band, _bands(mark), strict=True):
            for other in articles.get(band, ()):
                if (mark ^ other.mark).bit_count() > MOST_BITS_APART:
                    continue
                if vector.dot(other.vector.astype(np.float32)) >= SAME_VECTOR:
                    return other.article
        return None

    def add(self, article: str, mark: int, vector: Vector) -> None:
        """Remember an article that copies none."""
        self._add(Original(article, self._added, mark, vector.astype(np.float16)))

    def forget(self, article: str) -> None:
        """Drop an article that has left the active window; unknown ones are ignored."""
        gone = self._known.pop(article, None)
        if gone is None:
            return
        for articles, band in zip(self._by_band, _bands(gone.mark), strict=True):
            kept = [other for other in articles[band] if other is not gone]
            if kept:
                articles[band] = kept
            else:
                del articles[band]

    def piece(self, article: str) -> list[Any]:
        """Plain values of one original, for a checkpoint; its vector as float16 bytes."""
        _, number, mark, vector = self._known[article]
        return [number, mark, vector.tobytes()]

    def restore(self, article: str, piece: Sequence[Any]) -> None:
        """Take an original back, in the order they were added."""
        number, mark, vector = piece
        self._add(Original(article, number, mark, np.frombuffer(vector, np.float16)))

    def _add(self, original: Original) -> None:
        self._added = original.number + 1
        self._known[original.article] = original
        for articles, band in zip(self._by_band, _bands(original.mark), strict=True):
            articles.setdefault(band, []).append(original)


def _bands(mark: int) -> list[int]:
    return [mark >> (band * WIDTH) & (1 << WIDTH) - 1 for band in range(BANDS)]
