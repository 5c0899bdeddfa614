"""Which Wikidata item a name means in its article."""

import gzip
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log10
from pathlib import Path
from typing import NamedTuple

MIN_MARGIN = 0.8
"""Lead over the next namesake without which nobody is chosen."""
MIN_SCORE = 4.4
"""Score below which nobody is chosen; a small town without support has 4.5, a legislator 3.5."""

_BIG = 1_000_000
_ADJACENT = 2  # characters between "Paris" and "Texas" in "Paris, Texas"
_FITS = {
    "place": frozenset({"city", "state", "country", "region", "organisation"}),
    "person": frozenset({"person", "legislator"}),
    "organisation": frozenset({"organisation", "country", "state"}),
    "other": frozenset({"demonym", "organisation", "country"}),
}
_PRIORS = {
    "country": 7.0,
    "state": 6.4,
    "region": 7.0,
    "organisation": 6.0,
    "person": 6.0,
    "demonym": 6.0,
    "legislator": 3.5,
}
_TITLES = re.compile(
    r"(?:the|president|former|ex-president|vice president|prime minister|chancellor|senator|sen|"
    r"representative|rep|congress(?:wo)?man|gov|governor|secretary|speaker|king|queen|mr|mrs|ms|dr|"
    r"sir|lord|präsident|bundeskanzler(?:in)?|kanzler(?:in)?|minister|la|le|el|die|der)\.?\s+",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s?$")
_POLITICS = frozenset(
    {
        *("congress", "senate", "senator", "senators", "sen", "house", "committee", "capitol"),
        *("representative", "rep", "congressman", "congresswoman", "lawmaker", "lawmakers"),
        *("republican", "republicans", "gop", "democrat", "democrats", "democratic", "caucus"),
    }
)
_CHAMBERS = {
    "sen": frozenset({"senate", "senator", "senators", "sen"}),
    "rep": frozenset({"house", "rep", "representative", "congressman", "congresswoman"}),
}
_PARTIES = {
    "Republican": frozenset({"republican", "republicans", "gop"}),
    "Democrat": frozenset({"democrat", "democrats", "democratic"}),
}


class Named(NamedTuple):
    """A name in an article: coarse type and where it stands (0, 0 where unknown)."""

    text: str
    type: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that an alias may mean.

    kind        city, state, country, region, demonym, organisation, person or legislator
    country     ISO 3166-1 alpha-2, empty where none
    state       of a city or legislator, as its alias reads; empty where unknown
    population  of a city, 0 where unknown
    role        chamber and party of a legislator
    """

    qid: str
    kind: str
    country: str = ""
    state: str = ""
    population: int = 0
    role: str = ""

    @property
    def prior(self) -> float:
        """Score without any context; for a city the decimal digits of its population."""
        return _PRIORS.get(self.kind) or log10(max(self.population, 32_000))


Table = Mapping[str, Sequence[Candidate]]
"""Alias key to those it may mean."""


@lru_cache(maxsize=65_536)
def key(alias: str) -> str:
    """What an alias is looked up by.

    >>> key("U.S."), key("The Hague's"), key("US"), key("us"), key("President Biden")
    ('US', 'the hague', 'US', 'us', 'president biden')
    """
    plain = _POSSESSIVE.sub("", " ".join(alias.split()))
    short = plain.replace(".", "")
    return short if len(short) <= 4 and short.isupper() else plain.casefold()


def read_table(files: Iterable[Path]) -> dict[str, list[Candidate]]:
    """The alias table: gzip, tab-separated, alias then the fields of Candidate."""
    table: dict[str, list[Candidate]] = defaultdict(list)
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                alias, qid, kind, country, state, population, role = line.rstrip("\n").split("\t")
                candidate = Candidate(qid, kind, country, state, int(population), role)
                known = table[key(alias)]
                if all((c.qid, c.kind) != (qid, kind) for c in known):
                    known.append(candidate)
    return dict(table)


class Linker:
    """Chooses among namesakes by what else the article names, or chooses nobody.

    The score of a candidate is its prior, plus support: its country or state is named (1.5 and up),
    it stands right behind the name ("Paris, Texas", 4), chamber, party and state of a legislator.
    The best is taken when it reaches MIN_SCORE and leads by MIN_MARGIN.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._country_of_word: dict[str, str] = {}
        for alias, candidates in table.items():
            countries = {c.country for c in candidates if c.kind in ("country", "demonym")}
            if len(countries) == 1 and len({c.qid for c in candidates}) == 1 and len(alias) > 3:
                self._country_of_word[alias] = countries.pop()

    def link(self, mentions: Sequence[Named], context_words: Collection[str]) -> list[str | None]:
        """The Wikidata id of each mention, in order of the article; None where none is sure.

        context_words  words of the article in lower case

        >>> towns = [Candidate("Q79867", "city", "US", "Alabama", 210000),
        ...          Candidate("Q2256", "city", "GB", "", 2600000)]
        >>> states = [Candidate("Q173", "state", "US")]
        >>> linker = Linker({"birmingham": towns, "alabama": states})
        >>> linker.link([Named("Birmingham", "place"), Named("Alabama", "place")], set())
        ['Q79867', 'Q173']
        """
        options = [self._options(mention) for mention in mentions]
        support = self._support(mentions, options, context_words)
        named = {key(mention.text) for mention in mentions}
        answers: dict[tuple[str, str], str | None] = {}
        linked: list[str | None] = []
        for index, (mention, candidates) in enumerate(zip(mentions, options, strict=True)):
            memo = (mention.text, mention.type)
            beside = _beside(mentions, options, index)
            if beside or memo not in answers:
                clue = _Clues(key(mention.text), support, named, context_words, beside)
                scores = {c.qid: c.prior + clue.evidence(c, candidates) for c in candidates}
                answers[memo] = _surest(scores)  # what is said once holds from there on
            linked.append(answers[memo])
        return _by_full_names(mentions, linked)

    def _options(self, mention: Named) -> list[Candidate]:
        """Those of the mention's type that it may mean."""
        candidates = self.table.get(key(mention.text))
        if candidates is None:
            candidates = self.table.get(key(_untitled(mention.text)), ())
        kinds = _FITS.get(mention.type, frozenset())
        fitting = [c for c in candidates if c.kind in kinds]
        countries = {c.country for c in fitting if c.kind == "country"}
        return [c for c in fitting if c.kind != "city" or c.country not in countries]

    def _support(
        self,
        mentions: Sequence[Named],
        options: Sequence[Sequence[Candidate]],
        context_words: Collection[str],
    ) -> dict[str, set[str]]:
        """The names that mean each country, or something in it, beyond doubt."""
        support: dict[str, set[str]] = defaultdict(set)
        for mention, candidates in zip(mentions, options, strict=True):
            countries = {c.country for c in candidates}
            if len(countries) == 1:
                support[countries.pop()].add(key(mention.text))
        words = context_words if isinstance(context_words, set | frozenset) else set(context_words)
        for word in words & self._country_of_word.keys():
            support[self._country_of_word[word]].add(word)
        support.pop("", None)
        return support


@dataclass(frozen=True, slots=True)
class _Clues:
    """What the article says of a name.

    itself   key of the name
    support  names that mean each country or something in it
    named    keys of all names
    words    words in lower case
    beside   what the names right before or behind it may mean
    """

    itself: str
    support: Mapping[str, set[str]]
    named: Collection[str]
    words: Collection[str]
    beside: Sequence[Candidate]

    def evidence(self, candidate: Candidate, rivals: Sequence[Candidate]) -> float:
        """For a candidate, or against it."""
        if candidate.kind == "legislator":
            return self._politics(candidate)
        score = 0.0
        if times := self._supported(candidate.country):
            weight = 0.5 if candidate.kind == "city" and not candidate.population else 1.0
            score += weight * (1.5 + 0.3 * min(times - 1, 3))
        if candidate.state and candidate.state.casefold() in self.named:
            score += 1.5
        if candidate.kind == "city" and (
            regions := [c for c in self.beside if c.kind in ("state", "country")]
        ):
            score += 4.0 if any(c.country == candidate.country for c in regions) else -4.0
        if candidate.kind == "state":
            if any(c.kind == "city" and c.country == candidate.country for c in self.beside):
                score += 4.0
            if any(c.population > _BIG and c.country == candidate.country for c in rivals):
                score -= 1.0  # New York is the city
        return score

    def _supported(self, country: str) -> int:
        """Other names that stand for the country."""
        return len(self.support.get(country, set()) - {self.itself})

    def _politics(self, candidate: Candidate) -> float:
        """Chamber, party, state and country of a legislator, found in the article."""
        chamber, _, party = candidate.role.partition(":")
        state = candidate.state.casefold()
        return (
            1.0 * (not _POLITICS.isdisjoint(self.words))
            + 0.5 * (not _CHAMBERS.get(chamber, frozenset()).isdisjoint(self.words))
            + 0.5 * (not _PARTIES.get(party, frozenset()).isdisjoint(self.words))
            + 1.0 * (state in self.named or state in self.words)
            + 0.5 * (self._supported(candidate.country) > 0)
        )


def _beside(
    mentions: Sequence[Named], options: Sequence[Sequence[Candidate]], index: int
) -> list[Candidate]:
    """What the place right behind a place may be ("Paris, Texas"), and the city right before it."""
    found: list[Candidate] = []
    here = mentions[index]
    if here.type != "place":
        return found
    if index + 1 < len(mentions) and _touches(here, mentions[index + 1]):
        found += [c for c in options[index + 1] if c.kind in ("state", "country")]
    if index and _touches(mentions[index - 1], here):
        found += [c for c in options[index - 1] if c.kind == "city"]
    return found


def _touches(left: Named, right: Named) -> bool:
    return right.start - left.end <= _ADJACENT and key(left.text) != key(right.text)


def _surest(scores: Mapping[str, float]) -> str | None:
    """The best by a margin, or None."""
    best = sorted(scores, key=lambda qid: (-scores[qid], qid))[:2]
    if not best or scores[best[0]] < MIN_SCORE:
        return None
    if len(best) > 1 and scores[best[0]] - scores[best[1]] < MIN_MARGIN:
        return None
    return best[0]


@lru_cache(maxsize=16_384)
def _untitled(name: str) -> str:
    return _TITLES.sub("", name, count=1)


def _by_full_names(mentions: Sequence[Named], linked: Sequence[str | None]) -> list[str | None]:
    """A surname alone means who was named in full: "Biden" beside "Hunter Biden" is not Joe."""
    full: dict[str, set[str | None]] = defaultdict(set)
    for mention, qid in zip(mentions, linked, strict=True):
        words = _untitled(mention.text).split()
        if mention.type == "person" and len(words) > 1:
            full[key(words[-1])].add(qid)
    answers: list[str | None] = []
    for mention, qid in zip(mentions, linked, strict=True):
        words = _untitled(mention.text).split()
        meant = full.get(key(words[0])) if len(words) == 1 and mention.type == "person" else None
        if meant is None or qid in meant:
            answers.append(qid)
        else:
            answers.append(next(iter(meant)) if len(meant) == 1 else None)
    return answers
