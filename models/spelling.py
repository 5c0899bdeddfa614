"""Words that are spelled so that no filter finds them, read as what they stand for.

Only what becomes a known word is changed: `1d10t` is read `idiot`, `g20` and `4th` stay. What is
undone, letter by letter: characters without width, letters of other scripts and of mathematical
alphabets that look Latin (homoglyphs), digits and signs for letters (leet), letters said thrice or
more, letters set apart.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсхуԁһӏԛԝѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορυνικıɡɑʏɪѐёїЁЇ",
    "ABESIJKMHOPCTXYaesijopcxydhlqwvABEZHIKMNOPTYXaopuvikigayieeiEI",
)
LEET = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "il", "€": "e", "£": "l", "+": "t",
}  # fmt: skip
"""What a sign may stand for, the likelier first."""

MOST_READINGS = 16
"""Of one word that are tried."""

LEAST_LETTERS = 4
"""Of a word that is read out of digits and signs; one fewer with an @."""

SLURS = frozenset({
    "bastards", "bimbo", "bitches", "cunt", "cunts", "douche", "douchebag", "dumbass", "dyke",
    "fag", "fags", "faggot", "faggots", "fucker", "fuckers", "fuckin", "jackass", "kike",
    "libtard", "libtards", "moron", "moronic", "morons", "motherfucker", "nigga", "niggas",
    "nigger", "niggers", "paki", "perv", "pervert", "prick", "pussies", "retard", "retarded",
    "retards", "scum", "scumbag", "shithead", "shithole", "shitty", "slut", "sluts", "spic",
    "tranny", "turd", "twat", "wank", "wanker", "wankers", "whores", "wtf",
})  # fmt: skip
"""Words that get disguised, and that a general vocabulary may lack."""

_SUSPICIOUS = re.compile(
    r"[^\x00-\x7f]|[^\W\d_][0-9@$!|+]+[^\W\d_]|(?<!\S)[0-9@$!|+]+[^\W\d_]|[^\W\d_][0-9@$|]"
    r"|@[@$!|]|([^\W\d_])\1\1|(?<!\w)\w(?:[ .*_-]\w){3,}(?!\w)",
    re.IGNORECASE,
)
_APART = re.compile(r"(?<!\w)[^\W\d_](?:([ .*_-])[^\W\d_])(?:\1[^\W\d_]){2,}(?!\w)")
_WORD = re.compile(r"\S+")
_ENDS = re.compile(r"""^["'“”‘’(\[{<.,;:?#-]*|[^\w@$|+€£]*$""")
_MEASURE = re.compile(r"\d+[a-z]{1,2}|[a-z]\d+", re.IGNORECASE)
"""4th, 100k, 90s, b52: numbers with a unit or a name."""
_THRICE = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)


class Respelled(NamedTuple):
    """A text in plain spelling.

    spans  int64 (characters, 2): where each character stood in the text as it was given
    """

    text: str
    spans: NDArray[np.int64]


def respell(text: str, known: Collection[str]) -> Respelled:
    """A text with its disguised words as the plain ones.

    known  words in lower case that a disguised word may be

    >>> respell("You 1d10t, sooo st\\u200bupid!", {"idiot", "so", "stupid"}).text
    'You idiot, so stupid!'
    >>> respell("i.d.i.o.t", {"idiot"}).spans.tolist()
    [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    """
    if not _SUSPICIOUS.search(text):
        places = np.arange(len(text))
        return Respelled(text, np.stack([places, places + 1], axis=1))
    letters = list(_joined(list(_plain(text)), known))
    read = "".join(letter.read for letter in letters)
    out: list[_Letter] = []
    last = 0
    for word in _WORD.finditer(read):
        out += letters[last : word.start()]
        out += _word(letters[word.start() : word.end()], known)
        last = word.end()
    out += letters[last:]
    spans = np.array([(letter.start, letter.end) for letter in out], np.int64).reshape(-1, 2)
    return Respelled("".join(letter.read for letter in out), spans)


class _Letter(NamedTuple):
    """A character as it is read, and where it stands in the text as given."""

    read: str
    start: int
    end: int


def _plain(text: str) -> Iterator[_Letter]:
    """The characters; a word with a Latin letter loses invisible ones and has no look-alikes."""
    for word in re.finditer(r"\s+|\S+", text):
        written = word[0]
        if written.isascii():
            yield from (_Letter(c, i, i + 1) for i, c in enumerate(written, word.start()))
            continue
        plain = [(i, _alphabet(c)) for i, c in enumerate(written, word.start())]
        if not any(c.isascii() and c.isalpha() for _, c in plain):
            yield from (_Letter(c, i, i + 1) for i, c in enumerate(written, word.start()))
            continue
        for i, c in plain:
            if unicodedata.category(c) != "Cf":
                yield _Letter(c.translate(LOOK_ALIKES), i, i + 1)


def _alphabet(character: str) -> str:
    """A letter of a mathematical or full-width alphabet as the plain one."""
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and plain.isascii() and plain.isalnum() else character


def _joined(letters: list[_Letter], known: Collection[str]) -> Iterator[_Letter]:
    """Letters that were set apart and are a word together."""
    text = "".join(letter.read for letter in letters)
    last = 0
    for apart in _APART.finditer(text):
        word = letters[apart.start() : apart.end() : 2]
        if _lower(word) in known:
            yield from letters[last : apart.start()]
            yield from word
            last = apart.end()
    yield from letters[last:]


def _word(letters: list[_Letter], known: Collection[str]) -> list[_Letter]:
    """A run between blanks as it is read."""
    text = "".join(letter.read for letter in letters)
    if not _SUSPICIOUS.search(text):
        return letters
    first, end = _ENDS.search(text).end(), len(text)  # type: ignore[union-attr]
    while end > first and not (text[end - 1].isalnum() or text[end - 1] in "@$|+€£"):
        end -= 1
    core = letters[first:end]
    if _lower(core) in known:
        return letters
    for reading in (_without_leet(core, known), _without_repeats(core, known)):
        if reading is not None:
            return letters[:first] + reading + letters[end:]
    return letters


def _without_leet(letters: list[_Letter], known: Collection[str]) -> list[_Letter] | None:
    """Letters for the digits and signs of a word; None if that gives no known one."""
    text = _lower(letters)
    signs = [c for c in text if c in LEET]
    if not signs or all(c.isdigit() for c in text) or _MEASURE.fullmatch(text):
        return None
    if len(text) < LEAST_LETTERS and ("@" not in signs or len(text) < LEAST_LETTERS - 1):
        return None
    readings = product(*(LEET.get(c, c) for c in text))
    for _, reading in zip(range(MOST_READINGS), readings, strict=False):
        spelled = [x._replace(read=c) for x, c in zip(letters, reading, strict=True)]
        if "".join(reading) in known:
            return spelled
        if (shorter := _without_repeats(spelled, known)) is not None:
            return shorter
    return None


def _without_repeats(letters: list[_Letter], known: Collection[str]) -> list[_Letter] | None:
    """Two or one of what stands thrice or more; None if that gives no known word."""
    runs = [run.span() for run in _THRICE.finditer("".join(letter.read for letter in letters))]
    if not runs:
        return None
    for _, kept in zip(range(MOST_READINGS), product((2, 1), repeat=len(runs)), strict=False):
        shorter = list(letters)
        for (start, end), count in reversed(list(zip(runs, kept, strict=True))):
            stretched = letters[end - 1]._replace(start=letters[start + count - 1].start)
            shorter[start:end] = [*letters[start : start + count - 1], stretched]
        if _lower(shorter) in known:
            return shorter
    return None


def _lower(letters: list[_Letter]) -> str:
    return "".join(letter.read for letter in letters).lower()
