"""Linear classifiers over hashed n-grams: small, for any script, read in microseconds.

A text's features are its character n-grams within words, its words and its word pairs, each in a
bucket of a table by its hash (Weinberger et al., 2009), weighted by sublinear term frequency and
inverse document frequency, at length 1. An output is a linear function of them.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from models.session import Array, Arrays
from schemas.errors import ModelFileError

LONGEST = 5
"""Characters of the longest n-gram."""

MAX_CHARACTERS = 2_000
"""Of a text that are read."""

_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Features:
    """Buckets of a text's n-grams, each once, and how often they occur."""

    buckets: NDArray[np.int64]
    counts: NDArray[np.int64]


def features(text: str, bits: int) -> Features:
    """The n-grams of a text in a table of 2 ** `bits` buckets.

    Of "ab": a, b, ab, each with the blanks around it, and the word.

    >>> int(features("ab", 20).counts.sum())
    9
    """
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS])[:MAX_CHARACTERS].lower()
    spaced = f" {' '.join(plain.split())} "
    points = np.frombuffer(spaced.encode("utf-32-le", "surrogatepass"), np.uint32)
    blank = points == ord(" ")
    before = np.concatenate(([0], blank.cumsum()))  # blanks
    prefixes = np.concatenate((np.zeros(1, np.uint64), (points * _POWERS[: len(points)]).cumsum()))

    def of_spans(starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Hashes:
        hashes: Hashes = (prefixes[ends] - prefixes[starts]) * _INVERSES[starts]
        return hashes

    found = []
    for size in range(1, LONGEST + 1):
        starts = np.arange(len(points) - size + 1)
        ends = starts + size
        crossing = before[ends - 1] > before[starts + 1] if size > 1 else blank[starts]
        found.append(of_spans(starts, ends)[~crossing])
    edges = np.flatnonzero(blank)
    for words in (1, 2):
        found.append(~of_spans(edges[:-words] + 1, edges[words:]))  # apart from their n-grams
    mixed = np.concatenate(found)
    mixed = (mixed ^ (mixed >> _HALF)) * _MIX
    buckets, counts = np.unique(mixed >> np.uint64(64 - bits), return_counts=True)
    return Features(buckets.astype(np.int64), counts)


def weighted(found: Features, rarity: Array) -> NDArray[np.float32]:
    """Value of each bucket of a text; their squares sum up to 1.

    rarity  float (buckets,): inverse document frequency, 0 for a bucket that is not used
    """
    values = (1.0 + np.log(found.counts)) * rarity[found.buckets]
    norm = np.sqrt((values**2).sum())
    scaled: NDArray[np.float32] = (values / norm if norm else values).astype(np.float32)
    return scaled


class NgramModel:
    """The classifiers of one file: output name to logits.

    The file, safetensors: `rarity` (buckets,) float16; of each output NAME `NAME.weights` (buckets,
    labels) int8, `NAME.scales` and `NAME.bias` (labels,) float32.
    """

    def __init__(self, path: Path) -> None:
        stored = read_tensors(path)
        try:
            self._rarity = stored["rarity"].astype(np.float32)
            names = [name.removesuffix(".bias") for name in stored if name.endswith(".bias")]
            self._outputs = {
                name: (stored[f"{name}.weights"], stored[f"{name}.scales"], stored[f"{name}.bias"])
                for name in names
            }
        except KeyError as error:
            raise ModelFileError(f"model {path} has no tensor {error}") from None
        self._bits = (len(self._rarity) - 1).bit_length()

    def run(self, text: str) -> Arrays:
        """Logits of every output, float32 (labels,)."""
        found = features(text, self._bits)
        values = weighted(found, self._rarity)
        return {
            name: values @ weights[found.buckets] * scales + bias
            for name, (weights, scales, bias) in self._outputs.items()
        }


def read_tensors(path: Path) -> Arrays:
    """The tensors of a file. Raises ModelFileError."""
    try:
        stored: Arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"weights {path} cannot be read: {error}") from error
    return stored


def _geometric(ratio: int, count: int) -> Hashes:
    """1, ratio, ratio ** 2, … modulo 2 ** 64."""
    powers = np.full(count, ratio, np.uint64)
    powers[0] = 1
    return powers.cumprod(dtype=np.uint64)


_LENGTH = MAX_CHARACTERS + 2
_POWERS = _geometric(_BASE, _LENGTH + 1)
_INVERSES = _geometric(pow(_BASE, -1, 2**64), _LENGTH + 1)
