"""What a summary says that its article does not."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from models.number_words import Range, is_number_word, numbers
from models.sentences import split
from models.tags import fold, stop_words

_WORD = re.compile(r"[^\W_][\w'’&.\-]*")
_YEAR = re.compile(r"(?:19|20)\d\d")
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
    "2,500,000", "a hundred" = "100"; "hundreds" is borne out by the same word and by 200 to 999,
    "thousands" not by a year. Number words are known in English, German, Dutch, French, Spanish,
    Italian and Portuguese; of an article in another language only figures and English words are
    compared. Names are capitalised words that are no stop words of the language: each must stand in
    the article, and words that follow each other in a name must do so there; an acronym may stand
    for a name. A new word that only opens a sentence is taken for a name, too: better no summary
    than an invented town. Quotations of twelve characters and more must be verbatim. In a script
    without case names cannot be checked: each such sentence is a problem. What is denied, caused or
    compared is not checked.

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
        self.language = language
        self.stop = stop_words(language)
        self.text = _plain(text)
        words = _WORD.findall(self.text)
        folded = [_key(word) for word in words]
        self.words = set(folded) | {part for word in folded for part in word.split("-")}
        self.lower = {word for word in words if word.islower()}
        self.pairs = set(pairwise(folded))
        self.initials = "".join(word[0] if word[0].isupper() else " " for word in words)
        found = list(numbers(self.text, language))
        self.numbers = {value for values, _ in found for value in values}
        self.amounts = {v for values, text in found if not _YEAR.fullmatch(text) for v in values}

    def problems(self, index: int, sentence: str) -> Iterator[Problem]:
        plain = _plain(sentence)
        for values, text in numbers(plain, self.language):
            if not (_is_article(values, text) or any(map(self._bears_out, values))):
                yield Problem(index, "number", text)
        if any(c.isalpha() for c in plain) and plain.lower() == plain.upper():
            yield Problem(index, "script", sentence)
            return
        for name in self._unknown_names(plain):
            yield Problem(index, "name", name)
        for quotation in _QUOTE.findall(plain):
            if _squeezed(quotation) not in _squeezed(self.text):
                yield Problem(index, "quotation", quotation)

    def _bears_out(self, told: Range) -> bool:
        return told in self.numbers or any(known.bears_out(told) for known in self.amounts)

    def _unknown_names(self, sentence: str) -> Iterator[str]:
        before: str | None = None
        end = 0
        for match in _WORD.finditer(sentence):
            word, key = match[0], _key(match[0])
            if match.start() != end + 1:
                before = None  # another name
            end = match.end() - (word[-1] == ".")
            if not word[0].isupper() or is_number_word(word, self.language):
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


def _is_article(values: set[Range], text: str) -> bool:
    """Whether it is "one", or "ein" and "une", which may be no number."""
    return values == {Range(1, 1)} and text.isalpha()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _key(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.rstrip(".-'’").replace(".", ""))
    return fold("".join(c for c in plain if not unicodedata.combining(c)))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()
