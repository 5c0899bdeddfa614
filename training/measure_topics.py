"""How right the assigned Media Topics are, and how many are found, by depth.

python -m training.measure_topics judged --data-dir DIR       articles judged by reading
python -m training.measure_topics labels SET --data-dir DIR   labels of a data set, by mappings.toml
python -m training.measure_topics keywords --data-dir DIR     Wikidata keywords of NeMig (en)
python -m training.measure_topics speed

`judged` is cross-validated: weights and thresholds of an article come from the other four folds.
The others use the files as shipped. NeMig, Reuters, AG News and BBC forbid commercial use: they are
measured on, and nothing is fitted to them.
"""

import gzip
import json
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from models.topics import assigner, concepts
from models.topics.assigner import TopicAssigner
from models.topics.concepts import MediaTopics
from models.topics.mappings import UNKNOWN
from training import fit_topics, judged_topics, topic_labels
from training.embed_topics import Embedder, open_embedder, train_stand_in
from training.fit_topics import Cache, Data, Model, Output, Temperature

NEMIG = Path("nemig", "en_news.jsonl.gz")
SPEED_ROUNDS = 1_000

app = typer.Typer(help=__doc__, no_args_is_help=True)
console = Console()
Limit = Annotated[int, typer.Option(help="Rows, the first in the order of their digests.")]
Precision = Annotated[float, typer.Option(help="As asked of the assigner.")]


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(end, 2) for end in interval(8, 10)]
    [0.49, 0.94]
    """
    if count == 0:
        return 0.0, 1.0
    z, share = 1.96, right / count
    middle = share + z * z / (2 * count)
    spread = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, float((middle - spread) / scale)), min(1.0, float((middle + spread) / scale))


def with_ancestors(topics: MediaTopics, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The chosen concepts of each article and all above them, bool (articles, concepts)."""
    closed = chosen.copy()
    for row in reversed(range(len(topics))):
        parent = topics.concepts[row].parent
        if parent is not None:
            closed[:, topics.row(parent)] |= closed[:, row]
    return closed


def by_depth(
    topics: MediaTopics, chosen: npt.NDArray[np.bool_], truth: npt.NDArray[np.int64]
) -> Iterable[tuple[str, int, int, int]]:
    """Depth, assigned concepts that can be checked, right ones of these, all right ones."""
    depth = np.array([concept.depth for concept in topics])
    for name, of in (
        ("1", depth == 1),
        ("2", depth == 2),
        ("3", depth == 3),
        ("4 and more", depth >= 4),
        ("2 and more", depth >= 2),
        ("all", depth >= 1),
    ):
        known = (truth[:, of] != UNKNOWN) & chosen[:, of]
        right = (truth[:, of] == 1) & chosen[:, of]
        yield name, int(known.sum()), int(right.sum()), int((truth[:, of] == 1).sum())


def print_depths(
    topics: MediaTopics, chosen: npt.NDArray[np.bool_], truth: npt.NDArray[np.int64], title: str
) -> None:
    """A table with a row for each depth."""
    table = Table(title=title)
    for column in ("depth", "assigned", "right", "precision", "95 %", "in truth", "coverage"):
        table.add_column(column, justify="right")
    for name, count, right, there in by_depth(topics, chosen, truth):
        low, high = interval(right, count)
        table.add_row(
            name,
            str(count),
            str(right),
            f"{right / count:.3f}" if count else "-",
            f"{low:.2f} to {high:.2f}",
            str(there),
            f"{right / there:.3f}" if there else "-",
        )
    console.print(table)
    console.print(
        f"articles {len(chosen)}, with a topic {chosen.any(axis=1).mean():.3f}, "
        f"topics an article {chosen.sum(axis=1).mean():.2f}"
    )


@app.command()
def judged(
    data_dir: Data,
    model: Model = "minilm",
    output: Output = None,
    temperature: Temperature = 1.0,
    cache: Cache = None,
) -> None:
    """Precision and coverage on the judged articles, for each precision asked for."""
    topics = concepts.read()
    embedder = open_embedder(model, output, temperature, cache)
    vectors = assigner.read_vectors(assigner.FOLDER / assigner.VECTORS)
    numbers = fit_topics.judged_features(topics, embedder, vectors, data_dir)
    is_top = np.isin([concept.code for concept in topics], topic_labels.supervised())
    scores = fit_topics.cross_scores(numbers, is_top)
    depth = fit_topics.depths(topics)
    found = []
    for fold in range(fit_topics.FOLDS):
        rest = numbers.folds != fold
        found.append(fit_topics.thresholds(scores[rest], numbers.truth[rest], depth))
    for place, precision in enumerate(fit_topics.PRECISIONS):
        least = np.array([found[fold][place].scores for fold in numbers.folds])
        chosen = scores >= least[:, depth]
        closed = with_ancestors(topics, chosen)
        print_depths(topics, closed, numbers.truth, f"asked for precision {precision}")


@app.command()
def labels(
    data_set: Annotated[str, typer.Argument(help="As in mappings.toml.")],
    data_dir: Data,
    split: str = "test",
    limit: Limit = 1_000,
    precision: Precision = 0.8,
    model: Model = "minilm",
    output: Output = None,
    temperature: Temperature = 1.0,
    cache: Cache = None,
) -> None:
    """Assigned topics against what the labels of a data set say."""
    topics = concepts.read()
    reviewed = topic_labels.reviewed()
    rows = first(topic_labels.rows(data_set, split, data_dir), limit)
    truth = np.stack(
        [merged([reviewed.truth(data_set, label) for label in row.labels]) for row in rows]
    )
    embedder = open_embedder(model, output, temperature, cache)
    chosen = assigned(embedder, [row.text for row in rows], precision, data_dir)
    print_depths(topics, chosen, truth, f"{data_set}, {split}, precision {precision}")


@app.command()
def keywords(
    data_dir: Data,
    limit: Limit = 1_000,
    precision: Precision = 0.8,
    model: Model = "minilm",
    output: Output = None,
    temperature: Temperature = 1.0,
    cache: Cache = None,
) -> None:
    """How many of NeMig's Wikidata keywords that are concepts were found.

    No precision: keywords name few of the topics, and one in three articles is about migration.
    """
    topics = concepts.read()
    rows = first_pairs(nemig(topics, data_dir), limit)
    truth = np.stack([wanted for _, wanted in rows])
    embedder = open_embedder(model, output, temperature, cache)
    chosen = assigned(embedder, [text for text, _ in rows], precision, data_dir)
    print_depths(topics, chosen, truth, f"NeMig (en) keywords, precision {precision}")


@app.command()
def speed() -> None:
    """Milliseconds for an article of 2,000 characters."""
    one = assigner.open_assigner()
    draw = np.random.default_rng(1)
    vectors = assigner.read_vectors(assigner.FOLDER / assigner.VECTORS).vectors
    text = " ".join(concept.name for concept in one.topics)[: assigner.MAX_CHARACTERS]
    cases = [
        (draw.random(len(one.supervised)), vectors[row] + draw.normal(0, 0.02, vectors.shape[1]))
        for row in draw.integers(0, len(vectors), 50)
    ]
    times = []
    for turn in range(SPEED_ROUNDS):
        probabilities, vector = cases[turn % len(cases)]
        started = perf_counter()
        one.assign(probabilities, vector, text)
        times.append(perf_counter() - started)
    middle, slow = np.quantile(times, (0.5, 0.99)) * 1e3
    console.print(f"assign: median {middle:.3f} ms, 99th percentile {slow:.3f} ms")
    console.print(f"pickled: {len(pickle.dumps(one))} bytes")


def assigned(
    embedder: Embedder, texts: Sequence[str], precision: float, data_dir: Path
) -> npt.NDArray[np.bool_]:
    """What the shipped assigner says of each text, bool (texts, concepts)."""
    one: TopicAssigner = assigner.open_assigner()
    embeddings, probabilities = embedder.embed(texts)
    if probabilities is None:
        stand_in = train_stand_in(embedder, data_dir, frozenset(texts))
        probabilities = stand_in.probabilities(embeddings)
    chosen = np.zeros((len(texts), len(one.topics)), bool)
    for row, (text, vector, sure) in enumerate(zip(texts, embeddings, probabilities, strict=True)):
        for topic in one.assign(sure, vector, text, precision=precision):
            chosen[row, one.topics.row(topic.code)] = True
    return chosen


def merged(truths: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """What several labels of one row say together.

    >>> merged([np.array([1, 0, 0]), np.array([0, UNKNOWN, 0])]).tolist()
    [1, -100, 0]
    """
    stacked = np.stack(truths)
    either = np.where((stacked == UNKNOWN).any(axis=0), UNKNOWN, 0)
    return np.where((stacked == 1).any(axis=0), 1, either)


def nemig(topics: MediaTopics, data_dir: Path) -> Iterable[tuple[str, npt.NDArray[np.int64]]]:
    """Articles with a keyword that is a concept; what no keyword names is unknown, not wrong."""
    known = {concept.wikidata_id: concept.code for concept in topics if concept.wikidata_id}
    with gzip.open(data_dir / NEMIG, "rt", encoding="utf-8") as lines:
        for line in lines:
            article = json.loads(line)
            found = [known[one] for one in keyword_ids(article) if one in known]
            if not found:
                continue
            truth = np.full(len(topics), UNKNOWN)
            for code in found:
                truth[[topics.row(one) for one in (code, *topics.ancestors(code))]] = 1
            yield f"{article['title']}\n{article.get('abstract') or ''}".strip(), truth


def keyword_ids(article: dict[str, object]) -> list[str]:
    """Wikidata ids among the keywords, and the words that stand for none.

    >>> keyword_ids({"keywords": ["wd:Q38926", "World_News"]})
    ['Q38926', 'World_News']
    """
    found = article.get("keywords")
    if not isinstance(found, list):
        return []
    return [str(one).removeprefix("wd:") for one in found]


def first(rows: Sequence[topic_labels.TextRow], limit: int) -> list[topic_labels.TextRow]:
    """A draw that is the same on every machine."""
    return sorted(rows, key=lambda row: judged_topics.digest(row.text))[:limit]


def first_pairs(
    rows: Iterable[tuple[str, npt.NDArray[np.int64]]], limit: int
) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """As `first`."""
    return sorted(rows, key=lambda row: judged_topics.digest(row[0]))[:limit]


if __name__ == "__main__":
    app()
