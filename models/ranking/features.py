"""Numbers of a reader and an article that are known when a feed is served.

A feed logs them as it served them, so that a ranking learns from what was known then, never from
what came of it. Affinities shrink while the profile is young (`certainty`): a reader of one click
gets a little of it, a reader of none gets what all read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.ranking.article import FeedArticle, Vector, Vectors
from models.ranking.columns import NO_NAME, Array, Codes, Columns, Picked, affinities
from models.ranking.reader import Context, Reader

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
    columns = Columns.of([*articles, *read])
    of_articles, of_read = np.split(np.arange(len(articles) + len(read)), [len(articles)])
    names = [article.article_id for article in articles]
    read_next = covisits(reader, context)
    clicks = [popularity.get(name, UNREAD) for name in names]
    return rows(
        reader,
        context.now_ms,
        columns.picked(of_articles),
        vectors=columns.vectors(of_articles, reader.vector_version),
        read_stories=columns.picked(of_read).facts["story"],
        read_vectors=columns.vectors(of_read, reader.vector_version),
        clicks=np.array(clicks, np.float64).reshape(-1, len(Popularity._fields)),
        read_next=np.array([read_next.get(name, 0.0) for name in names]),
    )


def rows(
    reader: Reader,
    now_ms: int,
    articles: Picked,
    *,
    vectors: Vectors,
    read_stories: Codes,
    read_vectors: Vectors,
    clicks: Array,
    read_next: Array,
) -> Array:
    """The same from columns: float64 (articles, NAMES).

    vectors, read_vectors  of the articles and of those read, by the reader's encoder
    clicks                 Popularity of each article, float64 (articles, 3)
    read_next              covisits of each article, float64 (articles,)
    """
    trust = certainty(reader.clicks)
    facts = articles.facts
    long, session, recent = _cosines(reader, vectors, read_vectors)
    quarter, hour, day = clicks.T
    columns = Features(
        long=trust * long,
        session=trust * session,
        recent=trust * recent,
        topics=trust * articles.topics.sums(reader.topics),
        sources=trust * affinities(reader.sources, facts["source"]),
        entities=trust * articles.entities.strongest(reader.entities),
        followed=articles.entities.sums(dict.fromkeys(reader.followed, 1.0)),
        story=np.isin(facts["story"], read_stories[read_stories != NO_NAME]).astype(np.float64),
        covisits=read_next,
        hour=np.log1p(hour),
        day=np.log1p(day),
        rising=np.log1p(QUARTERS * quarter) - np.log1p(hour),
        age=np.log1p(np.maximum(0, now_ms - facts["published_ms"]) / HOUR_MS),
        importance=facts["importance"],
        certainty=np.full(len(facts), trust),
    )
    return np.stack(columns, axis=1)


def covisits(reader: Reader, context: Context) -> dict[str, float]:
    """By article, the largest share of readers who went on to it from one of the last read."""
    found: dict[str, float] = {}
    for name in reader.recent:
        for other, share in context.covisits.get(name, {}).items():
            if share > found.get(other, 0.0):
                found[other] = share
    return found


def _cosines(reader: Reader, vectors: Vectors, read_vectors: Vectors) -> tuple[Array, Array, Array]:
    """To the long and the session vector, and the largest to what was read; 0 where one lacks."""
    if not vectors.size:
        long, session, recent = np.zeros((3, len(vectors)))
        return long, session, recent
    known = read_vectors[read_vectors.any(axis=1)]
    width = vectors.shape[1]
    asked = np.vstack([_unit(reader.long, width), _unit(reader.session, width), known])
    cosines = (vectors @ asked.T).astype(np.float64)
    recent = cosines[:, 2:].max(axis=1) if len(known) else np.zeros(len(vectors))
    return cosines[:, 0], cosines[:, 1], recent


def _unit(vector: Vector | None, width: int) -> Vector:
    """The vector at length 1; zeros for none."""
    length = 0.0 if vector is None else float(np.linalg.norm(vector))
    return np.zeros(width, np.float32) if vector is None or not length else vector / length
