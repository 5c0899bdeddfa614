"""How words are written: the capitals that an uncased encoder does not see."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Offsets = Sequence[tuple[int, int]] | Ints
"""First and last+1 character of each token; (0, 0) for special tokens."""

NONE = 0
WRITTEN = (
    "lower",
    "title",  # first letter capital, the others lower
    "upper",  # two capitals or more, nothing lower
    "capital",  # one capital alone
    "mixed",
    "digits",
    "digits and letters",
    "symbols",
    "uncased",  # letters of a script without case
)
SHAPES = 1 + len(WRITTEN) * 4
"""None, then each way of writing x (starts, continues its word) x (within, first in a sentence)."""

_LOWER, _TITLE, _UPPER, _CAPITAL, _MIXED, _DIGITS, _ALNUM, _SYMBOLS, _UNCASED = range(len(WRITTEN))

# classes of characters; those from _MARK on are inside words, _ALONE and _MARKS_END are words
_SPACE, _NEWLINE, _ALONE, _MARKS_END, _IDEOGRAPH, _MARK, _IS_UPPER, _IS_LOWER, _OTHER, _DIGIT = (
    range(10)
)
_CATEGORIES = {
    "Lu": _IS_UPPER,
    "Lt": _IS_UPPER,
    "Ll": _IS_LOWER,
    "Lo": _OTHER,
    "Lm": _OTHER,
    "Nd": _DIGIT,
    "Nl": _DIGIT,
    "No": _DIGIT,
    "Zs": _SPACE,
    "Zl": _NEWLINE,
    "Zp": _NEWLINE,
}
_ENDS_SENTENCE = ".!?…"
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x2FA20))
_NEVER_LAST = re.compile(
    r"adm|capt|cmdr|col|corp|dra?|fr|gen|gov|hon|jr|lt|maj|messrs|mgr|mme|mrs?|ms|no|pres|prof|rep"
    r"|rev|sen|sgt|sra?|ste?|vs",
    re.IGNORECASE,
)
"""Words before a full stop that go on with a name."""


def word_shapes(text: str, offsets: Offsets) -> Ints:
    """Shape of the word that each token is of, 0 <= shape < SHAPES; NONE for special tokens.

    Words are those of BERT's pre-tokeniser: runs between white space, each punctuation mark and
    each ideograph by itself. A sentence given as tokens joined by spaces reads the same. The first
    word of a line, or after . ! ?, is marked: its capital says little.

    >>> shapes = word_shapes("Mr. Biden met NATO", [(0, 0), (0, 2), (4, 7), (7, 9), (14, 18)])
    >>> [describe(shape) for shape in shapes.tolist()]
    ['none', 'title, first', 'title', 'title, continued', 'upper']
    """
    return shapes_and_words(text, offsets)[0]


def word_indexes(text: str, offsets: Offsets) -> Ints:
    """Index of the word that each token is of; -1 for special tokens.

    >>> word_indexes("Reopened: yes", [(0, 0), (0, 2), (2, 8), (8, 9), (10, 13), (0, 0)]).tolist()
    [-1, 0, 0, 1, 2, -1]
    """
    return _locate(_Words(text), offsets)


def shapes_and_words(text: str, offsets: Offsets) -> tuple[Ints, Ints]:
    """word_shapes and word_indexes for the price of one."""
    words = _Words(text)
    of_token = _locate(words, offsets)
    if not len(words.starts):
        return np.zeros(len(of_token), np.int64), of_token
    continued = np.zeros(len(of_token), bool)
    continued[1:] = of_token[1:] == of_token[:-1]
    shapes = 1 + words.written() * 4 + words.first_in_sentence()
    return np.where(of_token < 0, NONE, shapes[of_token] + 2 * continued), of_token


def describe(shape: int) -> str:
    """A shape in words."""
    if shape == NONE:
        return "none"
    written, flags = divmod(shape - 1, 4)
    return WRITTEN[written] + ", continued" * (flags >> 1) + ", first" * (flags & 1)


class _Words:
    """The words of a text.

    classes       int8  (characters,)
    starts        int64 (words,) first character of each
    spaces        int64 (characters,) white space up to here
    of_character  int64 (characters,) word of each, -1 for white space
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.classes = _classes(text)
        inside = self.classes > _NEWLINE
        alone = inside & (self.classes < _MARK)
        breaks = alone.copy()  # a word begins here, if one does
        breaks[1:] |= ~inside[:-1] | alone[:-1]
        breaks[:1] = True
        begins = inside & breaks
        self.starts: Ints = np.flatnonzero(begins)
        self.spaces: Ints = np.cumsum(self.classes <= _NEWLINE)
        self.of_character: Ints = np.where(inside, np.cumsum(begins) - 1, -1)

    def written(self) -> Ints:
        """How each word is written: index into WRITTEN."""
        upper, lower, other, digits = (
            self._count(self.classes == kind) for kind in (_IS_UPPER, _IS_LOWER, _OTHER, _DIGIT)
        )
        other += self._count(self.classes == _IDEOGRAPH)
        cased = upper + lower
        first_upper = self.classes[self.starts] == _IS_UPPER
        return np.select(
            [
                (digits > 0) & (cased + other == 0),
                digits > 0,
                (cased == 0) & (other == 0),
                cased == 0,
                upper == 0,
                (lower == 0) & (upper == 1),
                lower == 0,
                first_upper & (upper == 1),
            ],
            [_DIGITS, _ALNUM, _SYMBOLS, _UNCASED, _LOWER, _CAPITAL, _UPPER, _TITLE],
            _MIXED,
        )

    def first_in_sentence(self) -> NDArray[np.bool_]:
        """Whether each word, punctuation aside, opens a line or follows the end of a sentence."""
        first = np.zeros(len(self.starts), bool)
        kinds = self.classes[self.starts]
        spoken = np.flatnonzero((kinds != _ALONE) & (kinds != _MARKS_END))
        if not len(spoken):
            return first
        first[spoken[0]] = True
        begins = self.starts[spoken]
        behind = np.searchsorted(begins, np.flatnonzero(self.classes == _NEWLINE))
        first[spoken[behind[behind < len(spoken)]]] = True
        ends = self.starts[kinds == _MARKS_END]
        behind = np.searchsorted(begins, ends)
        followed = behind < len(spoken)
        for end, after in zip(ends[followed].tolist(), behind[followed].tolist(), strict=True):
            if self._ends_sentence(end, int(begins[after])):
                first[spoken[after]] = True
        return first

    def _ends_sentence(self, mark: int, next_word: int) -> bool:
        """Whether the mark ends a sentence, seen from the word behind it."""
        if self.spaces[mark] == self.spaces[next_word]:
            return False
        if self.text[mark] != "." or mark == 0 or self.of_character[mark - 1] < 0:
            return True
        before = int(self.starts[self.of_character[mark] - 1])
        word = self.text[before:mark]
        initial = len(word) == 1 and word.isupper()
        return not initial and not _NEVER_LAST.fullmatch(word)

    def _count(self, characters: NDArray[np.bool_]) -> Ints:
        return np.add.reduceat(characters, self.starts, dtype=np.int64)


def _locate(words: _Words, offsets: Offsets) -> Ints:
    """The word of each token, -1 for special ones."""
    spans = np.asarray(offsets, np.int64).reshape(-1, 2)
    special = spans[:, 1] <= spans[:, 0]
    if special.all():
        return np.full(len(spans), -1, np.int64)
    return np.where(special, -1, words.of_character[np.where(special, 0, spans[:, 0])])


def _classes(text: str) -> NDArray[np.int8]:
    """Class of each character."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    table = _table()
    beyond = points >= len(table)
    if not beyond.any():
        return table[points]
    classes: NDArray[np.int8] = table[np.where(beyond, 0, points)]
    rare, which = np.unique(points[beyond], return_inverse=True)
    classes[beyond] = np.array([_class(int(point)) for point in rare], np.int8)[which]
    return classes


@cache
def _table() -> NDArray[np.int8]:
    """Classes of the basic plane."""
    return np.array([_class(point) for point in range(0x10000)], np.int8)


def _class(point: int) -> int:
    character = chr(point)
    if character in _ENDS_SENTENCE:
        return _MARKS_END
    if character in "\n\r":
        return _NEWLINE
    if character == "\t":
        return _SPACE
    if any(first <= point < end for first, end in _IDEOGRAPHS):
        return _IDEOGRAPH
    category = unicodedata.category(character)
    if category[0] == "P" or (point < 128 and category[0] == "S"):
        return _ALONE
    return _CATEGORIES.get(category, _MARK)
