"""Linear classifiers over hashed n-grams: small, for any script, read in microseconds.

A text's features are its character n-grams within words, its words and its word pairs, or some of
these, known by their hashes alone, weighted by sublinear term frequency and inverse document
frequency, at length 1. An output is a linear function of them.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from models.encoder import Outputs, Tokens
from models.session import Array, Arrays
from schemas.errors import ModelFileError

MAX_CHARACTERS = 2_000
"""Of a text that are read."""

_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)

NO_TOKENS = Tokens([], np.zeros((0, 2), np.int64), np.zeros(0, np.int64))
"""Of a text that was read without a tokenizer."""

_TITLE = np.uint32(0x5BD1E995)

Hashes = NDArray[np.uint64]
Short = NDArray[np.uint32]


@dataclass(frozen=True)
class Grams:
    """What is read of a text.

    characters  of the longest n-gram within a word; 0: none
    words       1: words; 2: pairs of words, too
    titles      1: the words of the first line count once more, as others; 0: they do not
    """

    characters: int
    words: int
    titles: int


@dataclass(frozen=True)
class Features:
    """Hashes of a text's n-grams, each once, and how often they occur."""

    hashes: Short
    counts: NDArray[np.int64]


def features(text: str, grams: Grams) -> Features:
    """The n-grams of a text.

    Of "ab": a, b, ab, each with the blanks around it, and the word.

    >>> int(features("ab", Grams(characters=5, words=2, titles=0)).counts.sum())
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
    for size in range(1, grams.characters + 1):
        starts = np.arange(len(points) - size + 1)
        ends = starts + size
        crossing = before[ends - 1] > before[starts + 1] if size > 1 else blank[starts]
        found.append(of_spans(starts, ends)[~crossing])
    edges = np.flatnonzero(blank)
    for words in range(1, grams.words + 1):
        found.append(~of_spans(edges[:-words] + 1, edges[words:]))  # apart from their n-grams
    mixed = np.concatenate(found)
    mixed = (mixed ^ (mixed >> _HALF)) * _MIX
    hashes, counts = np.unique((mixed >> _HALF).astype(np.uint32), return_counts=True)
    if grams.titles:
        first = features(text.partition("\n")[0], Grams(characters=0, words=1, titles=0))
        hashes = np.concatenate((hashes, first.hashes ^ _TITLE))
        counts = np.concatenate((counts, first.counts))
    return Features(hashes, counts)


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that are used.

    hashes  uint32, ascending
    rarity  float (hashes,): inverse document frequency
    """

    hashes: Short
    rarity: Array

    def values(self, found: Features) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Places of a text's n-grams among those used, and their values, of length 1."""
        if not len(self.hashes):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        places = np.minimum(np.searchsorted(self.hashes, found.hashes), len(self.hashes) - 1)
        known = self.hashes[places] == found.hashes
        places = places[known]
        values = (1.0 + np.log(found.counts[known])) * self.rarity[places]
        norm = np.sqrt((values**2).sum())
        return places, (values / norm if norm else values).astype(np.float32)


@dataclass(frozen=True)
class _Output:
    vocabulary: Vocabulary
    weights: Array
    scales: Array
    bias: Array

    @classmethod
    def of(cls, stored: Arrays, name: str) -> Self:
        rarity = stored[f"{name}.rarity"].astype(np.float32)
        return cls(
            Vocabulary(stored[f"{name}.hashes"], rarity),
            *(stored[f"{name}.{part}"] for part in ("weights", "scales", "bias")),
        )

    def logits(self, found: Features) -> Array:
        places, values = self.vocabulary.values(found)
        logits: Array = values @ self.weights[places] * self.scales + self.bias
        return logits


class NgramModel:
    """The classifiers of one file: output name to logits.

    The file, safetensors: `grams` int64 (3,), the fields of Grams; of each output NAME of
    Vocabulary `NAME.hashes` and `NAME.rarity` float16, `NAME.weights` (hashes, labels) int8,
    `NAME.scales` and `NAME.bias` (labels,) float32.
    """

    max_characters = MAX_CHARACTERS

    def __init__(self, path: Path) -> None:
        stored = read_tensors(path)
        names = [name.removesuffix(".bias") for name in stored if name.endswith(".bias")]
        try:
            self._grams = Grams(*stored["grams"].tolist())
            self._outputs = {name: _Output.of(stored, name) for name in names}
        except KeyError as error:
            raise ModelFileError(f"model {path} has no tensor {error}") from None

    def read(self, text: str) -> tuple[Tokens, Outputs]:
        """No tokens, and the logits of every output."""
        return NO_TOKENS, self.run(text)

    def run(self, text: str) -> Arrays:
        """Logits of every output, float32 (labels,)."""
        found = features(text, self._grams)
        return {name: output.logits(found) for name, output in self._outputs.items()}


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
