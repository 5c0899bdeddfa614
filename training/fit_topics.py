"""Write models/topics/vectors.npz and calibration.toml.

python -m training.fit_topics --data-dir DIR [--model minilm] [--output OUTPUT --temperature T]

vectors.npz       embeddings of the concepts, float16, and the mean and spread of their cosine to
                  HuffPost's training rows
calibration.toml  how FEATURES become a probability, and least scores for each precision, learned
                  from the judged articles (`training.judged_topics`)

`--output` names the graph's output with the logits of the supervised head; without it a logistic
regression over the embeddings stands in for the head.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from models.topics import assigner, concepts
from models.topics.assigner import (
    FEATURES,
    Calibration,
    FeatureMaker,
    Threshold,
    Vectors,
    Weights,
)
from models.topics.concepts import MediaTopics
from models.topics.mappings import UNKNOWN
from training import judged_topics, topic_labels
from training.embed_topics import (
    Embedder,
    concept_vectors,
    logistic,
    open_embedder,
    train_stand_in,
)

FOLDS = 5
NEAREST = 100
"""Concepts of an article that are fitted on: the others are wrong without a doubt."""

RIDGE = 3.0
PRECISIONS = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
DEPTHS = 3
FEWEST = 10
"""Assignments that a threshold must rest on."""

NEVER = 1.01
NOTHING = 0.02
"""A score below all thresholds."""

BACKGROUND_EVERY = 3

Array = npt.NDArray[np.floating]
Model = Annotated[str, typer.Option(help="A model of the manifest with sentence_embedding.")]
Data = Annotated[Path, typer.Option(help="Holds iptc_mediatopics/, huffpost/, sib200/ and so on.")]
Output = Annotated[str | None, typer.Option(help="Output with the logits of the topics head.")]
Temperature = Annotated[float, typer.Option(help="What those logits are divided by.")]
Cache = Annotated[Path | None, typer.Option(help="Folder to keep embeddings in.")]
console = Console()


@dataclass(frozen=True)
class Judged:
    """The judged articles as numbers.

    features  (articles, concepts, FEATURES)
    truth     (articles, concepts): 1, 0 or UNKNOWN
    folds     (articles,)
    """

    features: Array
    truth: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]


def measure_background(vectors: Array, articles: Array) -> Vectors:
    """The vectors as shipped, with what cosine each has to articles in general."""
    shipped = vectors.astype(np.float16).astype(np.float32)
    cosines = articles @ shipped.T
    return Vectors(shipped, cosines.mean(axis=0), cosines.std(axis=0))


def judged_features(
    topics: MediaTopics, embedder: Embedder, vectors: Vectors, data_dir: Path
) -> Judged:
    """Features and truth of the judged articles."""
    articles = judged_topics.read(topics, data_dir)
    texts = [article.text for article in articles]
    embeddings, probabilities = embedder.embed(texts)
    if probabilities is None:
        stand_in = train_stand_in(embedder, data_dir, frozenset(texts))
        probabilities = stand_in.probabilities(embeddings)
    maker = FeatureMaker(topics, topic_labels.supervised(), vectors)
    rows = zip(texts, embeddings, probabilities, strict=True)
    return Judged(
        features=np.stack([maker.features(sure, vector, text) for text, vector, sure in rows]),
        truth=np.stack([article.truth for article in articles]),
        folds=np.array([int(judged_topics.digest(text), 16) % FOLDS for text in texts]),
    )


def fit_weights(judged: Judged, articles: npt.NDArray[np.bool_], columns: Array) -> Weights:
    """Learn from some of the articles how the features of some concepts tell."""
    near = judged.features[:, :, 0].argsort(axis=1)[:, ::-1][:, :NEAREST]
    fitted = np.zeros(judged.truth.shape, bool)
    np.put_along_axis(fitted, near, True, axis=1)
    fitted |= judged.features[:, :, FEATURES.index("named")] > 0
    fitted &= (judged.truth != UNKNOWN) & articles[:, None] & columns[None]
    inputs = judged.features[fitted].astype(np.float64)
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-9
    scaled = np.concatenate([(inputs - mean) / spread, np.ones((len(inputs), 1))], axis=1)
    found = logistic(scaled, judged.truth[fitted], np.ones(len(inputs)), ridge=RIDGE)
    weights = found[:-1] / spread
    bias = float(found[-1] - weights @ mean)
    named = zip(FEATURES, weights, strict=True)
    return Weights(
        bias=round(bias, 4), weights={name: round(float(weight), 4) for name, weight in named}
    )


def score(judged: Judged, top: Weights, other: Weights, is_top: npt.NDArray[np.bool_]) -> Array:
    """Probability of each concept by itself, (articles, concepts)."""
    answers = []
    for part in (top, other):
        weights = np.array([part.weights[name] for name in FEATURES])
        answers.append(1 / (1 + np.exp(-np.clip(judged.features @ weights + part.bias, -30, 30))))
    return np.where(is_top, *answers)


def cross_scores(judged: Judged, is_top: npt.NDArray[np.bool_]) -> Array:
    """Scores of each article by weights learned from the other folds."""
    scores = np.zeros(judged.truth.shape)
    for fold in range(FOLDS):
        rest = judged.folds != fold
        top, other = fit_weights(judged, rest, is_top), fit_weights(judged, rest, ~is_top)
        scores[~rest] = score(judged, top, other, is_top)[~rest]
    return scores


def thresholds(
    scores: Array, truth: npt.NDArray[np.int64], depth: npt.NDArray[np.int64]
) -> tuple[Threshold, ...]:
    """For each precision the least scores, by depth, from which on it is reached."""
    parts = []
    for one in range(DEPTHS):
        known = (truth != UNKNOWN) & (depth == one) & (scores > NOTHING)
        parts.append((scores[known], truth[known]))
    return tuple(
        Threshold(
            precision=precision,
            scores=tuple(least_score(*part, precision) for part in parts),  # type: ignore[arg-type]
        )
        for precision in PRECISIONS
    )


def least_score(scores: Array, truth: npt.NDArray[np.int64], precision: float) -> float:
    """The least score at and above which at least `precision` is right; NEVER if there is none.

    >>> least_score(np.array([0.9] * 9 + [0.8, 0.7]), np.array([1] * 9 + [0, 0]), 0.9)
    0.8
    """
    order = np.argsort(-scores, kind="stable")
    share = np.cumsum(truth[order] == 1) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= precision)
    good = good[good >= FEWEST - 1]
    return round(float(scores[order[good[-1]]]), 4) if len(good) else NEVER


def depths(topics: MediaTopics) -> npt.NDArray[np.int64]:
    """0, 1 or 2 for a concept of depth 1, 2, or 3 and more."""
    return np.array([min(concept.depth, DEPTHS) - 1 for concept in topics])


def toml(calibration: Calibration) -> Iterator[str]:
    """The calibration line by line."""
    yield "# Written by training.fit_topics; what it means: models/topics/assigner.py."
    yield f'head = "{calibration.head}"'
    for name, part in (("top", calibration.top), ("other", calibration.other)):
        yield f"\n[{name}]\nbias = {part.bias}\n\n[{name}.weights]"
        yield from (f"{feature} = {weight}" for feature, weight in part.weights.items())
    for threshold in calibration.thresholds:
        yield f"\n[[thresholds]]\nprecision = {threshold.precision}"
        yield f"scores = [{', '.join(map(str, threshold.scores))}]"


def main(
    data_dir: Data,
    model: Model = "minilm",
    output: Output = None,
    temperature: Temperature = 1.0,
    cache: Cache = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = assigner.FOLDER,
) -> None:
    """Embed the concepts, fit the calibration, write both."""
    topics = concepts.read()
    embedder = open_embedder(model, output, temperature, cache)
    news = [row.text for row in topic_labels.rows("huffpost", "train", data_dir)]
    articles, _ = embedder.embed(news[::BACKGROUND_EVERY])
    vectors = measure_background(concept_vectors(topics, embedder, data_dir), articles)
    judged = judged_features(topics, embedder, vectors, data_dir)
    is_top = np.isin([concept.code for concept in topics], topic_labels.supervised())
    everyone = np.ones(len(judged.folds), bool)
    calibration = Calibration(
        head=f"{embedder.version}, {output or 'logistic regression over its embeddings'}",
        top=fit_weights(judged, everyone, is_top),
        other=fit_weights(judged, everyone, ~is_top),
        thresholds=thresholds(cross_scores(judged, is_top), judged.truth, depths(topics)),
    )
    np.savez(
        out / assigner.VECTORS,
        vectors=vectors.vectors.astype(np.float16),
        mean=vectors.mean,
        spread=vectors.spread,
    )
    (out / assigner.CALIBRATION).write_text("\n".join(toml(calibration)) + "\n", "utf-8")
    for name in (assigner.VECTORS, assigner.CALIBRATION):
        content = (out / name).read_bytes()
        console.print(f"{out / name}: {len(content)} bytes")
        console.print(f"sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    typer.run(main)
