"""Numbers of a reader and an article that are known when a feed is served.

A feed logs them as it served them, so that a ranking learns from what was known then, never from
what came of it. Affinities shrink while the profile is young (`certainty`): a reader of one click
gets a little of it, a reader of none gets what all read.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.ranking.article import FeedArticle, vectors_of
from models.ranking.reader import Context, Reader

Array = npt.NDArray[np.float64]

CLICKS_TO_TRUST = 3.0
"""Effective clicks after which a profile counts half."""

HOUR_MS = 3_600_000
QUARTERS = 4


class Popularity(NamedTuple):
    """Clicks that an article had in the last quarter of an hour, hour and day, of all readers."""

    quarter: float = 0.0
    hour: float = 0.0
    day: float = 0.0


UNREAD = Popularity()


class Features(NamedTuple):
    """Articles for one reader, a column each.

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

    long: Array
    session: Array
    recent: Array
    topics: Array
    sources: Array
    entities: Array
    followed: Array
    story: Array
    covisits: Array
    hour: Array
    day: Array
    rising: Array
    age: Array
    importance: Array
    certainty: Array


NAMES = Features._fields

_LOOKED_UP = (
    *("topics", "sources", "entities", "followed", "story", "covisits", "importance", "age_ms"),
    *Popularity._fields,
)


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
    long, session, recent = _cosines(reader, articles, read)
    stories = {article.story_id for article in read} - {None}
    read_next = covisits(reader, context)
    looked_up = (
        (
            topic_affinity(reader, a),
            reader.sources.get(a.source, 0.0),
            entity_affinity(reader, a),
            len(reader.followed & a.entities.keys()) if reader.followed else 0,
            a.story_id in stories,
            read_next.get(a.article_id, 0.0),
            0.5 if a.importance is None else a.importance,
            context.now_ms - a.published_ms,
            *popularity.get(a.article_id, UNREAD),
        )
        for a in articles
    )
    numbers = np.fromiter(chain.from_iterable(looked_up), np.float64)
    found = dict(zip(_LOOKED_UP, numbers.reshape(-1, len(_LOOKED_UP)).T, strict=True))
    columns = Features(
        long=trust * long,
        session=trust * session,
        recent=trust * recent,
        topics=trust * found["topics"],
        sources=trust * found["sources"],
        entities=trust * found["entities"],
        followed=found["followed"],
        story=found["story"],
        covisits=found["covisits"],
        hour=np.log1p(found["hour"]),
        day=np.log1p(found["day"]),
        rising=np.log1p(QUARTERS * found["quarter"]) - np.log1p(found["hour"]),
        age=np.log1p(np.maximum(0.0, found["age_ms"]) / HOUR_MS),
        importance=found["importance"],
        certainty=np.full(len(articles), trust),
    )
    return np.stack(columns, axis=1)


def topic_affinity(reader: Reader, article: FeedArticle) -> float:
    """Affinity to the article's topics, the mean by the topics' scores; 0 without topics."""
    liked, topics = reader.topics, article.topics
    if liked.keys().isdisjoint(topics) or not (total := sum(topics.values())):
        return 0.0
    return sum(s * liked[code] for code, s in topics.items() if code in liked) / total


def entity_affinity(reader: Reader, article: FeedArticle) -> float:
    """The strongest affinity to an entity of the article, liked or not."""
    liked = reader.entities
    if liked.keys().isdisjoint(article.entities):
        return 0.0
    return max((liked[key] for key in article.entities if key in liked), key=abs)


def covisits(reader: Reader, context: Context) -> dict[str, float]:
    """By article, the largest share of readers who went on to it from one of the last read."""
    found: dict[str, float] = {}
    for name in reader.recent:
        for other, share in context.covisits.get(name, {}).items():
            if share > found.get(other, 0.0):
                found[other] = share
    return found


def _cosines(
    reader: Reader, articles: Sequence[FeedArticle], read: Sequence[FeedArticle]
) -> tuple[Array, Array, Array]:
    """To the long and the session vector, and the largest to what was read; 0 where one lacks."""
    version = reader.vector_version
    vectors = vectors_of(articles, version)
    long, session, recent = np.zeros((3, len(articles)))
    if not vectors.size:
        return long, session, recent
    for into, vector in ((long, reader.long), (session, reader.session)):
        if vector is not None and (length := float(np.linalg.norm(vector))):
            into[:] = vectors @ (vector / length)
    known = [a.vector for a in read if a.vector is not None and a.vector_version == version]
    if known:
        recent[:] = (vectors @ np.stack(known).T).max(axis=1)
    return long, session, recent
