"""Tags of an article: the names and phrases that an editor would file it under."""

import calendar
import gzip
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import stopwordsiso

Frequencies = Mapping[str, Mapping[str, float]]
"""Language to word to the share of texts that hold it."""

_TOKEN = re.compile(r"\w[\w'’\-]*\w|\w|[^\w\s]")
_TITLES = re.compile(
    r"(?:the|president|ex-president|former|vice|prime minister|chancellor|senator|sen|rep|gov|"
    r"governor|secretary|king|queen|prince|princess|mr|mrs|ms|dr|sir|lord|präsident(?:in)?|"
    r"bundeskanzler(?:in)?|kanzler(?:in)?|herr|frau|monsieur|madame|señor|presidente)\.?\s+",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s?$")
_UNLIKE_NOUNS = {"en": ("ly", "ed", "ing", "ould", "n't", "n’t")}
_RARE = 2e-5  # share of texts that hold a word the table lacks
_TYPES = {"person": 1.5, "organisation": 1.4, "place": 1.2, "other": 1.0}
_ENTITY_WEIGHT = 1.3
_TITLE_WEIGHT = 2.2
_PHRASE_WEIGHT = 1.35  # for each word after the first
_MAX_CHARACTERS = 4000


class Name(NamedTuple):
    """A named entity found in the article; `type` is coarse."""

    text: str
    type: str
    score: float = 1.0


@dataclass
class _Candidate:
    """A tag to be: how it reads, its word keys, and its weight."""

    text: str
    words: tuple[str, ...]
    weight: float
    forms: set[tuple[str, ...]] = field(default_factory=set)


def read_frequencies(file: Path) -> dict[str, dict[str, float]]:
    """The table that training.build_word_frequencies writes: language, word, share x 1e6."""
    table: dict[str, dict[str, float]] = defaultdict(dict)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            language, word, share = line.rstrip("\n").split("\t")
            table[language][word] = int(share) / 1e6
    return dict(table)


class Tagger:
    """Ranks names and phrases by frequency, rarity in the language, headline and position."""

    def __init__(self, frequencies: Frequencies) -> None:
        self._frequencies = frequencies

    def tags(
        self, title: str, text: str, names: Sequence[Name], language: str, limit: int = 8
    ) -> list[str]:
        """At most `limit` tags, best first; none says what another says.

        title, text  headline and body, plain
        names        the entities found in them; forms of one name become one tag, the fullest
        language     ISO 639-1; a language without stop words gives names only

        >>> story = "Drone strikes hit Kyiv. Drone strikes went on, the WHO said."
        >>> names = [Name("Kyiv", "place"), Name("World Health Organization", "organisation"),
        ...          Name("WHO", "organisation")]
        >>> Tagger({}).tags("Kyiv under fire", story, names, "en")
        ['Kyiv', 'World Health Organization', 'Drone strikes']
        """
        head = f"{title} .\n{text[:_MAX_CHARACTERS]}"
        tokens = _TOKEN.findall(head)
        titled = len(_TOKEN.findall(title))
        candidates = _names(names, head, title)
        forms = [frozenset(form) for candidate in candidates for form in candidate.forms]
        for phrase in self._phrases(tokens, titled, language):
            if len(phrase.words) == 1 or not any(map(set(phrase.words).issuperset, forms)):
                candidates.append(phrase)
        return _apart(candidates, limit)

    def _phrases(self, tokens: list[str], titled: int, language: str) -> list[_Candidate]:
        """Repeated or headlined runs of one to three words that are no stop words."""
        if not stop_words(language):
            return []
        runs = _repeated_runs([_content(token, language) for token in tokens], titled)
        endings = _UNLIKE_NOUNS.get(language, ())
        within: Counter[str] = Counter()  # how often a word is part of a phrase
        for run, places in runs.items():
            if len(run) > 1:
                within.update(dict.fromkeys(run, len(places)))
        known = self._frequencies.get(language, {})
        found = []
        for run, places in runs.items():
            position, end = places[0], places[-1] + len(run)
            if endings and tokens[end - 1].lower().endswith(endings):
                continue
            alone = len(places) - within[run[0]] / 2 if len(run) == 1 else len(places)
            if len(run) == 1 and (len(run[0]) < 4 or alone <= 0):
                continue
            rarity = sum(-math.log(known.get(word, _RARE)) for word in run) / len(run)
            weight = (
                rarity
                * math.log1p(alone)
                * _nearness(position)
                * (_TITLE_WEIGHT if position < titled else 1.0)
                * (1 + (_PHRASE_WEIGHT - 1) * (len(run) - 1))
            )
            shown = _POSSESSIVE.sub("", " ".join(tokens[places[-1] : end]))
            found.append(_Candidate(shown, run, weight / 10))
        return found


@cache
def stop_words(language: str) -> frozenset[str]:
    """Words that say nothing alone; empty for a language without a list."""
    if not stopwordsiso.has_lang(language):
        return frozenset()
    dates = [*calendar.month_name, *calendar.day_name] if language == "en" else []
    return frozenset(stopwordsiso.stopwords(language)) | {date.lower() for date in dates}


@lru_cache(maxsize=16_384)
def fold(word: str) -> str:
    """Singular and plural, possessive or not, are one word.

    >>> fold("strikes") == fold("strike") == fold("Strike's")
    True
    """
    plain = _POSSESSIVE.sub("", word.casefold())
    return plain[:-1] if len(plain) > 3 and plain[-1] == "s" and plain[-2] != "s" else plain


@lru_cache(maxsize=65_536)
def _content(token: str, language: str) -> str:
    """The folded word of a token; empty for a stop word and for what is no word."""
    word = token.lower()
    told = word[0].isalpha() and len(word) > 1 and word not in stop_words(language)
    return fold(word) if told else ""


def _repeated_runs(words: Sequence[str], titled: int) -> dict[tuple[str, ...], list[int]]:
    """Where runs of one to three words stand that stand there twice or more: index of the first
    word. No run holds an empty word; one word alone must be among the first `titled`, or thrice.

    >>> _repeated_runs(["drone", "strike", "", "drone", "strike"], titled=1)
    {('drone',): [0, 3], ('drone', 'strike'): [0, 3]}
    """
    found: dict[tuple[str, ...], list[int]] = {}
    tally = Counter(words)
    starts = [i for i, word in enumerate(words) if word and tally[word] > 1]
    for size in (1, 2, 3):
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for start in starts:
            places[tuple(words[start : start + size])].append(start)
        again: set[int] = set()
        for run, of_run in places.items():
            if len(of_run) > 1:
                again.update(of_run)
                if size > 1 or len(of_run) > 2 or of_run[0] < titled:
                    found[run] = of_run
        # a longer run is repeated only where both its ends are
        starts = [start for start in sorted(again) if start + 1 in again]
    return found


def _nearness(position: int) -> float:
    """Weight of where it stands first, in words: 1 at the top, a half after 200."""
    return 1 / (1 + math.log1p(position / 30) / 2)


def _names(names: Sequence[Name], head: str, title: str) -> list[_Candidate]:
    """One candidate for all forms of a name."""
    forms: dict[tuple[str, ...], list[Name]] = defaultdict(list)
    for name in names:
        plain, words = _plain(name.text), _folded(name.text)
        if words and len(plain) > 1:
            forms[words].append(name._replace(text=plain))
    merged = _merged(forms)
    found = []
    for fullest, all_forms in merged.items():
        members = [name for form in all_forms for name in forms[form]]
        shown = _shown([name.text for name in forms[fullest]])
        texts = {name.text for name in members}
        count = max(len(members), *(head.count(text) for text in texts))
        places = [at for text in texts if (at := head.find(text)) >= 0]
        position = min(places, default=len(head)) // 6
        weight = (
            _ENTITY_WEIGHT
            * _TYPES.get(members[0].type, 1.0)
            * max(name.score for name in members)
            * math.log1p(count)
            * _nearness(position)
            * (_TITLE_WEIGHT if any(text in title for text in texts) else 1.0)
        )
        found.append(_Candidate(shown, fullest, weight, set(all_forms)))
    return found


@lru_cache(maxsize=16_384)
def _folded(text: str) -> tuple[str, ...]:
    """The folded words of a plain name."""
    return tuple(fold(word) for word in _TOKEN.findall(_plain(text)) if word[0].isalnum())


@lru_cache(maxsize=16_384)
def _plain(text: str) -> str:
    """A name without the title before and the possessive behind it."""
    joined = " ".join(text.split())
    while (match := _TITLES.match(joined)) and len(joined) > match.end():
        joined = joined[match.end() :]
    return _POSSESSIVE.sub("", joined).strip(" .,;:'\"-–—")


def _merged(
    forms: Mapping[tuple[str, ...], Sequence[Name]],
) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Fullest form to all its forms: the surname, the acronym."""
    merged: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for form in sorted(forms, key=len, reverse=True):
        kind = forms[form][0].type
        for full in merged:
            if forms[full][0].type != kind:
                continue
            surname = kind == "person" and form == full[-len(form) :]
            acronym = len(form) == 1 and len(full) > 1
            if surname or (acronym and _is_acronym(forms[form], forms[full])):
                merged[full].append(form)
                break
        else:
            merged[form] = [form]
    return merged


def _is_acronym(short: Sequence[Name], full: Sequence[Name]) -> bool:
    letters = short[0].text.replace(".", "")
    if not letters.isupper():
        return False
    words = [word for word in _TOKEN.findall(full[0].text) if word[0].isalnum()]
    capitals = "".join(word[0] for word in words if word[0].isupper())
    return letters in (capitals, "".join(w[0].upper() for w in words))


def _shown(texts: Sequence[str]) -> str:
    """The commonest writing, not in capitals if there is another."""
    counts = Counter(texts)
    return min(counts, key=lambda t: (t.isupper() and len(t) > 5, -counts[t], t))


def _apart(candidates: Sequence[_Candidate], limit: int) -> list[str]:
    """The heaviest candidates of which none is within another."""
    chosen: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.weight, c.text)):
        if len(chosen) >= limit:
            break
        if not any(
            _says_again(candidate.words, form)
            for other in chosen
            for form in (other.words, *other.forms)
        ):
            chosen.append(candidate)
    return [candidate.text for candidate in chosen]


def _says_again(words: tuple[str, ...], told: tuple[str, ...]) -> bool:
    """Whether one holds all words of the other, or a form of its only word: Pakistan, Pakistani."""
    if set(words) <= set(told) or set(words) >= set(told):
        return True
    one, other = words[0], told[0]
    stem = min(len(one), len(other))
    related = stem >= 5 and abs(len(one) - len(other)) <= 3 and one[:stem] == other[:stem]
    return related and len(words) == len(told) == 1
