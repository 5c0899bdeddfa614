"""What readers of all profiles have in common, prepared once for everybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from models.ranking import features
from models.ranking.article import FeedArticle
from models.ranking.columns import NO_NAME, ByKey, Columns, Whole
from models.ranking.features import UNREAD, Popularity, certainty
from models.ranking.fresh import HOUR_MS, FreshArticles
from models.ranking.rankers import Ranker, Slate
from models.ranking.reader import Context, Reader

MOST_IMPORTANT = 50
"""Stories of a language that everyone should know, of which a feed shows a few."""

LOOKED_THROUGH = 3000
"""Newest articles of a language among which, and among those clicked, the best are found."""


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


def shelf(
    articles: FreshArticles,
    popularity: Mapping[str, Popularity],
    now_ms: int,
    ranker: Ranker,
    common_most: int,
    floor: Floor,
) -> Shelf:
    """What is the same for all readers. Clicks on articles that are not fresh count for nothing.

    common_most  how many of the best for who is not known
    """
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
        common[language] = tuple(best[:common_most].tolist())
        fresh = articles.newest([language], len(articles), now_ms - floor.within_ms)
        important[language] = _most_important(fresh, floor)
    return Shelf(
        popularity={article.article_id: count for article, count in clicked},
        clicks=clicks,
        common=common,
        important=important,
        subjects={language: _shares(found) for language, found in subjects.items()},
    )


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


def newest_version(columns: Columns, rows: Whole) -> str:
    """The encoder of the newest article that has a vector."""
    facts = columns.facts(rows)
    encoded = np.flatnonzero(facts["encoder"] != NO_NAME)
    if not len(encoded):
        return ""
    newest = encoded[facts["published_ms"][encoded].argmax()]
    return columns.article(rows[newest]).vector_version


def _best_for_anyone(
    columns: Columns, keys: Whole, clicks: ByKey, ranker: Ranker, now_ms: int
) -> Whole:
    """The keys in the order in which a reader would get them of whom nothing is known."""
    rows = columns.rows(keys)
    vectors = columns.vectors(rows, newest_version(columns, rows))
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


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}
