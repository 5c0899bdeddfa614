"""Classifiers over n-grams (models.ngrams) from their configuration: what `wiredesk train` runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from safetensors.numpy import save_file
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from evaluation.rows import TextRow
from evaluation.sets import load
from models.heads import softmax
from models.language_codes import short
from models.manifest import ModelEntry, Route
from models.ngrams import features, weighted
from training.calibrate import temperature
from training.configuration import NgramConfig
from training.export import digest
from training.manifest_edit import register

FOLDER = "ngrams"
SEEN_TWICE = 2
"""Texts that a bucket must be of to be used."""

console = Console()


@dataclass(frozen=True)
class Trained:
    """The tensors of models.ngrams, and the route of each output, a language."""

    tensors: dict[str, np.ndarray]
    routes: tuple[Route, ...]


def train(config: NgramConfig, data: Path, *, limit: int | None = None) -> Trained:
    """One classifier a language, over one table; calibrated on validation rows."""
    rows = _by_language(config, "train", data, limit)
    held_in = _by_language(config, "validation", data, limit)
    rarity = _rarity([row.text for of_one in rows.values() for row in of_one], config.bits)
    tensors = {"rarity": rarity.astype(np.float16)}
    routes = []
    for language in sorted(rows):
        learned, held = (_labelled(config, part[language], rarity) for part in (rows, held_in))
        weights, bias = _fit(config, *learned)
        scales = np.abs(weights).max(axis=0) / 127
        rounded = np.round(weights / scales).astype(np.int8)
        tensors |= {
            f"{language}.weights": rounded,
            f"{language}.scales": scales.astype(np.float32),
            f"{language}.bias": bias.astype(np.float32),
        }
        logits = held[0] @ (rounded * scales) + bias
        scale = round(temperature(logits, held[1]), 4)
        found = float(f1_score(held[1], logits.argmax(1), average="macro"))
        sure = float(softmax(logits, scale).max(axis=1).mean())
        console.print(f"{config.head} {language}: macro F1 {found:.4f}, confidence {sure:.3f}")
        routes.append(
            Route(
                task=config.task,
                head=config.head,
                model=_name(config),
                output=language,
                labels=config.labels,
                languages=frozenset({language}),
                temperature=scale,
                jobs=found >= config.jobs_from,
                texts=config.texts,
                metrics={"validation: macro_f1": round(found, 4)},
            )
        )
    return Trained(tensors, tuple(routes))


def release(config: NgramConfig, trained: Trained, version: str, manifest: Path) -> None:
    """The file of a head and its routes, in the manifest."""
    name = _name(config)
    file = Path(FOLDER, f"{name}.safetensors")
    (manifest.parent / FOLDER).mkdir(exist_ok=True)
    save_file(trained.tensors, manifest.parent / file)
    (manifest.parent / file).chmod(0o644)
    entry = ModelEntry(
        version=version,
        kind="ngrams",
        file=file,
        sha256=digest(manifest.parent / file),
        licence="Apache-2.0" if config.commercial else "non-commercial",
        source=f"logistic regression over hashed n-grams, `wiredesk train {config.head}`",
        card=Path(FOLDER, "MODEL_CARD.md"),
        commercial=config.commercial,
        data=tuple(f"{source.name} ({source.licence})" for source in config.train),
    )
    register(manifest, name, entry, trained.routes)


def _name(config: NgramConfig) -> str:
    return config.head.replace("/", "-")


def _by_language(
    config: NgramConfig, split: str, data: Path, limit: int | None
) -> dict[str, list[TextRow]]:
    found: dict[str, list[TextRow]] = {}
    for source in config.train:
        for row in load(source.name, split, data)[:limit]:
            language = short(row.lang)
            if not source.languages or language in source.languages:
                found.setdefault(language, []).append(row)
    return found


def _rarity(texts: Sequence[str], bits: int) -> np.ndarray:
    """Inverse document frequency of each bucket, 0 where too few texts have it."""
    counts = np.zeros(1 << bits)
    for text in texts:
        counts[features(text, bits).buckets] += 1
    return np.where(counts >= SEEN_TWICE, np.log((1 + len(texts)) / (1 + counts)) + 1, 0.0)


def _labelled(
    config: NgramConfig, rows: Sequence[TextRow], rarity: np.ndarray
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Values, (rows, buckets), and the label of each row."""
    bits = (len(rarity) - 1).bit_length()
    found = [features(row.text, bits) for row in rows]
    values = [weighted(of_text, rarity) for of_text in found]
    ends = np.cumsum([0] + [len(v) for v in values])
    matrix = sparse.csr_matrix(
        (np.concatenate(values), np.concatenate([f.buckets for f in found]), ends),
        shape=(len(rows), len(rarity)),
    )
    labels = [config.labels.index(config.renamed.get(x, x)) for x in (r.labels[0] for r in rows)]
    return matrix, np.array(labels)


def _fit(
    config: NgramConfig, matrix: sparse.csr_matrix, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (buckets, labels) and bias (labels,) of logits."""
    model = OneVsRestClassifier(
        LogisticRegression(
            C=config.inverse_penalty,
            solver="liblinear",
            dual=True,
            class_weight="balanced" if config.balanced else None,
            random_state=config.seed,
        )
    )
    model.fit(matrix, labels)
    weights = np.stack([one.coef_[0] for one in model.estimators_], axis=1)
    bias = np.array([one.intercept_[0] for one in model.estimators_])
    if len(config.labels) == 2:  # one estimator, of the second label
        weights, bias = np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return weights, bias
