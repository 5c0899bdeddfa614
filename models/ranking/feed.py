"""Given a reader, what now?

    candidates ── features ── ranker ── rerank ──> items, each with its explanation
       │ nearest to long and session vector, popular, followed, same story, read next, new
       └ on top: open alerts of the reader's languages and desks, then editors' picks

A feed is a function of what it is given: the same reader, context and draw give the same items.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Literal

import numpy as np

from models.ranking import rerank
from models.ranking.article import FeedArticle, Vectors, vectors_of
from models.ranking.explanation import Explanation, Reason, explain, override, picked
from models.ranking.features import NAMES, UNREAD, Array, Popularity, certainty, features
from models.ranking.fresh import HOUR_MS, FreshArticles
from models.ranking.rankers import Ranker, Slate
from models.ranking.reader import Context, OpenAlert, Pick, Reader
from models.ranking.rerank import Candidates, Placed, Policy

Strategy = Literal["override", "pick", "floor", "explore", "personal", "cold_start"]
RULES: Mapping[str, Strategy] = {
    "override": "override",
    "pick": "pick",
    "floor": "floor",
    "explore": "explore",
}

MOST_IMPORTANT = 50
"""Stories of a language that everyone should know, of which a feed shows a few."""

EXPLORED_FROM = 0.5
"""Relevance from which on exploration may choose an article: better than the mean candidate."""


@dataclass(frozen=True)
class Recall:
    """How many candidates each way may give."""

    nearest: int = 60
    popular: int = 40
    newest: int = 40
    entity: int = 5
    story: int = 2
    covisited: int = 10


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


@dataclass(frozen=True)
class Shelf:
    """What readers of all profiles have in common, prepared once for everybody.

    popularity  of articles that were clicked within a day
    popular     by language, the most clicked of the last hour first
    important   by language, one article a story, the most important first
    subjects    by language, share of the clicks of a day
    """

    popularity: Mapping[str, Popularity] = field(default_factory=dict)
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
        self._shelf = shelf(self._articles, popularity, now_ms, self._recall, self._floor)

    def replace_ranker(self, ranker: Ranker) -> None:
        """Rank by another ranker from the next feed on."""
        self._ranker = ranker

    def rank(
        self, reader: Reader, context: Context, k: int = 20, *, draw: int = 0
    ) -> list[FeedItem]:
        """The reader's feed of at most k items, from the top.

        draw  number of the request: decides what exploration draws
        """
        shown, ranker = self._shelf, self._ranker
        read = [a for name in reader.recent if (a := self._articles.get(name)) is not None]
        top = self._on_top(reader, context, k)
        floor = self._floor_articles(reader, context, shown, [article for article, _ in top])
        pool = self._pool(reader, context, shown, read, top=top, floor=floor)
        everything = [*(article for article, _ in top), *pool]
        rows = features(reader, context, everything, read, shown.popularity)
        version = _version(reader, everything)
        vectors, history = vectors_of(everything, version), vectors_of(read, version)
        scores = ranker.scores(Slate(rows, vectors, history))
        placed = rerank.arrange(
            _as_candidates(pool, vectors[len(top) :], scores[len(top) :]),
            k - len(top),
            self._policy,
            wanted_mix(reader, context, shown),
            np.random.default_rng(draw),
            above=[(article.source, article.story_id) for article, _ in top],
            due={pool.index(article): self._floor.place - 1 for article in floor},
        )
        chosen = [
            *((row, reason, 1.0) for row, (_, reason) in enumerate(top)),
            *((len(top) + p.row, _rule(reader, pool[p.row], p), p.propensity) for p in placed),
        ]
        likest = _likest(vectors[[row for row, _, _ in chosen]], history, read)
        return [
            FeedItem(
                article_id=everything[row].article_id,
                position=place + 1,
                score=float(scores[row]),
                strategy=_strategy(reader, rule),
                propensity=propensity,
                explanation=explain(
                    reader,
                    everything[row],
                    read,
                    ranker.contributions(rows[row]),
                    shown.popularity.get(everything[row].article_id, UNREAD),
                    likest=likest[place],
                    rule=rule,
                ),
                features=dict(zip(NAMES, rows[row].tolist(), strict=True)),
                ranking=ranker.version,
            )
            for place, (row, rule, propensity) in enumerate(chosen)
        ]

    def _on_top(self, reader: Reader, context: Context, k: int) -> list[tuple[FeedArticle, Reason]]:
        """Open alerts that concern the reader, then editors' picks; a story once."""
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
        kept: list[tuple[FeedArticle, Reason]] = []
        articles: set[str] = set()
        stories: set[str | None] = set()
        for article, reason in found:
            if article.article_id in articles or article.story_id in stories - {None}:
                continue
            kept.append((article, reason))
            articles.add(article.article_id)
            stories.add(article.story_id)
        return kept[:k]

    def _floor_articles(
        self, reader: Reader, context: Context, shown: Shelf, top: Sequence[FeedArticle]
    ) -> list[FeedArticle]:
        """What everyone should know and this reader has neither seen nor hidden, a story once."""
        known = [a for name in reader.seen if (a := self._articles.get(name)) is not None]
        stories = {article.story_id for article in (*top, *known)} - {None}
        away = reader.seen | reader.hidden_articles
        found: list[FeedArticle] = []
        for name in _by_languages(shown.important, context):
            article = self._articles.get(name)
            if article is None or name in away or article.story_id in stories:
                continue
            found.append(article)
            if len(found) == self._floor.stories:
                break
        return found

    def _pool(
        self,
        reader: Reader,
        context: Context,
        shown: Shelf,
        read: Sequence[FeedArticle],
        *,
        top: Sequence[tuple[FeedArticle, Reason]],
        floor: Sequence[FeedArticle],
    ) -> list[FeedArticle]:
        """What is ranked, each once: the floor, then what is worth it for this reader."""
        languages = frozenset(context.languages)
        found = {article.article_id: article for article in floor}
        found |= {
            article.article_id: article
            for article in self._recalled(reader, context, shown, read)
            if article.language in languages
            and _wanted(reader, article)
            and _of_desks(article, context)
        }
        for article, _ in top:
            found.pop(article.article_id, None)
        return list(found.values())

    def _recalled(
        self, reader: Reader, context: Context, shown: Shelf, read: Sequence[FeedArticle]
    ) -> list[FeedArticle]:
        """Articles that one of the ways gives; some twice, some in a language nobody asked for."""
        since_ms = context.now_ms - self._articles.keep_ms
        limits = self._recall
        found: list[FeedArticle] = []
        for vector in (reader.long, reader.session):
            if vector is not None:
                near = self._articles.nearest(
                    vector, reader.vector_version, context.languages, limits.nearest, since_ms
                )
                found += [article for article, _ in near]
        names = list(_by_languages(shown.popular, context))[: limits.popular]
        for read_next in context.covisits.values():
            names += heapq.nlargest(limits.covisited, read_next, key=lambda n: (read_next[n], n))
        found += [a for name in names if (a := self._articles.get(name)) is not None]
        for entity in sorted(reader.followed):
            found += self._articles.about(entity)[: limits.entity]
        for story in sorted({a.story_id for a in read if a.story_id is not None}):
            found += self._articles.of_story(story)[: limits.story]
        found += self._articles.newest(context.languages, limits.newest, since_ms)
        return found


def shelf(
    articles: FreshArticles,
    popularity: Mapping[str, Popularity],
    now_ms: int,
    recall: Recall,
    floor: Floor,
) -> Shelf:
    """What is the same for all readers. Clicks on articles that are not fresh count for nothing."""
    clicked = [(a, n) for name, n in popularity.items() if (a := articles.get(name)) is not None]
    clicked.sort(key=lambda pair: (-pair[1].hour, -pair[1].day, pair[0].article_id))
    popular: dict[str, list[str]] = {}
    subjects: dict[str, dict[str, float]] = {}
    for article, count in clicked:
        popular.setdefault(article.language, []).append(article.article_id)
        of_language = subjects.setdefault(article.language, {})
        of_language[article.subject] = of_language.get(article.subject, 0.0) + count.day
    important: dict[str, tuple[str, ...]] = {}
    for language in articles.languages:
        fresh = articles.newest([language], len(articles), now_ms - floor.within_ms)
        important[language] = _most_important(fresh, floor)
    return Shelf(
        popularity={article.article_id: count for article, count in clicked},
        popular={language: tuple(names[: recall.popular]) for language, names in popular.items()},
        important=important,
        subjects={language: _shares(found) for language, found in subjects.items()},
    )


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


def _of_desks(article: FeedArticle, context: Context) -> bool:
    """Whether one of the desks covers the article; a desk without topics covers all."""
    covered = [desk.topics for desk in context.desks]
    return (
        not covered
        or not article.topics
        or any(not topics or not topics.isdisjoint(article.topics) for topics in covered)
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


def _by_languages(lists: Mapping[str, Sequence[str]], context: Context) -> Iterator[str]:
    """The lists of the reader's languages, one of each in turn."""
    columns = [lists.get(language, ()) for language in context.languages]
    for names in zip_longest(*columns):
        yield from (name for name in names if name is not None)


def _as_candidates(pool: Sequence[FeedArticle], vectors: Vectors, scores: Array) -> Candidates:
    relevance = rerank.relevance(scores)
    return Candidates(
        relevance=relevance,
        vectors=vectors,
        subjects=[article.subject for article in pool],
        sources=[article.source for article in pool],
        stories=[article.story_id for article in pool],
        explored=relevance >= EXPLORED_FROM,
    )


def _version(reader: Reader, articles: Sequence[FeedArticle]) -> str:
    """The encoder whose vectors are compared: the reader's, else that of the newest article."""
    encoded = [article for article in articles if article.vector is not None]
    if reader.vector_version or not encoded:
        return reader.vector_version
    return max(encoded, key=lambda article: article.published_ms).vector_version


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
