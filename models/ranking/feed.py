"""Given a reader, what now?

    candidates ── features ── ranker ── rerank ──> items, each with its explanation
       │ nearest to long and session vector, best for anyone, followed, same story, read next, new
       └ on top: open alerts of the reader's languages and desks, then editors' picks

A feed is a function of what it is given: the same reader, context and draw give the same items.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from models.ranking import features, rerank
from models.ranking.article import FeedArticle, Vectors
from models.ranking.columns import (
    NO_NAME,
    Array,
    Booleans,
    ByKey,
    Columns,
    Facts,
    Whole,
    code,
    codes,
)
from models.ranking.explanation import Explanation, Reason, explain, override, picked
from models.ranking.features import NAMES, UNREAD, Popularity, certainty
from models.ranking.fresh import HOUR_MS, FreshArticles
from models.ranking.rankers import Ranker, Slate
from models.ranking.reader import Context, OpenAlert, Pick, Reader
from models.ranking.rerank import Candidates, Placed, Policy

Of = TypeVar("Of")
Strategy = Literal["override", "pick", "floor", "explore", "personal", "cold_start"]
RULES: Mapping[str, Strategy] = {
    "override": "override",
    "pick": "pick",
    "floor": "floor",
    "explore": "explore",
}

MOST_IMPORTANT = 50
"""Stories of a language that everyone should know, of which a feed shows a few."""

LOOKED_THROUGH = 3000
"""Newest articles of a language among which, and among those clicked, the best are found."""

EXPLORED_FROM = 0.5
"""Relevance from which on exploration may choose an article: better than the mean candidate."""


@dataclass(frozen=True)
class Recall:
    """How many candidates each way may give: docs/FEED.md has what that costs in quality.

    common  the best for who is not known, by the ranker
    """

    nearest: int = 60
    common: int = 100
    newest: int = 40
    entity: int = 5
    story: int = 2
    covisited: int = 60


@dataclass(frozen=True)
class Floor:
    """What everyone should know: the most important new stories, whatever the profile says.

    importance  from which on an article is one of them
    stories     how many a feed shows
    place       at the latest here, 1 is the top below alerts and picks
    within_ms   how long an article is new
    """

    importance: float = 0.8
    stories: int = 2
    place: int = 6
    within_ms: int = 24 * HOUR_MS


@dataclass(frozen=True)
class FeedItem:
    """An item of a feed, to be logged as it is: what later learns from it needs all of it.

    position    1 is the top
    score       the ranker's; for items put there by a rule too
    strategy    what put it there
    propensity  probability that this item was chosen for this place, given those above
    features    as served
    ranking     version of the ranker
    """

    article_id: str
    position: int
    score: float
    strategy: Strategy
    propensity: float
    explanation: Explanation
    features: Mapping[str, float]
    ranking: str


NO_CLICKS = ByKey(np.zeros(0, np.int64), np.zeros((0, len(UNREAD))))


@dataclass(frozen=True)
class Shelf:
    """What readers of all profiles have in common, prepared once for everybody.

    popularity  of articles that were clicked within a day
    clicks      the same by key
    common      by language, keys of the best for who is not known, from the top
    important   by language, one article a story, the most important first
    subjects    by language, share of the clicks of a day
    """

    popularity: Mapping[str, Popularity] = field(default_factory=dict)
    clicks: ByKey = NO_CLICKS
    common: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    important: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subjects: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Feed:
    """Feeds for all readers. Threads may share one.

    articles  what can be shown; another thread adds to it
    """

    def __init__(
        self,
        articles: FreshArticles,
        ranker: Ranker,
        *,
        policy: Policy | None = None,
        recall: Recall | None = None,
        floor: Floor | None = None,
    ) -> None:
        self._articles = articles
        self._ranker = ranker
        self._policy = policy or Policy()
        self._recall = recall or Recall()
        self._floor = floor or Floor()
        self._shelf = Shelf()

    def refresh(self, popularity: Mapping[str, Popularity], now_ms: int) -> None:
        """Prepare what is the same for all readers; every few seconds, from one thread."""
        self._shelf = shelf(
            self._articles, popularity, now_ms, self._ranker, self._recall, self._floor
        )

    def replace_ranker(self, ranker: Ranker) -> None:
        """Rank by another ranker from the next feed on."""
        self._ranker = ranker

    def rank(
        self, reader: Reader, context: Context, k: int = 20, *, draw: int = 0
    ) -> list[FeedItem]:
        """The reader's feed of at most k items, from the top.

        draw  number of the request: decides what exploration draws
        """
        asked = self._asked(reader, context)
        top = self._on_top(asked)[:k]
        floor = self._floor_rows(asked, top)
        pool = self._pool(asked, floor)
        pool = pool[~np.isin(pool, [one.row for one in top])]
        ranked = self._ranked(asked, top, pool)
        below = slice(len(top), None)
        placed = rerank.arrange(
            _candidates(ranked.facts[below], ranked.vectors[below], ranked.scores[below]),
            k - len(top),
            self._policy,
            wanted_mix(reader, context, asked.shown),
            np.random.default_rng(draw),
            above=[(one.article.source, one.article.story_id) for one in top],
            due=dict.fromkeys(range(len(floor)), self._floor.place - 1),
        )
        chosen = [_Choice(n, one.article, one.reason, 1.0) for n, one in enumerate(top)]
        for one in placed:
            article = asked.columns.article(pool[one.row])
            rule = _rule(reader, article, one)
            chosen.append(_Choice(len(top) + one.row, article, rule, one.propensity))
        likest = _likest(ranked.vectors[[one.row for one in chosen]], ranked.history, asked.read)
        return [
            FeedItem(
                article_id=one.article.article_id,
                position=place,
                score=float(ranked.scores[one.row]),
                strategy=_strategy(reader, one.rule),
                propensity=one.propensity,
                explanation=explain(
                    reader,
                    one.article,
                    asked.read,
                    ranked.ranker.contributions(ranked.features[one.row]),
                    asked.shown.popularity.get(one.article.article_id, UNREAD),
                    likest=like,
                    rule=one.rule,
                ),
                features=dict(zip(NAMES, ranked.features[one.row].tolist(), strict=True)),
                ranking=ranked.ranker.version,
            )
            for place, (one, like) in enumerate(zip(chosen, likest, strict=True), start=1)
        ]

    def _asked(self, reader: Reader, context: Context) -> "_Asked":
        columns = self._articles.columns
        read_rows = columns.rows(self._articles.keys(reader.recent))
        return _Asked(
            reader,
            context,
            columns,
            self._shelf,
            read_rows,
            read=[columns.article(row) for row in read_rows],
            read_next=self._articles.by_key(features.covisits(reader, context)),
        )

    def _on_top(self, asked: "_Asked") -> list["_Top"]:
        """Open alerts that concern the reader, then editors' picks; a story once."""
        reader, context = asked.reader, asked.context
        found: list[tuple[FeedArticle, Reason]] = []
        for alert in alerts_for(context):
            leads = [a for name in alert.articles if (a := self._articles.get(name)) is not None]
            chosen = _in_own_language(
                reader, context, [*leads, *self._articles.of_story(alert.story_id)]
            )
            if chosen is not None:
                found.append((replace(chosen, story_id=alert.story_id), override(alert)))
        for pick in _picks_for(context):
            of_pick = (
                [a for a in [self._articles.get(pick.id)] if a is not None]
                if pick.kind == "article"
                else self._articles.of_story(pick.id)
            )
            chosen = _in_own_language(reader, context, of_pick)
            if chosen is not None and chosen.article_id not in reader.hidden_articles:
                found.append((chosen, picked(pick)))
        kept: list[_Top] = []
        articles: set[str] = set()
        stories: set[str | None] = set()
        for article, reason in found:
            if article.article_id in articles or article.story_id in stories - {None}:
                continue
            for row in asked.columns.rows(self._articles.keys([article.article_id])):
                kept.append(_Top(row, article, reason))
            articles.add(article.article_id)
            stories.add(article.story_id)
        return kept

    def _floor_rows(self, asked: "_Asked", top: Sequence["_Top"]) -> Whole:
        """What everyone should know and this reader has neither seen nor hidden, a story once."""
        reader = asked.reader
        known = [a for name in reader.seen if (a := self._articles.get(name)) is not None]
        on_top = [one.article for one in top]
        stories = {article.story_id for article in (*on_top, *known)} - {None}
        away = reader.seen | reader.hidden_articles | {article.article_id for article in on_top}
        found: list[str] = []
        for name in _by_languages(asked.shown.important, asked.context):
            article = self._articles.get(name)
            if article is None or name in away or article.story_id in stories:
                continue
            found.append(name)
            if len(found) == self._floor.stories:
                break
        return asked.columns.rows(self._articles.keys(found))

    def _pool(self, asked: "_Asked", floor: Whole) -> Whole:
        """Rows of what is ranked, each once: the floor, then what is worth it for this reader."""
        reader, context, columns = asked.reader, asked.context, asked.columns
        recalled = columns.rows(self._recalled(asked))
        recalled = np.array(list(dict.fromkeys(recalled.tolist())), np.int64)
        away = columns.rows(self._articles.keys((*reader.seen, *reader.hidden_articles)))
        wanted = np.isin(columns.facts(recalled)["language"], codes(context.languages))
        wanted &= ~np.isin(recalled, np.concatenate([away, floor]))
        if reader.hides_kinds:
            wanted &= ~_hidden(reader, columns, recalled)
        covered = [desk.topics for desk in context.desks]
        if covered and all(covered):
            topics = columns.topics(recalled)
            wanted &= topics.any_of(frozenset().union(*covered)) | ~topics.any()
        return np.concatenate([floor, recalled[wanted]])

    def _recalled(self, asked: "_Asked") -> Whole:
        """Keys that one of the ways gives; some twice, some in a language nobody asked for."""
        articles, limits = self._articles, self._recall
        reader, context = asked.reader, asked.context
        since_ms = context.now_ms - articles.keep_ms
        found = []
        for vector in (reader.long, reader.session):
            if vector is not None:
                near = articles.nearest_keys(
                    vector, reader.vector_version, context.languages, limits.nearest, since_ms
                )
                found.append(near.keys)
        common = list(_by_languages(asked.shown.common, context))[: limits.common]
        found.append(np.array(common, np.int64))
        found.append(asked.read_next.largest(limits.covisited))
        names = [
            *(a for key in sorted(reader.followed) for a in articles.about(key)[: limits.entity]),
            *(
                a
                for story in _stories(asked.read)
                for a in articles.of_story(story)[: limits.story]
            ),
        ]
        found.append(articles.keys(article.article_id for article in names))
        newest = articles.newest_keys(context.languages, limits.newest, since_ms)
        found.append(np.array(newest, np.int64))
        return np.concatenate(found)

    def _ranked(self, asked: "_Asked", top: Sequence["_Top"], pool: Whole) -> "_Ranked":
        """Features and scores of what is on top and of the pool, in this order."""
        reader, columns = asked.reader, asked.columns
        rows = np.concatenate([np.array([one.row for one in top], np.int64), pool])
        articles = columns.picked(rows)
        articles.facts["story"][: len(top)] = [code(one.article.story_id) for one in top]
        version = reader.vector_version or _newest_version(columns, rows)
        vectors, history = columns.vectors(rows, version), columns.vectors(asked.read_rows, version)
        keys = columns.keys(rows)
        found = features.rows(
            reader,
            asked.context.now_ms,
            articles,
            vectors=vectors if reader.vector_version else vectors[:, :0],
            read_stories=columns.facts(asked.read_rows)["story"],
            read_vectors=history,
            clicks=asked.shown.clicks.of(keys),
            read_next=asked.read_next.of(keys),
        )
        ranker = self._ranker
        scores = ranker.scores(Slate(found, vectors, history))
        return _Ranked(ranker, articles.facts, found, vectors, history, scores)


class _Asked(NamedTuple):
    """Who asks when, and what was at hand then: others may write on.

    read       articles that the reader read, the newest first, in `read_rows` of the columns
    read_next  shares of readers who went on from one of these
    """

    reader: Reader
    context: Context
    columns: Columns
    shown: Shelf
    read_rows: Whole
    read: Sequence[FeedArticle]
    read_next: ByKey


class _Top(NamedTuple):
    """An article that a rule puts on top."""

    row: int
    article: FeedArticle
    reason: Reason


class _Ranked(NamedTuple):
    """Articles in order of nothing yet, a row each, and the vectors of what was read."""

    ranker: Ranker
    facts: Facts
    features: Array
    vectors: Vectors
    history: Vectors
    scores: Array


class _Choice(NamedTuple):
    """An item of the feed; `row` among the ranked."""

    row: int
    article: FeedArticle
    rule: Reason | None
    propensity: float


def shelf(
    articles: FreshArticles,
    popularity: Mapping[str, Popularity],
    now_ms: int,
    ranker: Ranker,
    recall: Recall,
    floor: Floor,
) -> Shelf:
    """What is the same for all readers. Clicks on articles that are not fresh count for nothing."""
    clicked = [(a, n) for name, n in popularity.items() if (a := articles.get(name)) is not None]
    names: dict[str, list[str]] = {}
    subjects: dict[str, dict[str, float]] = {}
    for article, count in clicked:
        names.setdefault(article.language, []).append(article.article_id)
        of_language = subjects.setdefault(article.language, {})
        of_language[article.subject] = of_language.get(article.subject, 0.0) + count.day
    clicks = articles.by_key({article.article_id: n for article, n in clicked}, len(UNREAD))
    common: dict[str, tuple[int, ...]] = {}
    important: dict[str, tuple[str, ...]] = {}
    for language in articles.languages:
        newest = articles.newest_keys([language], LOOKED_THROUGH, now_ms - articles.keep_ms)
        keys = np.union1d(articles.keys(names.get(language, ())), np.array(newest, np.int64))
        best = _best_for_anyone(articles.columns, keys, clicks, ranker, now_ms)
        common[language] = tuple(best[: recall.common].tolist())
        fresh = articles.newest([language], len(articles), now_ms - floor.within_ms)
        important[language] = _most_important(fresh, floor)
    return Shelf(
        popularity={article.article_id: count for article, count in clicked},
        clicks=clicks,
        common=common,
        important=important,
        subjects={language: _shares(found) for language, found in subjects.items()},
    )


def _best_for_anyone(
    columns: Columns, keys: Whole, clicks: ByKey, ranker: Ranker, now_ms: int
) -> Whole:
    """The keys in the order in which a reader would get them of whom nothing is known."""
    rows = columns.rows(keys)
    vectors = columns.vectors(rows, _newest_version(columns, rows))
    nobody, nothing = Reader(), vectors[:0]
    found = features.rows(
        nobody,
        now_ms,
        columns.picked(rows),
        vectors=vectors[:, :0],
        read_stories=np.zeros(0, np.int64),
        read_vectors=nothing,
        clicks=clicks.of(columns.keys(rows)),
        read_next=np.zeros(len(rows)),
    )
    scores = ranker.scores(Slate(found, vectors, nothing))
    return columns.keys(rows[np.argsort(-scores, kind="stable")])


def alerts_for(context: Context) -> list[OpenAlert]:
    """Open alerts of the reader's languages and desks, one a story, the surest first."""
    desks = {desk.name for desk in context.desks}
    found: dict[str, OpenAlert] = {}
    for alert in sorted(context.alerts, key=lambda a: (-a.score, -a.at_ms, a.alert_id)):
        if alert.expires_ms > context.now_ms and alert.concerns(context.languages, desks):
            found.setdefault(alert.story_id, alert)
    return list(found.values())


def wanted_mix(reader: Reader, context: Context, shown: Shelf) -> dict[str, float]:
    """Share of each subject: the reader's, and while the profile is young what all readers read."""
    trust = certainty(reader.clicks)
    of_all: dict[str, float] = {}
    for language in context.languages:
        for subject, share in shown.subjects.get(language, {}).items():
            of_all[subject] = of_all.get(subject, 0.0) + share
    own = {s: liked for s in of_all if (liked := reader.topics.get(s, 0.0)) > 0}
    if not own:
        return _shares(of_all)
    mine, all_readers = _shares(own), _shares(of_all)
    return {s: trust * mine.get(s, 0.0) + (1 - trust) * all_readers[s] for s in all_readers}


def _picks_for(context: Context) -> list[Pick]:
    desks = {desk.name for desk in context.desks}
    return [
        pick
        for pick in context.picks
        if pick.until_ms > context.now_ms and (pick.desk is None or not desks or pick.desk in desks)
    ]


def _hidden(reader: Reader, columns: Columns, rows: Whole) -> Booleans:
    """Which rows are of a source, a story, a topic or an entity that the reader hides."""
    facts = columns.facts(rows)
    return (
        np.isin(facts["source"], codes(reader.hidden_sources))
        | np.isin(facts["story"], codes(reader.hidden_stories))
        | columns.topics(rows).any_of(reader.hidden_topics)
        | columns.entities(rows).any_of(reader.hidden_entities)
    )


def _wanted(reader: Reader, article: FeedArticle) -> bool:
    """Neither seen nor hidden."""
    return not (
        article.article_id in reader.seen
        or article.article_id in reader.hidden_articles
        or article.source in reader.hidden_sources
        or article.story_id in reader.hidden_stories
        or (reader.hidden_topics and not reader.hidden_topics.isdisjoint(article.topics))
        or (reader.hidden_entities and not reader.hidden_entities.isdisjoint(article.entities))
    )


def _in_own_language(
    reader: Reader, context: Context, articles: Sequence[FeedArticle]
) -> FeedArticle | None:
    """The first article in the reader's best language, rather one that is not hidden."""
    ranks = {language: rank for rank, language in enumerate(context.languages)}
    readable = [article for article in articles if article.language in ranks]
    return min(
        readable,
        key=lambda a: (a.article_id in reader.hidden_articles, ranks[a.language]),
        default=None,
    )


def _most_important(fresh: Iterable[FeedArticle], floor: Floor) -> tuple[str, ...]:
    """One article of each story, the most important first."""
    found: dict[str, FeedArticle] = {}
    for article in fresh:
        if article.importance is None or article.importance < floor.importance:
            continue
        story = article.story_id or article.article_id
        known = found.get(story)
        if known is None or (known.importance or 0.0) < article.importance:
            found[story] = article
    ranked = sorted(found.values(), key=lambda a: (-(a.importance or 0.0), a.article_id))
    return tuple(article.article_id for article in ranked[:MOST_IMPORTANT])


def _by_languages(lists: Mapping[str, Sequence[Of]], context: Context) -> Iterator[Of]:
    """The lists of the reader's languages, one of each in turn."""
    columns = [lists.get(language, ()) for language in context.languages]
    for names in zip_longest(*columns):
        yield from (name for name in names if name is not None)


def _candidates(facts: Facts, vectors: Vectors, scores: Array) -> Candidates:
    relevance = rerank.relevance(scores)
    return Candidates(
        relevance=relevance,
        vectors=vectors,
        subjects=facts["subject"],
        sources=facts["source"],
        stories=facts["story"],
        explored=relevance >= EXPLORED_FROM,
    )


def _newest_version(columns: Columns, rows: Whole) -> str:
    """The encoder of the newest article that has a vector."""
    facts = columns.facts(rows)
    encoded = np.flatnonzero(facts["encoder"] != NO_NAME)
    if not len(encoded):
        return ""
    newest = encoded[facts["published_ms"][encoded].argmax()]
    return columns.article(rows[newest]).vector_version


def _stories(read: Iterable[FeedArticle]) -> list[str]:
    return sorted({article.story_id for article in read if article.story_id is not None})


def _likest(
    vectors: Vectors, history: Vectors, read: Sequence[FeedArticle]
) -> list[FeedArticle | None]:
    """For each vector the article read that is most like it, None where vectors cannot tell."""
    known = np.flatnonzero(history.any(axis=1))
    if not len(known):
        return [None] * len(vectors)
    best = known[(vectors @ history[known].T).argmax(axis=1)]
    told = vectors.any(axis=1)
    return [read[row] if tells else None for row, tells in zip(best, told, strict=True)]


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def _rule(reader: Reader, article: FeedArticle, placed: Placed) -> Reason | None:
    """What put an article into its place, if it was not its score."""
    if placed.forced or not _wanted(reader, article):
        return Reason("floor", (), 0.0)
    return Reason("explore", (), 0.0) if placed.explored else None


def _strategy(reader: Reader, rule: Reason | None) -> Strategy:
    if rule is not None and rule.kind in RULES:
        return RULES[rule.kind]
    return "cold_start" if reader.is_new else "personal"
