"""What a summary says that its article does not."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from models.sentences import split
from models.tags import fold, stop_words

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_ONES = {word: value for value, word in enumerate(_SMALL)}
_ROUND = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {word: value for value, word in zip(range(20, 100, 10), _ROUND, strict=True)}
_SCALES = {
    "dozen": 12.0,
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "millionen": 1e6,
    "millions": 1e6,
    "m": 1e6,
    "mn": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "milliarden": 1e9,
    "milliards": 1e9,
    "trillion": 1e12,
}
_TOKEN = re.compile(r"\d+(?:[.,\u00a0\u202f’']\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_WORD = re.compile(r"[^\W_][\w'’&.\-]*")
_QUOTE = re.compile(r"[\"“„«]([^\"”“»«]{12,})[\"”“»]")
_TITLES = frozenset(
    {
        *("president", "mr", "mrs", "ms", "dr", "sen", "senator", "rep", "gov", "governor"),
        *("minister", "chancellor", "secretary", "king", "queen", "pope", "judge", "general"),
        *("prime", "vice", "former", "mayor", "chief", "sir", "lord", "professor", "the"),
    }
)


class Problem(NamedTuple):
    """A part of a sentence of a summary that its article does not bear out."""

    sentence: int
    kind: Literal["number", "name", "quotation", "script"]
    text: str


def check(summary: str, article: str, language: str = "en") -> list[Problem]:
    """What of each sentence the article lacks; a summary with a problem must not be used.

    Numbers are compared by value: "5,000" = "5000", "five percent" = "5%", "2.5 million" =
    "2,500,000"; number words are English. Names are capitalised words that are no stop words of the
    language: each must stand in the article, and words that follow each other in a name must do so
    there; an acronym may stand for a name. A new word that only opens a sentence is taken for a
    name, too: better no summary than an invented town. Quotations of twelve characters and more
    must be verbatim. In a script without case names cannot be checked: each such sentence is a
    problem. What is denied, caused or compared is not checked.

    >>> story = "Two ferries sank off Harbourville, Mayor Ann Roe said. The loss is $2,500,000."
    >>> check("The loss of the two ferries is 2.5 million dollars, said Roe.", story)
    []
    >>> [(p.kind, p.text) for p in check("Three ferries sank off Oldport.", story)]
    [('number', 'Three'), ('name', 'Oldport')]
    """
    known = _Article(article, language)
    return [
        problem
        for index, (start, end) in enumerate(split(summary))
        for problem in known.problems(index, summary[start:end])
    ]


class _Article:
    def __init__(self, text: str, language: str) -> None:
        self.stop = stop_words(language)
        self.text = _plain(text)
        words = _WORD.findall(self.text)
        folded = [_key(word) for word in words]
        self.words = set(folded) | {part for word in folded for part in word.split("-")}
        self.lower = {word for word in words if word.islower()}
        self.pairs = set(pairwise(folded))
        self.initials = "".join(word[0] if word[0].isupper() else " " for word in words)
        self.numbers = {value for values, _ in _numbers(self.text) for value in values}

    def problems(self, index: int, sentence: str) -> Iterator[Problem]:
        plain = _plain(sentence)
        for values, text in _numbers(plain):
            if text.lower() != "one" and not values & self.numbers:
                yield Problem(index, "number", text)
        if any(c.isalpha() for c in plain) and plain.lower() == plain.upper():
            yield Problem(index, "script", sentence)
            return
        for name in self._unknown_names(plain):
            yield Problem(index, "name", name)
        for quotation in _QUOTE.findall(plain):
            if _squeezed(quotation) not in _squeezed(self.text):
                yield Problem(index, "quotation", quotation)

    def _unknown_names(self, sentence: str) -> Iterator[str]:
        before: str | None = None
        end = 0
        for match in _WORD.finditer(sentence):
            word, key = match[0], _key(match[0])
            if match.start() != end + 1:
                before = None  # another name
            end = match.end() - (word[-1] == ".")
            if not word[0].isupper() or _is_number_word(key):
                before = None
                continue
            ordinary = key in _TITLES or word.lower() in self.stop or word.lower() in self.lower
            if not (ordinary or self._has(word, key)):
                yield word.rstrip(".-'’")
            elif before and not ordinary and (before, key) not in self.pairs:
                yield f"{before} {word}"
            before = None if ordinary else key

    def _has(self, word: str, key: str) -> bool:
        letters = word.replace(".", "")
        acronym = len(letters) > 1 and letters.isupper() and letters in self.initials
        return acronym or key in self.words or all(p in self.words for p in key.split("-"))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _key(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.rstrip(".-'’").replace(".", ""))
    return fold("".join(c for c in plain if not unicodedata.combining(c)))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def _is_number_word(key: str) -> bool:
    return any(part in _ONES or part in _TENS or part in _SCALES for part in key.split("-"))


def _numbers(text: str) -> Iterator[tuple[set[float], str]]:
    """The values that each number of a text may have, and how it is written."""
    tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
    at = 0
    while at < len(tokens):
        word, start, end = tokens[at]
        values = _read(word)
        at += 1
        if not values:
            continue
        while at < len(tokens) and tokens[at][1] - end <= 1:
            following = tokens[at][0].lower()
            if following in _SCALES and _is_scale_here(word, following):
                values = {value * _SCALES[following] for value in values} | (
                    values if following in ("m", "k") else set()
                )
            elif word.lower() in _TENS and following in _ONES:
                values = {value + _ONES[following] for value in values}
            else:
                break
            end = tokens[at][2]
            at += 1
        yield {round(value, 6) for value in values}, text[start:end]


def _is_scale_here(word: str, scale: str) -> bool:
    return word[0].isdigit() or scale not in ("m", "k", "mn", "bn")


def _read(word: str) -> set[float]:
    """What a number may mean: "5.000" is five in English and five thousand in German."""
    lower = word.lower()
    if lower in _ONES or lower in _TENS:
        return {float(_ONES.get(lower, _TENS.get(lower, 0)))}
    if lower == "dozen":
        return {12.0}
    if not word[0].isdigit():
        return set()
    groups = re.split(r"\D", word)
    values: set[float] = set()
    if all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3:
        values.add(float("".join(groups)))
    marks = re.findall(r"[.,]", word)
    if len(groups) == 1:
        values.add(float(word))
    elif len(marks) == len(groups) - 1 and (len(marks) == 1 or marks[-1] not in marks[:-1]):
        values.add(float("".join(groups[:-1]) + "." + groups[-1]))
    return values or {float(group) for group in groups}
