"""Features of many articles at once are those of each article by itself."""

import math
import random

import numpy as np
import pytest

from models.ranking.article import FeedArticle
from models.ranking.features import CLICKS_TO_TRUST, NAMES, Popularity, features
from models.ranking.reader import Context, Reader

HOUR_MS = 3_600_000
NOW = 1_000_000 * HOUR_MS
WIDTH = 8


def unit(chance: random.Random) -> np.ndarray:
    vector = np.array([chance.gauss(0, 1) for _ in range(WIDTH)], np.float32)
    return vector / np.linalg.norm(vector)


def some(chance: random.Random, letter: str, most: int = 6) -> list[str]:
    return [f"{letter}{n}" for n in chance.sample(range(12), chance.randrange(most))]


def article(chance: random.Random, number: int) -> FeedArticle:
    return FeedArticle(
        article_id=f"a{number}",
        title="",
        source=chance.choice(["north", "south", "east"]),
        published_ms=NOW - chance.randrange(-HOUR_MS, 50 * HOUR_MS),
        language="en",
        vector=chance.choice([None, unit(chance), unit(chance)]),
        vector_version=chance.choice(["1", "1", "2"]),
        topics={name: chance.choice([0.0, chance.random()]) for name in some(chance, "t")},
        entities={name: name for name in some(chance, "q")},
        importance=chance.choice([None, chance.random()]),
        story_id=chance.choice([None, "s1", "s2"]),
    )


def reader(chance: random.Random, recent: list[str]) -> Reader:
    return Reader(
        long=chance.choice([None, 3 * unit(chance)]),
        session=chance.choice([None, unit(chance)]),
        vector_version="1",
        clicks=chance.choice([0, 1, 40]),
        topics={name: chance.uniform(-1, 1) for name in some(chance, "t")},
        sources={"north": 0.5, "south": -0.25},
        entities={name: chance.uniform(-1, 1) for name in some(chance, "q")},
        followed=frozenset(some(chance, "q", 3)),
        recent=tuple(recent),
    )


def plainly(
    reader: Reader, context: Context, one: FeedArticle, read: list[FeedArticle], clicks: Popularity
) -> dict[str, float]:
    """The features of one article, as docs and docstrings define them."""
    trust = reader.clicks / (reader.clicks + CLICKS_TO_TRUST)

    def cosine(vector) -> float:
        if vector is None or one.vector is None or one.vector_version != reader.vector_version:
            return 0.0
        return float(one.vector @ vector / np.linalg.norm(vector))

    like = [cosine(a.vector) for a in read if a.vector is not None and a.vector_version == "1"]
    total = sum(one.topics.values())
    liked = [reader.entities[q] for q in one.entities if q in reader.entities]
    shares = [context.covisits.get(name, {}).get(one.article_id, 0.0) for name in reader.recent]
    return {
        "long": trust * cosine(reader.long),
        "session": trust * cosine(reader.session),
        "recent": trust * max(like, default=0.0),
        "topics": trust
        * (sum(s * reader.topics.get(t, 0.0) for t, s in one.topics.items()) / (total or 1.0)),
        "sources": trust * reader.sources.get(one.source, 0.0),
        "entities": trust * max(liked, key=abs, default=0.0),
        "followed": len(reader.followed & one.entities.keys()),
        "story": float(one.story_id is not None and one.story_id in {a.story_id for a in read}),
        "covisits": max(shares, default=0.0),
        "hour": math.log1p(clicks.hour),
        "day": math.log1p(clicks.day),
        "rising": math.log1p(4 * clicks.quarter) - math.log1p(clicks.hour),
        "age": math.log1p(max(0, NOW - one.published_ms) / HOUR_MS),
        "importance": 0.5 if one.importance is None else one.importance,
        "certainty": trust,
    }


@pytest.mark.parametrize("seed", range(20))
def test_features_are_those_of_each_article_by_itself(seed):
    chance = random.Random(seed)
    articles = [article(chance, n) for n in range(30)]
    read = [article(chance, 100 + n) for n in range(chance.randrange(4))]
    who = reader(chance, [a.article_id for a in read])
    popularity = {f"a{n}": Popularity(1, 2 + n, 30) for n in range(0, 30, 2)}
    covisits = {a.article_id: {"a3": chance.random(), "a7": 0.2, "gone": 1.0} for a in read}
    context = Context(NOW, ("en",), covisits=covisits)
    found = features(who, context, articles, read, popularity)
    for one, row in zip(articles, found, strict=True):
        clicks = popularity.get(one.article_id, Popularity())
        expected = plainly(who, context, one, read, clicks)
        assert dict(zip(NAMES, row.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)


def test_no_articles_have_no_features():
    assert features(Reader(), Context(NOW, ("en",)), [], [], {}).shape == (0, len(NAMES))
