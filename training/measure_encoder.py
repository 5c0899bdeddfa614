"""Measure an exported encoder: python -m training.measure_encoder --help."""

import json
import random
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import psutil
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from training.corpora import Labelled, ag_news, cnn_articles
from training.encode import Provider, embed, open_session, open_tokenizer, run, token_ids
from training.neighbours import accuracy, nearest_labels

TOKENS = (32, 64, 128, 256)
BATCHES = (1, 4, 8, 16, 32)

app = typer.Typer(help=__doc__, no_args_is_help=True)
console = Console()

Model = Annotated[Path, typer.Option(help="The int8 graph, tokenizer.json beside it.")]
Data = Annotated[Path, typer.Option(help="Holds cnn_dailymail/ and ag_news/.")]
Threads = Annotated[int, typer.Option(min=1)]
Properties = Annotated[str | None, typer.Option(help="OpenVINO CPU properties as JSON.")]


def held_out(model: Path, data: Path, count: int, seed: int) -> list[list[int]]:
    """Articles of CNN/DailyMail test as token ids, each cut at a length drawn from 8 to 256."""
    draw = random.Random(seed)
    articles = draw.sample(list(cnn_articles(data, "test")), count)
    ids = token_ids(open_tokenizer(model), articles)
    return [text[: draw.randint(8, len(text))] for text in ids]


def balanced(rows: list[Labelled], per_label: int, seed: int) -> list[Labelled]:
    """`per_label` rows of every label, drawn with `seed`."""
    draw = random.Random(seed)
    labels = sorted({row.label for row in rows})
    return [
        row
        for label in labels
        for row in draw.sample([row for row in rows if row.label == label], per_label)
    ]


@app.command()
def quality(
    model: Model,
    reference: Annotated[Path, typer.Option(help="float32 graph: export_encoder --keep-float.")],
    data: Data,
    count: Annotated[int, typer.Option(help="Held-out articles.")] = 1000,
    seed: int = 7,
) -> None:
    """Cosine to the float32 graph, and what int8 costs a nearest-neighbour topic classifier."""
    exact = open_session(reference, Provider.CPU)
    small = open_session(model)
    articles = held_out(model, data, count, seed)
    cosine = (embed(exact, articles) * embed(small, articles)).sum(axis=1)
    console.print(
        f"cosine on {count} articles: mean {cosine.mean():.5f}, "
        f"1st percentile {np.percentile(cosine, 1):.5f}, least {cosine.min():.5f}"
    )
    memory = balanced(list(ag_news(data, "train_subset")), 1000, seed)
    queries = list(ag_news(data, "test"))
    tokenizer = open_tokenizer(model)
    known, asked = (token_ids(tokenizer, [row.text for row in rows]) for rows in (memory, queries))
    labels, expected = [row.label for row in memory], [row.label for row in queries]
    for name, session in (("float32", exact), ("int8", small)):
        similarity = embed(session, asked) @ embed(session, known).T
        share = accuracy(nearest_labels(similarity, labels), expected)
        console.print(f"{name}: 5-NN on {len(queries)} rows of AG News test {share:.2%}")


@app.command()
def padding(model: Model, data: Data, count: int = 600, seed: int = 7) -> None:
    """Largest difference between a text alone and the same text in a batch padded to 256 tokens."""
    articles = held_out(model, data, count, seed)
    for provider in Provider:
        session = open_session(model, provider)
        alone = np.vstack([run(session, [text]) for text in articles])
        batches = [articles[start : start + 16] for start in range(0, count, 16)]
        padded = np.vstack([run(session, batch, 256) for batch in batches])
        console.print(f"{provider}: largest difference {np.abs(alone - padded).max():.1e}")


def time_ms(
    session: onnxruntime.InferenceSession, batch: int, tokens: int, budget_s: float
) -> float:
    """Best milliseconds of a call over `budget_s` seconds after two warm-up calls."""
    texts = np.random.default_rng(0).integers(1000, 30000, (batch, tokens)).tolist()
    best, end = float("inf"), time.perf_counter() + budget_s
    for _ in range(2):
        run(session, texts)
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(session, texts)
        best = min(best, time.perf_counter() - start)
    return best * 1000


@app.command()
def speed(
    model: Model,
    provider: Provider = Provider.OPENVINO,
    threads: Threads = 2,
    properties: Properties = None,
    budget_s: Annotated[float, typer.Option(help="Seconds for each cell.")] = 1.5,
) -> None:
    """Texts and tokens a second by batch and length, best call of each cell."""
    chosen = json.loads(properties) if properties else None
    session = open_session(model, provider, threads=threads, properties=chosen)
    table = Table(title=f"{provider}, {threads} threads: ms a call, texts/s, tokens/s")
    for heading in ("batch", *(f"{tokens} tokens" for tokens in TOKENS)):
        table.add_column(heading, justify="right")
    for batch in track(BATCHES, "timing", console=console, transient=True):
        cells = []
        for tokens in TOKENS:
            taken = time_ms(session, batch, tokens, budget_s)
            rate = batch / taken * 1000
            cells.append(f"{taken:.2f}  {rate:.0f}  {rate * tokens:.0f}")
        table.add_row(str(batch), *cells)
    console.print(table)


@app.command()
def lengths(
    model: Model,
    data: Data,
    threads: Threads = 2,
    batch: int = 16,
    count: int = 2000,
    seed: int = 7,
) -> None:
    """A stream of mixed lengths in arrival order, batches padded to a multiple of 1 to 32."""
    articles = held_out(model, data, count, seed)
    table = Table(title=f"{count} texts, batches of {batch} in arrival order")
    for heading in ("multiple", "shapes", "cold texts/s", "warm texts/s", "slowest new, ms"):
        table.add_column(heading, justify="right")
    for multiple in (1, 8, 16, 32):
        session = open_session(model, threads=threads)
        rates, shapes, slowest = [], set[int](), 0.0
        for _ in range(2):
            begin = time.perf_counter()
            for start in range(0, count, batch):
                texts = articles[start : start + batch]
                tokens = -(-max(map(len, texts)) // multiple) * multiple
                before = time.perf_counter()
                run(session, texts, tokens)
                if tokens not in shapes:
                    slowest = max(slowest, time.perf_counter() - before)
                    shapes.add(tokens)
            rates.append(count / (time.perf_counter() - begin))
        cold, warm = rates
        row = (multiple, len(shapes), f"{cold:.0f}", f"{warm:.0f}", f"{slowest * 1000:.0f}")
        table.add_row(*map(str, row))
    console.print(table)


@app.command()
def start(
    model: Model,
    provider: Provider = Provider.OPENVINO,
    threads: Threads = 2,
    cache_dir: Annotated[Path | None, typer.Option(help="OpenVINO model cache.")] = None,
) -> None:
    """Seconds to open a session, first and second call, and the memory of this process."""
    process = psutil.Process()
    before = process.memory_info().rss
    begin = time.perf_counter()
    session = open_session(model, provider, threads=threads, cache_dir=cache_dir)
    opened = time.perf_counter()
    texts = [[101, 2000, 102] * 85] * 16
    run(session, texts)
    first = time.perf_counter()
    run(session, texts)
    second = time.perf_counter()
    memory = process.memory_info().rss
    console.print(
        f"open {opened - begin:.2f} s, first call {(first - opened) * 1000:.0f} ms, "
        f"second {(second - first) * 1000:.0f} ms, "
        f"memory {memory / 2**20:.0f} MiB, {(memory - before) / 2**20:.0f} of it the session's"
    )


if __name__ == "__main__":
    app()
