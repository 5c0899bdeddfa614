"""Names by what words look like: a conditional random field over hashed features.

What tells for a label is a word's letters, shape and affixes, those of the words around it, what
stands before and behind the run of capitals that it is in, and the class that a lexicon has of it.
Each is known by its hash alone; a label's score is the sum of their weights, and labels that follow
one another have weights, too (Lafferty et al., 2001).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoder import Outputs, Tokens
from models.heads import TRANSITIONS_OUTPUT
from models.ngrams import read_tensors
from models.sentences import split
from models.session import Array
from schemas.errors import ModelFileError

ENTITIES_OUTPUT = "entities"

AFFIXES = 5
"""Characters of the longest prefix and suffix."""

_WORD = re.compile(r"\w+(?:[.'’&/-]\w+)*|[^\w\s]")
_LINKS = frozenset("de del la las los y e van der den en te 't of".split())  # noqa: SIM905
"""Words without a capital that stand inside names."""

_REACH = 2
_FORM, _LOWER, _SHAPE, _SHORT, _AFFIXES = range(5)
_LONG_RUN = 4
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)

Hashes = NDArray[np.unsignedinteger[Any]]


class Lexicon:
    """Class of each known word, 0 for the others.

    words    uint32, ascending: `word_key` of each
    classes  uint8 (words,), from 1
    """

    def __init__(self, words: NDArray[np.uint32], classes: NDArray[np.uint8]) -> None:
        self._classes = dict(zip(words.tolist(), classes.tolist(), strict=True))

    def classes(self, words: Sequence[str]) -> Hashes:
        """Class of each word."""
        return np.array([self._classes.get(word_key(word), 0) for word in words], np.uint64)


class NameTagger:
    """One linear chain. Concurrent calls are safe: nothing changes.

    The file, safetensors: `hashes` (features,) uint32, ascending; `weights` (features, labels)
    int8; `scales` (labels,) float32; `transitions` (labels + 2, labels + 2) float32, from row to
    column with start and end last; of Lexicon `words` uint32 and `classes` uint8.
    """

    max_characters = 4_000
    """Of a text that are read."""

    def __init__(self, path: Path) -> None:
        stored = read_tensors(path)
        try:
            self._hashes = stored["hashes"]
            self._weights = stored["weights"].astype(np.float32) * stored["scales"]
            self.transitions = stored["transitions"]
            self._lexicon = Lexicon(stored["words"], stored["classes"])
        except KeyError as error:
            raise ModelFileError(f"model {path} has no tensor {error}") from None

    def read(self, text: str) -> tuple[Tokens, Outputs]:
        """The words of a text, their scores, and the weights of the labels that follow another."""
        spans = list(_sentences(text[: self.max_characters]))
        scores = [self.scores([text[a:b] for a, b in of_one]) for of_one in spans]
        offsets = np.array([span for of_one in spans for span in of_one], np.int64).reshape(-1, 2)
        places = np.arange(len(offsets))
        empty = np.zeros((0, self._weights.shape[1]), np.float32)
        outputs = {
            ENTITIES_OUTPUT: np.concatenate([empty, *scores]),
            TRANSITIONS_OUTPUT: self.transitions,
        }
        return Tokens(places.tolist(), offsets, places), outputs

    def scores(self, words: Sequence[str]) -> Array:
        """Of every label of every word of a sentence, float32 (words, labels)."""
        if not words:
            return np.zeros((0, self._weights.shape[1]), np.float32)
        places, known = find(features(words, self._lexicon), self._hashes)
        scores: Array = (self._weights[places] * known[:, :, None]).sum(axis=1)
        return scores


def find(hashes: Hashes, known: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Place of each hash among those that are known, ascending, and whether it is there.

    >>> find(np.array([3, 4], np.uint32), np.array([1, 4], np.uint32))
    (array([1, 1]), array([False,  True]))
    """
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return places, known[places] == hashes


def features(words: Sequence[str], lexicon: Lexicon) -> Hashes:
    """What tells for the labels of each word of a sentence, uint32 (words, features)."""
    own = np.array([_of_word(word) for word in words], np.uint64)
    count = len(words)
    around = np.pad(own, ((_REACH, _REACH), (0, 0)), constant_values=_EDGE)
    known = np.pad(lexicon.classes(words), _REACH, constant_values=_EDGE)

    def at(offset: int, column: int) -> Hashes:
        return around[_REACH + offset : _REACH + offset + count, column]

    def kind(offset: int) -> Hashes:
        return known[_REACH + offset : _REACH + offset + count]

    place = np.minimum(np.arange(count), 2).astype(np.uint64)
    before, behind, run = _runs(words)
    beside = (-2, -1, 1, 2)
    found = [
        *(at(0, column) for column in range(own.shape[1])),
        *(at(offset, column) for column in (_FORM, _LOWER, _SHORT) for offset in beside),
        *(at(offset, column) for offset in (-1, 1) for column in _THREE_CHARACTERS),
        _joint(at(-1, _LOWER), at(0, _LOWER)),
        _joint(at(0, _LOWER), at(1, _LOWER)),
        _joint(at(-2, _LOWER), at(-1, _LOWER)),
        _joint(at(1, _LOWER), at(2, _LOWER)),
        _joint(at(-1, _LOWER), at(0, _SHORT)),
        _joint(at(0, _SHORT), at(1, _LOWER)),
        _joint(at(-1, _SHORT), at(0, _SHORT)),
        _joint(at(0, _SHORT), at(1, _SHORT)),
        _joint(at(-1, _SHORT), at(0, _SHORT), at(1, _SHORT)),
        _joint(at(-2, _SHORT), at(-1, _SHORT), at(0, _SHORT)),
        _joint(at(0, _SHORT), at(1, _SHORT), at(2, _SHORT)),
        _joint(place, at(0, _SHORT)),
        _joint(place, at(0, _LOWER)),
        before,
        behind,
        run,
        _joint(before, behind),
        _joint(before, run),
        _joint(behind, run),
        kind(0),
        kind(-1),
        kind(1),
        _joint(kind(-1), kind(0)),
        _joint(kind(0), kind(1)),
        _joint(kind(0), at(0, _SHAPE)),
    ]
    templates = np.arange(1, len(found) + 1, dtype=np.uint64)
    mixed = _mixed(_mixed(np.stack(found, axis=1) + templates * _MIX))
    hashes: Hashes = (mixed >> _HALF).astype(np.uint32)
    return hashes


def word_key(word: str) -> int:
    """What a lexicon knows a word by, 32 bits."""
    return _hash(word) >> 32


def _sentences(text: str) -> Iterator[list[tuple[int, int]]]:
    """The words of each sentence, (first, last+1 character).

    >>> list(_sentences("Ja. Marta's tuin"))
    [[(0, 2), (2, 3)], [(4, 11), (12, 16)]]
    """
    for start, end in split(text):
        yield [match.span() for match in _WORD.finditer(text, start, end)]


def _shape(word: str) -> str:
    """Capitals, small letters and digits; other characters stay.

    >>> _shape("McGee-90")
    'XxXxx-dd'
    """
    return "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word
    )


@lru_cache(maxsize=1 << 16)
def _of_word(word: str) -> tuple[int, ...]:
    """Hashes of a word, of it without case, its shape, that without repeats, and its affixes."""
    shape = _shape(word)
    affixes = (
        affix
        for size in range(1, AFFIXES + 1)
        for affix in (f"{word[:size]}-", f"-{word[-size:]}" if size < len(word) else "-")
    )
    short = re.sub(r"(.)\1+", r"\1", shape)
    return tuple(_hash(part) for part in (word, word.lower(), shape, short, *affixes))


def _runs(words: Sequence[str]) -> tuple[Hashes, Hashes, Hashes]:
    """Of each word: what stands before and behind its run of capitals, and its place in that."""
    capital = [word[:1].isupper() for word in words]
    inside = capital.copy()
    for i in range(1, len(words) - 1):
        if words[i] in _LINKS and capital[i - 1] and capital[i + 1]:
            inside[i] = True
    before, behind, place = (np.zeros(len(words), np.uint64) for _ in range(3))
    start = 0
    while start < len(words):
        end = start + 1
        if inside[start]:
            while end < len(words) and inside[end]:
                end += 1
            before[start:end] = _hash(words[start - 1].lower()) if start else _EDGE
            behind[start:end] = _hash(words[end].lower()) if end < len(words) else _EDGE
            length = min(end - start, _LONG_RUN)
            for i in range(start, end):
                passed, left = min(i - start, _LONG_RUN), min(end - i, _LONG_RUN)
                place[i] = _hash(f"{passed} {left} {length}")
        start = end
    return before, behind, place


@lru_cache(maxsize=1 << 16)
def _hash(part: str) -> int:
    digest = blake2b(part.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _joint(*parts: Hashes) -> Hashes:
    joined = parts[0]
    for part in parts[1:]:
        joined = _mixed(joined) + part
    return joined


def _mixed(hashes: Hashes) -> Hashes:
    mixed: Hashes = (hashes ^ (hashes >> _HALF)) * _MIX
    return mixed


_EDGE = _hash("")
_THREE_CHARACTERS = (_AFFIXES + 4, _AFFIXES + 5)
