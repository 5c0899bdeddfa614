"""What placing an article costs as active stories grow: python -m bench.stories --help.

Simulated: vectors in clumps, headlines of made-up words; no word about accuracy. Time is that of
the processor, so that neighbours on the machine do not count.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from models.stories import clustering
from models.stories.cluster import WIDTH, Stories, StoryArticle

SIZES = (1000, 3000, 10_000, 30_000, 100_000)
MEASURED = 500
"""Articles timed at each size."""

VOCABULARY = 50_000
WORDS = 9
CLUMPS = 2000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """With so many active stories: milliseconds to place an article, and memory of the process.

    busy_ms       of the processor, mean
    p50_ms, p95_ms  by the clock
    """

    stories: int
    busy_ms: float
    p50_ms: float
    p95_ms: float
    memory_mib: float


def curve(sizes: Sequence[int], *, seed: int = 7) -> list[Cost]:
    """Cost at each size, ascending; every article up to there opens a story or joins one."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(CLUMPS, WIDTH)).astype(np.float32)
    stories = Stories(clustering.read())
    costs, number = [], 0
    for size in sizes:
        while len(stories.active) < size:
            stories.place(_article(chance, centres, number))
            number += 1
        taken = []
        articles = [_article(chance, centres, number + n) for n in range(MEASURED)]
        number += MEASURED
        busy = time.process_time()
        for article in articles:
            begun = time.perf_counter()
            stories.place(article)
            taken.append((time.perf_counter() - begun) * 1000)
        busy_ms = (time.process_time() - busy) * 1000 / MEASURED
        memory = psutil.Process().memory_info().rss / MIB
        p50, p95 = np.percentile(taken, [50, 95])
        costs.append(Cost(len(stories.active), busy_ms, float(p50), float(p95), memory))
    return costs


def main(
    most: Annotated[int, typer.Option(help="Active stories at the end.")] = 100_000,
    svg: Annotated[Path | None, typer.Option(help="Draw the curve into this file, too.")] = None,
) -> None:
    """Print the curve from 1,000 active stories on, as a table with bars."""
    sizes = [size for size in SIZES if size <= most]
    headings = ("active stories", "busy ms", "p50 ms", "p95 ms", "memory, MiB", "busy")
    table = Table(*headings)
    costs = curve(sizes)
    for cost in costs:
        bar = "█" * max(1, round(cost.busy_ms * 20))
        times = (f"{ms:.2f}" for ms in (cost.busy_ms, cost.p50_ms, cost.p95_ms))
        table.add_row(f"{cost.stories:,}", *times, f"{cost.memory_mib:.0f}", bar)
    Console().print(table)
    if svg:
        svg.write_text(picture(costs), "utf-8")


def picture(costs: Sequence[Cost]) -> str:
    """The curve as SVG: a bar for each size, its milliseconds and memory in words."""
    most = max(1.0, *(cost.busy_ms for cost in costs))
    width, height, step = 120 * len(costs) + 40, 260, 120
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{width / 2:g}" y="20">Processor time to place an article, by active stories'
        "</text>",
    ]
    for place, cost in enumerate(costs):
        x, tall = 80 + place * step, round(150 * cost.busy_ms / most)
        parts += [
            f'<rect x="{x - 30}" y="{200 - tall}" width="60" height="{tall}" fill="#3b6ea5"/>',
            f'<text x="{x}" y="{194 - tall}">{cost.busy_ms:.2f} ms</text>',
            f'<text x="{x}" y="218">{cost.stories:,}</text>',
            f'<text x="{x}" y="236" fill="#666666">{cost.memory_mib:.0f} MiB</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


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
