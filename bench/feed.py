"""What a feed costs, and how much of exact search it finds: python -m bench.feed --help.

Simulated: articles in clumps, readers between a few articles; no word about what readers like.
"""

import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from models.ranking import rankers
from models.ranking.article import FeedArticle
from models.ranking.features import Popularity
from models.ranking.feed import Feed
from models.ranking.fresh import HOUR_MS, FreshArticles
from models.ranking.reader import Context, Reader

WIDTH = 384
CLUMPS = 2000
STORY_ARTICLES = 5
READERS = 500
READ = 3
FOUND = 100
CLICKED = 2000
NOW_MS = 1_000_000 * HOUR_MS
LANGUAGE = "en"


@dataclass(frozen=True)
class Cost:
    """Of one size.

    build_s       seconds to add all articles and build the index
    recall_p50_ms, recall_p99_ms   one search for FOUND neighbours
    recall        share of the FOUND nearest by exact search
    feed_p50_ms, feed_p99_ms       a whole feed of 20 with its explanations
    """

    articles: int
    kind: str
    build_s: float
    recall_p50_ms: float
    recall_p99_ms: float
    recall: float
    feed_p50_ms: float
    feed_p99_ms: float


def measure(count: int, *, seed: int = 7) -> Cost:
    """Cost at a number of fresh articles of one language."""
    chance = np.random.default_rng(seed)
    vectors = _vectors(chance, count)
    articles = FreshArticles()
    began = time.perf_counter()
    articles.add_all(_article(chance, number, vector) for number, vector in enumerate(vectors))
    articles.tidy(NOW_MS)
    build_s = time.perf_counter() - began
    readers = [_reader(chance, vectors) for _ in range(READERS)]
    searches, hits = [], 0
    for reader in readers:
        if reader.long is None:
            continue
        began = time.perf_counter()
        near = articles.nearest(reader.long, "1", [LANGUAGE], FOUND, 0)
        searches.append(time.perf_counter() - began)
        exact = np.argpartition(-(vectors @ reader.long), FOUND)[:FOUND]
        hits += len({f"a{number}" for number in exact} & {a.article_id for a, _ in near})
    feed = Feed(articles, rankers.read())
    clicked = chance.choice(count, min(count, CLICKED), replace=False)
    feed.refresh({f"a{n}": Popularity(1, float(n % 50), float(n % 300)) for n in clicked}, NOW_MS)
    context = Context(NOW_MS, (LANGUAGE,))
    feeds = []
    for draw, reader in enumerate(readers):
        began = time.perf_counter()
        feed.rank(reader, context, 20, draw=draw)
        feeds.append(time.perf_counter() - began)
    p50, p99 = np.percentile(searches, [50, 99]) * 1000
    feed_p50, feed_p99 = np.percentile(feeds, [50, 99]) * 1000
    return Cost(
        articles=count,
        kind=str(articles.kinds()[LANGUAGE, "1"]),
        build_s=build_s,
        recall_p50_ms=float(p50),
        recall_p99_ms=float(p99),
        recall=hits / (FOUND * len(searches)),
        feed_p50_ms=float(feed_p50),
        feed_p99_ms=float(feed_p99),
    )


def costs(most: int) -> list[Cost]:
    """Costs up to a number of articles, with one thread for arithmetic as the server has."""
    with threadpool_limits(1):
        return [measure(count) for count in (5000, 20_000, 100_000, 300_000) if count <= most]


def show(console: Console, found: list[Cost]) -> None:
    """A table."""
    table = Table(
        "fresh articles",
        "index",
        "built in s",
        "100 nearest, p50 ms",
        "p99 ms",
        "recall@100",
        "a whole feed, p50 ms",
        "p99 ms",
    )
    for cost in found:
        table.add_row(
            f"{cost.articles:,}",
            cost.kind,
            f"{cost.build_s:.1f}",
            f"{cost.recall_p50_ms:.2f}",
            f"{cost.recall_p99_ms:.2f}",
            f"{cost.recall:.4f}",
            f"{cost.feed_p50_ms:.1f}",
            f"{cost.feed_p99_ms:.1f}",
        )
    console.print(table)


def main(most: Annotated[int, typer.Option(help="Fresh articles at the end.")] = 100_000) -> None:
    """Print what recall and whole feeds cost."""
    show(Console(), costs(most))


def _vectors(chance: np.random.Generator, count: int) -> np.ndarray:
    centres = chance.normal(size=(CLUMPS, WIDTH)).astype(np.float32)
    vectors = centres[chance.integers(CLUMPS, size=count)]
    vectors = vectors + chance.normal(size=(count, WIDTH)).astype(np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _article(chance: np.random.Generator, number: int, vector: np.ndarray) -> FeedArticle:
    subject = f"subject {chance.integers(17)}"
    return FeedArticle(
        article_id=f"a{number}",
        title=f"Article {number}",
        source=f"paper {chance.integers(2000)}",
        published_ms=NOW_MS - int(chance.integers(72 * HOUR_MS)),
        language=LANGUAGE,
        vector=vector,
        vector_version="1",
        topics={subject: 0.8},
        topic_names={subject: subject},
        subject=subject,
        entities={f"q{entity}": f"Name {entity}" for entity in chance.integers(20_000, size=4)},
        importance=float(chance.random()),
        story_id=f"story {number // STORY_ARTICLES}",
    )


def _reader(chance: np.random.Generator, vectors: np.ndarray) -> Reader:
    read = chance.integers(len(vectors), size=READ)
    return Reader(
        long=vectors[read].mean(axis=0),
        session=vectors[read[0]],
        vector_version="1",
        clicks=float(READ),
        topics={f"subject {chance.integers(17)}": 0.7},
        recent=tuple(f"a{number}" for number in read),
        seen=frozenset(f"a{number}" for number in read),
    )


if __name__ == "__main__":
    typer.run(main)
