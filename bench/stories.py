"""What placing an article costs as active stories grow: python -m bench.stories --help.

Simulated: vectors in clumps, headlines of made-up words; no word about accuracy.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from models.stories import cluster
from models.stories.cluster import WIDTH, Stories, StoryArticle

MEASURED = 500
"""Articles timed at each size."""

VOCABULARY = 50_000
WORDS = 9
CLUMPS = 2000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Milliseconds to place an article, and memory, with so many active stories."""

    stories: int
    p50_ms: float
    p95_ms: float
    memory_mib: float


def curve(sizes: Sequence[int], *, seed: int = 7) -> list[Cost]:
    """Cost at each size, ascending; every article up to there opens a story or joins one."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(CLUMPS, WIDTH)).astype(np.float32)
    stories = Stories(cluster.read())
    costs, number = [], 0
    for size in sizes:
        while len(stories.active) < size:
            stories.place(_article(chance, centres, number))
            number += 1
        taken = []
        for _ in range(MEASURED):
            article = _article(chance, centres, number)
            number += 1
            begun = time.perf_counter()
            stories.place(article)
            taken.append((time.perf_counter() - begun) * 1000)
        memory = psutil.Process().memory_info().rss / MIB
        p50, p95 = np.percentile(taken, [50, 95])
        costs.append(Cost(len(stories.active), float(p50), float(p95), memory))
    return costs


def main(
    most: Annotated[int, typer.Option(help="Active stories at the end.")] = 100_000,
) -> None:
    """Print the curve from 1,000 active stories on, as a table with bars."""
    sizes = [size for size in (1000, 3000, 10_000, 30_000, 100_000) if size <= most]
    table = Table("active stories", "p50 ms", "p95 ms", "memory, MiB", "p50")
    for cost in curve(sizes):
        bar = "█" * max(1, round(cost.p50_ms * 20))
        row = (f"{cost.stories:,}", f"{cost.p50_ms:.2f}", f"{cost.p95_ms:.2f}")
        table.add_row(*row, f"{cost.memory_mib:.0f}", bar)
    Console().print(table)


def _article(chance: np.random.Generator, centres: np.ndarray, number: int) -> StoryArticle:
    clump = chance.integers(len(centres))
    vector = centres[clump] + chance.normal(size=WIDTH).astype(np.float32)
    ranks = chance.zipf(1.3, WORDS) % VOCABULARY
    return StoryArticle(
        article_id=str(number),
        title=" ".join(f"w{rank}" for rank in (*ranks, chance.integers(VOCABULARY))),
        source=f"s{chance.integers(2000)}",
        published_ms=number,
        vector=(vector / np.linalg.norm(vector)).astype(np.float32),
    )


if __name__ == "__main__":
    typer.run(main)
