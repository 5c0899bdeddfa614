"""The numbers of a text, in figures and in words."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from models.tags import stop_words

_TABLES = Path(__file__).with_suffix(".toml")

_SHORT = {"k": 1e3, "tsd": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "mln": 1e6}
_SHORT |= {"bn": 1e9, "mrd": 1e9, "mld": 1e9}
"""Scales behind figures."""

_HALVES = {
    *("half", "halbe", "halben", "halve", "demi", "demie", "medio", "media", "mezzo"),
    *("mezza", "meio", "meia"),
}
_ARTICLES = {"a", "an"}
_OF = {"of", "de", "di", "von", "van"}
_SEVERAL = {
    *("several", "couple", "few", "many", "multi", "mehrere", "mehreren", "mehrerer", "einige"),
    *("einigen", "einiger", "paar", "viele", "vielen", "enkele", "meerdere"),
}
_LONGEST = 60  # characters of a number written as one word
_TOKEN = re.compile(r"\d+(?:[.,’']\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)(?:,\d+)?|" + _TOKEN.pattern)
"""With spaces between thousands, which English does not write."""


class Range(NamedTuple):
    """What a number may be: one value, or any of that size ("hundreds")."""

    least: float
    most: float

    def bears_out(self, told: "Range") -> bool:
        """Whether who read this one may tell the other: "hundreds" of 300, not 300 of "hundreds".

        >>> Range(300, 300).bears_out(many(100)), many(100).bears_out(Range(300, 300))
        (True, False)
        """
        return told.least <= self.least and self.most <= told.most


def many(scale: float) -> Range:
    """From two of a scale up to where the next one begins.

    >>> many(100), many(1e3)
    (Range(least=200, most=999), Range(least=2000.0, most=999999.0))
    """
    return Range(2 * scale, scale * (1000 if scale in (1e3, 1e6, 1e9, 1e12) else 10) - 1)


class _Words(NamedTuple):
    """Number words of a language.

    small, scales, many  what adds, what multiplies, plurals that do
    inside, parts        what stands only inside of a number written as one word; all of its parts
    link                 its "and"
    """

    small: Mapping[str, float]
    scales: Mapping[str, float]
    many: Mapping[str, float]
    inside: Mapping[str, float]
    parts: frozenset[str]
    link: str


class _Token(NamedTuple):
    word: str
    start: int
    end: int


def numbers(text: str, language: str) -> Iterator[tuple[set[Range], str]]:
    """What each number of a text may mean, and how it is written.

    "5.000" is five in English and five thousand in German: both are told. Words are those of the
    language and, but for its stop words, English ones; there are tables for English, German, Dutch,
    French, Spanish, Italian and Portuguese. Ordinals are none, nor are "both" and "twice".

    >>> list(numbers("Two hundred and five of 5.5m", "en"))[0]
    ({Range(least=205.0, most=205.0)}, 'Two hundred and five')
    >>> list(numbers("Hunderte", "de"))
    [({Range(least=200.0, most=999.0)}, 'Hunderte')]
    """
    words, pattern = _words(language), _TOKEN if language == "en" else _SPACED
    tokens = [_Token(_bare(m[0]), m.start(), m.end()) for m in pattern.finditer(text)]
    at = 0
    while at < len(tokens):
        read = (
            _figures(text, tokens, at, words)
            if text[tokens[at].start].isdecimal()
            else _many(tokens, at, words) or _half(tokens, at, words) or _spelled(tokens, at, words)
        )
        if read is None:
            at += 1
            continue
        found, behind = read
        yield found, text[tokens[at].start : tokens[behind - 1].end]
        at = behind


def is_number_word(word: str, language: str) -> bool:
    """Whether a word, or a part of it between hyphens, is a number of `numbers`.

    >>> is_number_word("Vierundzwanzig", "de"), is_number_word("Twenty-One", "en")
    (True, True)
    """
    words = _words(language)
    return any(
        part in _SHORT or _value(part, language) is not None or part in words.many
        for part in re.split(r"[^\w]", _bare(word))
    )


_Read = tuple[set[Range], int]
"""What a number may mean, and the token behind it."""


def _figures(text: str, tokens: list[_Token], at: int, words: _Words) -> _Read:
    values = _digits(text[tokens[at].start : tokens[at].end])
    at += 1
    while at < len(tokens) and _touch(tokens, at):
        following = tokens[at].word
        scale = _SHORT.get(following) or words.scales.get(following) or words.many.get(following)
        if scale is None:
            break
        scaled = {value * scale for value in values}
        values = scaled | values if following in ("m", "k") else scaled
        at += 1
    return {_exactly(value) for value in values}, at


def _many(tokens: list[_Token], at: int, words: _Words) -> _Read | None:
    """Hundreds, tens of thousands, several million."""
    before = at - 1 - (at > 1 and tokens[at - 1].word in _OF)  # a couple of hundred
    several = at > 0 and tokens[before].word in _SEVERAL and _touch(tokens, at)
    scale = _plural(tokens[at].word, words)
    if scale is None and several:
        scale = words.scales.get(tokens[at].word)
    if scale is None:
        return None
    at += 1
    while at + 1 < len(tokens) and tokens[at].word in _OF:
        further = _plural(tokens[at + 1].word, words) or words.scales.get(tokens[at + 1].word)
        if further is None:
            break
        scale *= further
        at += 2
    while several and at < len(tokens) and (further := words.scales.get(tokens[at].word)):
        scale *= further
        at += 1
    return {many(scale)}, at


def _half(tokens: list[_Token], at: int, words: _Words) -> _Read | None:
    """Half a million."""
    if tokens[at].word not in _HALVES:
        return None
    at += 1
    if at < len(tokens) and tokens[at].word in _ARTICLES:
        at += 1
    scale = words.scales.get(tokens[at].word) if at < len(tokens) else None
    return None if scale is None else ({_exactly(scale / 2)}, at + 1)


def _spelled(tokens: list[_Token], at: int, words: _Words) -> _Read | None:
    """A number in words, as long as what follows fits behind it."""
    total, current, closed = 0.0, None, 0.0  # closed: the thousand or more that came last
    first = at
    while at < len(tokens) and (at == first or _touch(tokens, at)):
        word = tokens[at].word
        if at > first and word == words.link:
            if words.link == "and" and current is not None and _is_and_a_half(tokens, at):
                current, at = current + 0.5, at + 3
                continue
            if not _links(tokens, at, words, current, closed):
                break
            at += 1
            word = tokens[at].word
        scale = words.scales.get(word) or (words.many.get(word) if at > first else None)
        value = _compound(word, words) if scale is None else None
        if word == "cents" and current is not None:  # deux cents
            scale, value = 100.0, None
        if scale is not None and scale < 1e3:
            if current is not None and current >= scale:
                break
            current = scale if current is None else current * scale
        elif scale is not None:
            if closed and closed >= scale and current is None:
                break
            if closed and closed < scale:  # dos mil millones
                total, current = total + (current or 0), None
                total *= scale
            elif closed == scale:
                break
            else:
                total += scale if current is None else current * scale
            current, closed = None, scale
        elif value is not None:
            if current is None and (not closed or value < closed):
                current = value
            elif current is not None and word.startswith("vingt") and current % 100 == 4:
                current += 76  # quatre-vingts
            elif current is not None and _has_room(current, value, words):
                current += value
            else:
                break
        else:
            break
        at += 1
    return None if at == first else ({_exactly(total + (current or 0))}, at)


def _is_and_a_half(tokens: list[_Token], at: int) -> bool:
    return [token.word for token in tokens[at : at + 3]] == ["and", "a", "half"]


def _links(
    tokens: list[_Token], at: int, words: _Words, current: float | None, closed: float
) -> bool:
    """Whether an "and" is inside of a number: two hundred and five, not two and five, and not two
    hundred and five hundred.
    """
    behind = at + 1
    value = _compound(tokens[behind].word, words) if behind < len(tokens) else None
    if value is None or not _touch(tokens, behind):
        return False
    while behind < len(tokens) and _compound(tokens[behind].word, words) is not None:
        behind += 1
    scale = words.scales.get(tokens[behind].word) if behind < len(tokens) else None
    scale = scale or (words.many.get(tokens[behind].word) if behind < len(tokens) else None)
    if current is None:
        return bool(closed) and value < closed and (scale is None or scale < closed)
    if scale is not None and scale < 1e3:
        return False
    if words.link == "and" and current % 100:
        return False
    return _has_room(current, value, words) and (words.link != "et" or value in (1, 11))


def _has_room(current: float, value: float, words: _Words) -> bool:
    """Whether a number ends with as many zeros as the next one is long."""
    if words.link == "et" and current % 100 in (60, 80) and value < 20:
        return True  # soixante-dix
    return current > value and current % 10 ** len(str(int(value))) == 0


def _plural(word: str, words: _Words) -> float | None:
    """The scale of a plural, which may be written as one word with another: Zehntausende."""
    if word in words.many:
        return words.many[word]
    parts = _parts(word, words)
    if len(parts) > 1 and parts[-1] in words.many:
        first = _total(parts[:-1], words)
        return first * words.many[parts[-1]] if first in (10, 100) else None
    return None


def _value(word: str, language: str) -> float | None:
    words = _words(language)
    scale = words.scales.get(word) or _plural(word, words)
    return scale if scale is not None else _compound(word, words)


def _compound(word: str, words: _Words) -> float | None:
    """The value of a small number, or of one that is written as one word."""
    if word in words.small:
        return words.small[word]
    parts = _parts(word, words)
    return _total(parts, words) if len(parts) > 1 else None


def _total(parts: tuple[str, ...], words: _Words) -> float:
    total = current = 0.0
    for part in parts:
        scale = words.scales.get(part) or words.many.get(part)
        if scale is None:
            current += words.small.get(part, words.inside.get(part, 0.0))
        elif scale < 1e3:
            current = (current or 1) * scale if current < scale else current + scale
        else:
            total, current = total + (current or 1) * scale, 0.0
    return total + current


def _parts(word: str, words: _Words) -> tuple[str, ...]:
    """The parts of a number that is written as one word; empty for what is none."""
    parts = _split(word, words.parts) if len(word) <= _LONGEST else ()
    joints = {part for part, value in words.inside.items() if not value}
    return () if not parts or parts[0] in joints or parts[-1] in joints else parts


def _split(word: str, known: frozenset[str]) -> tuple[str, ...]:
    if word in known:
        return (word,)
    for end in range(len(word) - 1, 1, -1):
        if word[:end] in known and (rest := _split(word[end:], known)):
            return (word[:end], *rest)
    return ()


def _digits(figures: str) -> set[float]:
    """What figures may mean: "5.000" is five in English and five thousand in German."""
    figures = figures.replace(" ", "")
    groups = re.split(r"\D", figures)
    values: set[float] = set()
    if all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3:
        values.add(float("".join(groups)))
    marks = re.findall(r"[.,]", figures)
    if len(groups) == 1:
        values.add(float(figures))
    elif len(marks) == len(groups) - 1 and (len(marks) == 1 or marks[-1] not in marks[:-1]):
        values.add(float("".join(groups[:-1]) + "." + groups[-1]))
    return values or {float(group) for group in groups}


def _exactly(value: float) -> Range:
    return Range(round(value, 6), round(value, 6))


def _touch(tokens: list[_Token], at: int) -> bool:
    return tokens[at].start - tokens[at - 1].end <= 1


@lru_cache(maxsize=16_384)
def _bare(word: str) -> str:
    """Lower case, without accents."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


@cache
def _words(language: str) -> _Words:
    own = _table(language)
    if language == "en":
        return own
    english, foreign = _table("en"), stop_words(language) | {"ten"}  # Dutch, Polish, Czech

    def with_english(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
        return {word: n for word, n in theirs.items() if word not in foreign} | dict(ours)

    return own._replace(
        small=with_english(own.small, english.small),
        scales=with_english(own.scales, english.scales),
        many=with_english(own.many, english.many),
    )


def _table(language: str) -> _Words:
    table = _tables().get(language, {})
    small = {word: float(n) for n, word in enumerate(table.get("small", "").split())}
    tens = table.get("tens", "").split()
    small |= {word: float(ten) for word, ten in zip(tens, range(20, 100, 10), strict=False)}
    small |= _by_word(table.get("other", {}))
    scales, plurals, inside = (
        _by_word(table.get(kind, {})) for kind in ("scales", "many", "inside")
    )
    parts = frozenset({*small, *scales, *plurals, *inside} if language != "en" else ())
    return _Words(small, scales, plurals, inside, parts, table.get("link", ""))


def _by_word(by_value: Mapping[str, str]) -> dict[str, float]:
    return {word: float(value) for value, words in by_value.items() for word in words.split()}


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))
