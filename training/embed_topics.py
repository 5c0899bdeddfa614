"""Embeddings of texts and concepts, and the supervised probabilities beside them.

The encoder is the one of the manifest. Until it has a head for the Media Topics, a logistic
regression over its embeddings stands in for the head (`StandIn`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import manifest
from models.encoder import Encoder
from models.opening import open_encoder
from models.topics.concepts import Concept, MediaTopics
from schemas.errors import InferenceError
from training import topic_labels
from training.build_topics import active, code, definition, read_table

Floats = npt.NDArray[np.float32]
BATCH = 16
EMBEDDING = "sentence_embedding"
TRAINING_SETS = ("huffpost", topic_labels.UCI, "sib200")
"""Data sets whose licences allow commercial use."""


@dataclass(frozen=True)
class Embedder:
    """Embeds texts with one model of the manifest.

    output  of the graph that holds the logits of the head; None if it has none
    cache   folder where embeddings are kept between runs, by model and text
    """

    encoder: Encoder
    version: str
    output: str | None = None
    temperature: float = 1.0
    cache: Path | None = None

    def embed(self, texts: Sequence[str]) -> tuple[Floats, Floats | None]:
        """Embeddings (texts, 384), and the head's probabilities (texts, supervised) or None."""
        kept = self.kept(texts)
        if kept is not None and kept.exists():
            with np.load(kept) as arrays:
                return arrays["embeddings"], arrays.get("probabilities")
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        embeddings: dict[int, Floats] = {}
        logits: dict[int, Floats] = {}
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            answers = self.encoder.run([self.encoder.tokenize(texts[row]) for row in rows])
            for row, answer in zip(rows, answers, strict=True):
                if isinstance(answer, InferenceError):
                    raise answer
                embeddings[row] = answer[EMBEDDING]
                if self.output:
                    logits[row] = answer[self.output]
        found = {"embeddings": np.stack([embeddings[row] for row in range(len(texts))])}
        if self.output:
            stacked = np.stack([logits[row] for row in range(len(texts))])
            found["probabilities"] = 1 / (1 + np.exp(-stacked / self.temperature))
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, **found)
        return found["embeddings"], found.get("probabilities")

    def kept(self, texts: Sequence[str]) -> Path | None:
        """Where what is computed from some texts is kept between runs."""
        if self.cache is None:
            return None
        name = hashlib.blake2b(digest_size=12)
        for part in (self.version, str(self.output), str(self.temperature), *texts):
            name.update(part.encode() + b"\0")
        return self.cache / f"{name.hexdigest()}.npz"


def open_embedder(
    model: str, output: str | None, temperature: float, cache: Path | None
) -> Embedder:
    """The embedder of a model of the shipped manifest."""
    known = manifest.read(manifest.SHIPPED)
    encoder = open_encoder(known, model, threads=2)
    return Embedder(encoder, known.label(model), output, temperature, cache)


def concept_vectors(topics: MediaTopics, embedder: Embedder, data_dir: Path) -> Floats:
    """The mean of the embeddings of each concept's prompts, float32 (concepts, 384), length 1."""
    definitions = {code(row): definition(row) for row, _ in active(read_table(data_dir))}
    total = np.zeros((len(topics), 1), np.float32)
    for prompt in prompts(topics, definitions):
        total = total + _unit(embedder.embed([prompt(concept) for concept in topics])[0])
    return _unit(total)


def prompts(
    topics: MediaTopics, definitions: dict[str, str]
) -> tuple[Callable[[Concept], str], ...]:
    """What is written of a concept; measured alone, none is as good as the mean of all."""

    def broader(concept: Concept) -> str:
        above = topics.ancestors(concept.code)[::-1]
        return f" ({', '.join(topics[one].name for one in above)})" if above else ""

    def parent(concept: Concept) -> str:
        return f", {topics[concept.parent].name}" if concept.parent else ""

    return (
        lambda concept: concept.name,
        lambda concept: f"{concept.name}: {definitions[concept.code]}",
        lambda concept: f"{concept.name}{broader(concept)}: {definitions[concept.code]}",
        lambda concept: f"News about {concept.name}.",
        lambda concept: f"This news article is about {concept.name}{parent(concept)}.",
    )


@dataclass(frozen=True)
class StandIn:
    """One logistic regression for each supervised concept; weights (385, supervised)."""

    weights: Floats

    def probabilities(self, embeddings: Floats) -> Floats:
        """Float32 (texts, supervised)."""
        logits: Floats = _with_one(embeddings) @ self.weights
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def train_stand_in(embedder: Embedder, data_dir: Path, without: frozenset[str]) -> StandIn:
    """Learn from the rows of TRAINING_SETS whose texts are not among `without`."""
    rows = [
        (name, row)
        for name in TRAINING_SETS
        for row in topic_labels.rows(name, "train", data_dir)
        if row.text not in without
    ]
    targets = np.array([topic_labels.targets(name, row.labels[0]) for name, row in rows])
    kept = embedder.kept((*(row.text for _, row in rows), targets.tobytes().hex()))
    if kept is not None and kept.exists():
        with np.load(kept) as arrays:
            return StandIn(arrays["weights"])
    inputs = _with_one(embedder.embed([row.text for _, row in rows])[0])
    columns = []
    for wanted in targets.T:
        used = (wanted == 1) | ((wanted == 0) & (np.arange(len(wanted)) % 3 == 0))
        weight = np.where(wanted[used] == 1, 1.0, 3.0)  # of the rows that stand for three
        columns.append(logistic(inputs[used], wanted[used], weight, ridge=1.0))
    weights = np.stack(columns, axis=1).astype(np.float32)
    if kept is not None:
        np.savez(kept, weights=weights)
    return StandIn(weights)


def logistic(
    inputs: npt.NDArray[np.floating],
    targets: npt.NDArray[np.integer],
    weight: npt.NDArray[np.floating],
    *,
    ridge: float,
    steps: int = 8,
) -> npt.NDArray[np.float64]:
    """Weights of a logistic regression by Newton's method, float64 (inputs,)."""
    found = np.zeros(inputs.shape[1])
    for _ in range(steps):
        likely = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ (weight * (likely - targets)) + ridge * found
        curved = weight * likely * (1 - likely)
        curve = (inputs * curved[:, None].astype(inputs.dtype)).T @ inputs
        found -= np.linalg.solve(curve + ridge * np.eye(len(found)), slope)
    return found


def _with_one(embeddings: Floats) -> Floats:
    return np.concatenate([embeddings, np.ones((len(embeddings), 1), np.float32)], axis=1)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
