"""What is told of a story: who carries it, whom and what it is about, what to read first.

`Telling` is state and knows everything; `Content` is what travels: the most of each, packed.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from models.packing import pack, unpack
from models.stories.cluster import Vector
from models.stories.received import Received, unit_vector

SOURCES_KEPT = 1000
ENTITIES_KEPT = 200
TOPICS_KEPT = 100
LEADS_KEPT = 6
"""Articles among which the one closest to the centre is found."""

SOURCES_TOLD = 100
ENTITIES_TOLD = 20
TOPICS_TOLD = 10
LEADS_TOLD = 3


class Lead(NamedTuple):
    """An article that may be read first."""

    article_id: str
    title: str
    source: str
    url: str
    summary: str | None
    embedding: bytes


class Source(NamedTuple):
    """A masthead that carries a story."""

    source: str
    owner: str | None
    first_ms: int
    article_id: str
    articles: int
    copies: int


class Entity(NamedTuple):
    """Whom or what a story is about; `key` is its Wikidata id or its name in lower case."""

    key: str
    name: str
    type: str
    wikidata_id: str | None
    articles: int


class Topic(NamedTuple):
    """A concept that a story is about."""

    code: str
    name: str
    articles: int


class Content(NamedTuple):
    """A story as it is told; lists begin with the most frequent, sources with the first.

    codes        concepts of its articles and all above them
    independent  owner groups, or mastheads without one, with an article that is no copy
    embedding    float16 unit vector of its centre; empty where no article has one
    """

    title: str
    summary: str | None
    languages: tuple[str, ...]
    sources: tuple[Source, ...]
    entities: tuple[Entity, ...]
    topics: tuple[Topic, ...]
    codes: tuple[str, ...]
    leads: tuple[Lead, ...]
    aliases: tuple[str, ...]
    first_ms: int
    last_ms: int
    articles: int
    copies: int
    independent: int
    embedding: bytes


@dataclass(slots=True)
class Telling:
    """State: sums over the articles of a story, bounded.

    sources      owner, first publication, its article, articles, copies of each masthead
    entities     name, type, Wikidata id and articles by `Name.key`
    topics       name and articles by code
    codes        articles by concept, those above included
    independent  first publication by each independent source
    """

    languages: dict[str, int] = field(default_factory=dict)
    sources: dict[str, list[Any]] = field(default_factory=dict)
    entities: dict[str, list[Any]] = field(default_factory=dict)
    topics: dict[str, list[Any]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    independent: dict[str, int] = field(default_factory=dict)
    leads: list[Lead] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    first_ms: int = 0
    last_ms: int = 0
    articles: int = 0
    copies: int = 0

    def add(self, article: Received, centre: Vector, *, is_copy: bool) -> bool:
        """Take an article in. Returns whether an independent source takes the story up with it."""
        self._span(article.at_ms, article.at_ms)
        self.articles += 1
        self.copies += is_copy
        self.languages[article.language] = self.languages.get(article.language, 0) + 1
        self._add_source(article, is_copy)
        for name in article.names:
            _count(self.entities, name.key, [name.text, name.type, name.wikidata_id, 0])
        for concept in article.concepts:
            _count(self.topics, concept.code, [concept.name, 0])
        for code in {c for concept in article.concepts for c in (concept.code, *concept.broader)}:
            self.codes[code] = self.codes.get(code, 0) + 1
        _bound(self.entities, ENTITIES_KEPT)
        _bound(self.topics, TOPICS_KEPT)
        if not is_copy or not self.leads:
            self._add_leads([_lead(article)], centre)
        return article.counts and not is_copy and self._picked_up(article)

    def revise(self, article: Received) -> None:
        """A new version of an article that is in the story: its text is told, nothing counts."""
        self.leads = [
            _lead(article) if lead.article_id == article.article_id else lead for lead in self.leads
        ]

    def merge(self, other: "Telling", other_id: str, centre: Vector) -> None:
        """Take another story in."""
        self._span(other.first_ms, other.last_ms)
        self.articles += other.articles
        self.copies += other.copies
        for language, n in other.languages.items():
            self.languages[language] = self.languages.get(language, 0) + n
        for source, theirs in other.sources.items():
            self.sources[source] = _joined(self.sources.get(source), theirs)
        for key, entity in other.entities.items():
            _count(self.entities, key, [*entity[:-1], 0], entity[-1])
        for code, topic in other.topics.items():
            _count(self.topics, code, [*topic[:-1], 0], topic[-1])
        for code, n in other.codes.items():
            self.codes[code] = self.codes.get(code, 0) + n
        _bound(self.entities, ENTITIES_KEPT)
        _bound(self.topics, TOPICS_KEPT)
        for who, at_ms in other.independent.items():
            self.independent[who] = min(at_ms, self.independent.get(who, at_ms))
        self._add_leads(other.leads, centre)
        self.aliases += [other_id, *other.aliases]

    def without(self, gone: "Telling", gone_ids: Collection[str]) -> "Telling":
        """The story less a part of it, and less the leads among its articles; times stay."""
        sources = {
            source: [*mine[:3], mine[3] - theirs[3], mine[4] - theirs[4]]
            for source, mine in self.sources.items()
            for theirs in [gone.sources.get(source, [None, 0, "", 0, 0])]
            if mine[3] > theirs[3]
        }
        voices = {mine[0] or source for source, mine in sources.items()}
        return Telling(
            languages=_less(self.languages, gone.languages),
            sources=sources,
            entities=_less_listed(self.entities, gone.entities),
            topics=_less_listed(self.topics, gone.topics),
            codes=_less(self.codes, gone.codes),
            independent={who: at for who, at in self.independent.items() if who in voices},
            leads=[lead for lead in self.leads if lead.article_id not in gone_ids],
            aliases=list(self.aliases),
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            articles=self.articles - gone.articles,
            copies=self.copies - gone.copies,
        )

    def lead_by(self, articles: Iterable[Received], centre: Vector) -> None:
        """Let some of its articles be read first, those closest to the centre."""
        self._add_leads([_lead(article) for article in articles], centre)

    def content(self, centre: Vector) -> Content:
        """As it is told, seen from the story's centre, float32 (width,)."""
        leads = _nearest_first(self.leads, centre)
        first = leads[0] if leads else Lead("", "", "", "", None, b"")
        length = math.sqrt(centre.dot(centre))
        return Content(
            title=first.title,
            summary=first.summary,
            languages=tuple(_most(self.languages)),
            sources=tuple(
                Source(source, *known)
                for source, known in sorted(self.sources.items(), key=lambda s: (s[1][1], s[0]))
            )[:SOURCES_TOLD],
            entities=tuple(
                Entity(key, *entity) for key, entity in _most_listed(self.entities, ENTITIES_TOLD)
            ),
            topics=tuple(
                Topic(code, *topic) for code, topic in _most_listed(self.topics, TOPICS_TOLD)
            ),
            codes=tuple(sorted(self.codes)),
            leads=tuple([Lead(*lead[:4], None, b"") for lead in leads[:LEADS_TOLD]]),
            aliases=tuple(self.aliases),
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            articles=self.articles,
            copies=self.copies,
            independent=len(self.independent),
            embedding=(centre / length).astype("<f2").tobytes() if length else b"",
        )

    def _span(self, first_ms: int, last_ms: int) -> None:
        self.first_ms = min(self.first_ms, first_ms) if self.articles else first_ms
        self.last_ms = max(self.last_ms, last_ms) if self.articles else last_ms

    def _add_source(self, article: Received, is_copy: bool) -> None:
        one = [article.owner, article.at_ms, article.article_id, 1, int(is_copy)]
        if article.source in self.sources or len(self.sources) < SOURCES_KEPT:
            self.sources[article.source] = _joined(self.sources.get(article.source), one)

    def _picked_up(self, article: Received) -> bool:
        who = article.independent
        is_first = who not in self.independent
        if is_first and len(self.independent) == SOURCES_KEPT:
            return False
        self.independent[who] = min(article.at_ms, self.independent.get(who, article.at_ms))
        return is_first

    def _add_leads(self, more: Iterable[Lead], centre: Vector) -> None:
        self.leads += more
        if len(self.leads) > LEADS_KEPT:
            self.leads = _nearest_first(self.leads, centre)[:LEADS_KEPT]


_SAVED = tuple(kept.name for kept in fields(Telling))


def to_state(telling: Telling) -> dict[str, Any]:
    """Plain values, for a checkpoint: a view, to be packed at once."""
    return {name: getattr(telling, name) for name in _SAVED}


def from_state(state: Mapping[str, Any]) -> Telling:
    """What `to_state` gave."""
    return Telling(**{**state, "leads": [Lead(*lead) for lead in state["leads"]]})


def to_bytes(content: Content) -> bytes:
    """Packed, for a stream or a state."""
    return pack(content)


def from_bytes(packed: bytes) -> Content:
    """What `to_bytes` gave."""
    title, summary, languages, sources, entities, topics, codes, leads, aliases, *rest = unpack(
        packed
    )
    return Content(
        title,
        summary,
        tuple(languages),
        tuple(Source(*source) for source in sources),
        tuple(Entity(*entity) for entity in entities),
        tuple(Topic(*topic) for topic in topics),
        tuple(codes),
        tuple(Lead(*lead) for lead in leads),
        tuple(aliases),
        *rest,
    )


def _lead(article: Received) -> Lead:
    return Lead(
        article.article_id,
        article.title,
        article.source,
        article.url,
        article.summary,
        article.embedding,
    )


def _nearest_first(leads: Sequence[Lead], centre: Vector) -> list[Lead]:
    """By likeness to the centre; those that came first win draws."""
    if len(leads) < 2:
        return list(leads)
    likeness = {
        lead.article_id: float(unit_vector(lead.embedding, len(centre)).dot(centre))
        for lead in leads
    }
    return sorted(leads, key=lambda lead: -likeness[lead.article_id])


def _joined(mine: list[Any] | None, theirs: list[Any]) -> list[Any]:
    """A masthead's entry with another one of it."""
    if mine is None:
        return list(theirs)
    first = min(mine, theirs, key=lambda entry: (entry[1], entry[2]))
    return [mine[0] or theirs[0], first[1], first[2], mine[3] + theirs[3], mine[4] + theirs[4]]


def _count(counts: dict[str, list[Any]], key: str, new: list[Any], more: int = 1) -> None:
    """Add to the last element of an entry."""
    counts.setdefault(key, new)[-1] += more


def _bound(counts: dict[str, list[Any]], kept: int) -> None:
    """When twice as many are there as are kept, the rarest go."""
    if len(counts) > 2 * kept:
        most = dict(_most_listed(counts, kept))
        for key in counts.keys() - most.keys():
            del counts[key]


def _most(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda key: (-counts[key], key))


def _most_listed(counts: Mapping[str, list[Any]], n: int) -> list[tuple[str, list[Any]]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1][-1], pair[0]))[:n]


def _less(counts: Mapping[str, int], gone: Mapping[str, int]) -> dict[str, int]:
    return {key: left for key, n in counts.items() if (left := n - gone.get(key, 0)) > 0}


def _less_listed(
    counts: Mapping[str, list[Any]], gone: Mapping[str, list[Any]]
) -> dict[str, list[Any]]:
    return {
        key: [*entry[:-1], left]
        for key, entry in counts.items()
        if (left := entry[-1] - gone.get(key, [0])[-1]) > 0
    }
