"""Given a reader, what now?

    candidates ── features ── ranker ── rerank ──> items, each with its explanation
       │ nearest to long and session vector, best for anyone, followed, same story, read next, new
       └ on top: open alerts of the reader's languages and desks, then editors' picks

A feed is a function of what it is given: the same reader, context and draw give the same items.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from models.ranking import features, rerank
from models.ranking.article import FeedArticle, Vectors
from models.ranking.columns import Array, Booleans, ByKey, Columns, Facts, Whole, code, codes
from models.ranking.explanation import Explanation, Reason, explain
from models.ranking.features import NAMES, UNREAD, Popularity
from models.ranking.fresh import FreshArticles
from models.ranking.on_top import Top, on_top
from models.ranking.rankers import Ranker, Slate
from models.ranking.reader import Context, Reader
from models.ranking.rerank import Candidates, Placed, Policy
from models.ranking.shelf import Floor, Shelf, newest_version, shelf, wanted_mix

Of = TypeVar("Of")
Strategy = Literal["override", "pick", "floor", "explore", "personal", "cold_start"]
RULES: Mapping[str, Strategy] = {
    "override": "override",
    "pick": "pick",
    "floor": "floor",
    "explore": "explore",
}

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
            self._articles, popularity, now_ms, self._ranker, self._recall.common, self._floor
        )

    def rank(
        self, reader: Reader, context: Context, k: int = 20, *, draw: int = 0
    ) -> list[FeedItem]:
        """The reader's feed of at most k items, from the top.

        draw  number of the request: decides what exploration draws
        """
        asked = self._asked(reader, context)
        top = on_top(reader, context, self._articles, asked.columns)[:k]
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

    def _floor_rows(self, asked: "_Asked", top: Sequence[Top]) -> Whole:
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

    def _ranked(self, asked: "_Asked", top: Sequence[Top], pool: Whole) -> "_Ranked":
        """Features and scores of what is on top and of the pool, in this order."""
        reader, columns = asked.reader, asked.columns
        rows = np.concatenate([np.array([one.row for one in top], np.int64), pool])
        articles = columns.picked(rows)
        articles.facts["story"][: len(top)] = [code(one.article.story_id) for one in top]
        version = reader.vector_version or newest_version(columns, rows)
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


def _rule(reader: Reader, article: FeedArticle, placed: Placed) -> Reason | None:
    """What put an article into its place, if it was not its score."""
    if placed.forced or not _wanted(reader, article):
        return Reason("floor", (), 0.0)
    return Reason("explore", (), 0.0) if placed.explored else None


def _strategy(reader: Reader, rule: Reason | None) -> Strategy:
    if rule is not None and rule.kind in RULES:
        return RULES[rule.kind]
    return "cold_start" if reader.is_new else "personal"
