"""Numbers of a reader and an article that are known when a feed is served.

A feed logs them as it served them, so that a ranking learns from what was known then, never from
what came of it. Affinities shrink while the profile is young (`certainty`): a reader of one click
gets a little of it, a reader of none gets what all read.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.ranking.article import FeedArticle
from models.ranking.reader import Context, Reader

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

CLICKS_TO_TRUST = 3.0
"""Effective clicks after which a profile counts half."""

HOUR_MS = 3_600_000
QUARTERS = 4


class Popularity(NamedTuple):
    """Clicks that an article had in the last quarter of an hour, hour and day, of all readers."""

    quarter: float = 0.0
    hour: float = 0.0
    day: float = 0.0


class Features(NamedTuple):
    """One article for one reader.

    long, session    cosine to the decayed means of what was read, times certainty
    recent           largest cosine to one of the last articles read, times certainty
    topics, sources, entities   affinity, times certainty
    followed         entities of the article that the reader follows
    story            1 where the reader has read of this story
    covisits         share of readers of the last articles read who went on to this one
    hour, day        log(1 + clicks) in the last hour and day
    rising           log of the last quarter's pace over the hour's
    age              log(1 + hours since it was published)
    importance       as the article says; 0.5 where no model answers
    certainty        0 for a new reader, 1 for one who is well known
    """

    long: float
    session: float
    recent: float
    topics: float
    sources: float
    entities: float
    followed: float
    story: float
    covisits: float
    hour: float
    day: float
    rising: float
    age: float
    importance: float
    certainty: float


NAMES = Features._fields


def certainty(clicks: float) -> float:
    """How far a profile of so many effective clicks is trusted.

    >>> [round(certainty(clicks), 2) for clicks in (0, 1, 3, 30)]
    [0.0, 0.25, 0.5, 0.91]
    """
    return max(0.0, clicks) / (max(0.0, clicks) + CLICKS_TO_TRUST)


def features(
    reader: Reader,
    context: Context,
    articles: Sequence[FeedArticle],
    read: Sequence[FeedArticle],
    popularity: Mapping[str, Popularity],
) -> Array:
    """float64 (articles, NAMES).

    read  the articles of `reader.recent` that are known, the newest first
    """
    trust = certainty(reader.clicks)
    long, session, recent = (trust * cosines for cosines in _cosines(reader, articles, read))
    stories = {article.story_id for article in read} - {None}
    rows = [
        Features(
            long=long[row],
            session=session[row],
            recent=recent[row],
            topics=trust * topic_affinity(reader, article),
            sources=trust * reader.sources.get(article.source, 0.0),
            entities=trust * entity_affinity(reader, article),
            followed=float(len(reader.followed & article.entities.keys())),
            story=float(article.story_id in stories),
            covisits=covisits(reader, context, article.article_id),
            importance=0.5 if article.importance is None else article.importance,
            age=math.log1p(max(0, context.now_ms - article.published_ms) / HOUR_MS),
            certainty=trust,
            **_pace(popularity.get(article.article_id, Popularity())),
        )
        for row, article in enumerate(articles)
    ]
    return np.array(rows, np.float64).reshape(len(rows), len(NAMES))


def topic_affinity(reader: Reader, article: FeedArticle) -> float:
    """Affinity to the article's topics, the mean by the topics' scores; 0 without topics."""
    total = sum(article.topics.values())
    if not total:
        return 0.0
    return sum(s * reader.topics.get(code, 0.0) for code, s in article.topics.items()) / total


def entity_affinity(reader: Reader, article: FeedArticle) -> float:
    """The strongest affinity to an entity of the article, liked or not."""
    known = [reader.entities[key] for key in article.entities if key in reader.entities]
    return max(known, key=abs, default=0.0)


def covisits(reader: Reader, context: Context, article_id: str) -> float:
    """The largest share of readers who went on from one of the last articles read."""
    return max(
        (context.covisits.get(name, {}).get(article_id, 0.0) for name in reader.recent),
        default=0.0,
    )


def _cosines(
    reader: Reader, articles: Sequence[FeedArticle], read: Sequence[FeedArticle]
) -> tuple[Array, Array, Array]:
    """To the long and the session vector, and the largest to what was read; 0 where one lacks."""
    version = reader.vector_version
    places = [
        row
        for row, article in enumerate(articles)
        if article.vector is not None and article.vector_version == version
    ]
    long, session, recent = np.zeros((3, len(articles)))
    if not places:
        return long, session, recent
    vectors = np.stack([v for row in places if (v := articles[row].vector) is not None])
    for into, vector in ((long, reader.long), (session, reader.session)):
        if vector is not None and (length := float(np.linalg.norm(vector))):
            into[places] = vectors @ (vector / length)
    known = [a.vector for a in read if a.vector is not None and a.vector_version == version]
    if known:
        recent[places] = (vectors @ np.stack(known).T).max(axis=1)
    return long, session, recent


def _pace(clicks: Popularity) -> dict[str, float]:
    hour = math.log1p(clicks.hour)
    return {
        "hour": hour,
        "day": math.log1p(clicks.day),
        "rising": math.log1p(QUARTERS * clicks.quarter) - hour,
    }
