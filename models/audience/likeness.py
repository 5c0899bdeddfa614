"""Signatures by which near-identical comments are found: MinHash (Broder, 1997) in bands.

Comments are too short for the SimHash of models/stories/copies.py: one changed word of twelve
turns too many of its bits. Here two texts agree in as many bytes of their signatures as their
sets of character 5-grams overlap (Jaccard).
"""

import re
import unicodedata
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SIGNATURE_BYTES = 64
BANDS = 16
"""Texts that agree in the four bytes of one band are compared whole: at a Jaccard similarity of
0.6 nine pairs in ten are, at 0.1 one in 600."""

ALIKE = 0.6
"""Share of equal bytes from which on two texts are near-identical."""

GRAM = 5

_RANDOM = np.random.RandomState(20_240_601)  # its numbers never change between versions of numpy
_FACTORS = _RANDOM.randint(0, 2**32, SIGNATURE_BYTES, dtype=np.uint32) | np.uint32(1)
_SHIFTS = _RANDOM.randint(0, 2**32, SIGNATURE_BYTES, dtype=np.uint32)
_TOP_BYTE = np.uint32(24)
_NOT_A_LETTER = re.compile(r"[\W\d_]+")
_REPEATED = re.compile(r"(.)\1{2,}")

Groups = NDArray[np.int64]


def signature(text: str) -> bytes:
    """SIGNATURE_BYTES that near-identical texts mostly share; empty for a text without letters.

    Case, accents, digits, punctuation and drawn-out letters make no difference.

    >>> signature("Shame on them!!!") == signature("shaaaame  ON them")
    True
    """
    letters = _skeleton(text)
    if not letters:
        return b""
    padded = f" {letters} "
    grams = {padded[i : i + GRAM] for i in range(max(1, len(padded) - GRAM + 1))}
    hashes = np.array([zlib.crc32(gram.encode()) for gram in grams], np.uint32)
    mixed = hashes[:, None] * _FACTORS + _SHIFTS  # modulo 2^32
    chosen: NDArray[np.uint32] = hashes[mixed.argmin(axis=0)] >> _TOP_BYTE
    return bytes(chosen.astype(np.uint8))


def words(text: str) -> int:
    """Words of letters.

    >>> words("RIP 🙏 2024 to them all")
    4
    """
    return len(_skeleton(text).split())


def groups(signatures: list[bytes]) -> Groups:
    """The group of near-identical texts that each belongs to, int64 (texts,), numbered from 0.

    Empty signatures are alike to nothing. In a band's bucket each is compared with the first, so
    the order of texts matters only where one is alike to some of its bucket alone.
    """
    size = len(signatures)
    readable = np.flatnonzero([len(s) == SIGNATURE_BYTES for s in signatures])
    if len(readable) < 2:
        return np.arange(size)
    matrix = np.frombuffer(b"".join(signatures[i] for i in readable), np.uint8)
    matrix = matrix.reshape(len(readable), SIGNATURE_BYTES)
    pairs = [_alike(matrix, band) for band in range(BANDS)]
    left = readable[np.concatenate([first for first, _ in pairs])]
    right = readable[np.concatenate([second for _, second in pairs])]
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(size, size))
    labels: Groups = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def _alike(matrix: NDArray[np.uint8], band: int) -> tuple[Groups, Groups]:
    """Pairs of rows that share a band and enough of the rest: (first of the bucket, row)."""
    width = SIGNATURE_BYTES // BANDS
    keys = np.ascontiguousarray(matrix[:, band * width : (band + 1) * width]).view(np.uint32)[:, 0]
    _, first, bucket = np.unique(keys, return_index=True, return_inverse=True)
    firsts = first[bucket]
    rows = np.arange(len(matrix))
    others = np.flatnonzero(firsts != rows)
    agree = (matrix[others] == matrix[firsts[others]]).mean(axis=1) >= ALIKE
    return firsts[others[agree]].astype(np.int64), others[agree].astype(np.int64)


def _skeleton(text: str) -> str:
    """The letters of a text in lower case without accents, words apart by one space."""
    plain = text.lower()
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain)
        plain = "".join(c for c in apart if not unicodedata.combining(c))
    return _REPEATED.sub(r"\1", _NOT_A_LETTER.sub(" ", plain)).strip()
