"""Classifiers over n-grams (models.ngrams) from their configuration: what `wiredesk train` runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

from evaluation.rows import TextRow
from evaluation.sets import load
from models.language_codes import short
from models.manifest import Route
from models.ngrams import Features, Grams, Vocabulary, features
from models.probabilities import sigmoid
from training.calibrate import pulled_thresholds, temperature
from training.configuration import NgramConfig
from training.entries import entry, write_tensors
from training.manifest_edit import register

FOLDER = "ngrams"
SEEN_TWICE = 2
"""Texts that an n-gram must be of to be used."""
FOLDS = 5
"""Parts of the rows; what is told of each part is what the others learned."""
NEVER = -1.0
"""Margin of a label that no learned row has."""

console = Console()


@dataclass(frozen=True)
class Trained:
    """The tensors of models.ngrams, and the route of each output, a language."""

    tensors: dict[str, np.ndarray]
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Classifier:
    """Weights (n-grams, labels) and bias (labels,) of logits."""

    vocabulary: Vocabulary
    weights: np.ndarray
    bias: np.ndarray

    def logits(self, found: Sequence[Features]) -> np.ndarray:
        """Of texts, (texts, labels)."""
        logits: np.ndarray = _matrix(found, self.vocabulary) @ self.weights + self.bias
        return logits


def train(config: NgramConfig, data: Path, *, limit: int | None = None) -> Trained:
    """One classifier a language, of the training and the validation rows; calibrated and measured
    by cross-validation among them.
    """
    rows = rows_by_language(config, data, ("train", "validation"), limit)
    labels = config.labels or _labels(rows)
    grams = _grams(config)
    tensors = _tensors_of_grams(grams)
    routes = []
    for language in sorted(rows):
        found = [features(row.text, grams) for row in rows[language]]
        targets = targets_of(config, labels, rows[language])
        held_out = _cross_fitted(config, found, targets)
        scale, shift, least = _calibrated(config, held_out, targets)
        reached = figure(config, held_out + shift, targets, scale, least)
        console.print(f"{config.head} {language}: {config.metric} {reached:.4f}")
        tensors |= _tensors(language, _fit(config, found, targets), shift)
        routes.append(
            Route(
                task=config.task,
                head=config.head,
                model=config.model,
                output=language,
                labels=labels,
                languages=frozenset({language}),
                multi_label=config.several,
                temperature=scale,
                thresholds=least,
                jobs=reached >= config.jobs_from and language not in config.elsewhere,
                texts=config.texts,
                metrics={f"cross-validated: {config.metric}": round(reached, 4)},
            )
        )
    return Trained(tensors, tuple(routes))


def train_part(config: NgramConfig, rows: Sequence[TextRow]) -> dict[str, np.ndarray]:
    """The tensors of one classifier of rows in one language, neither calibrated nor measured: for a
    blend, whose weights are both.
    """
    assert config.language is not None
    grams = _grams(config)
    found = [features(row.text, grams) for row in rows]
    classifier = _fit(config, found, targets_of(config, config.labels, rows))
    return _tensors_of_grams(grams) | _tensors(config.language, classifier, 0.0)


def release(
    config: NgramConfig,
    trained: Trained,
    version: str,
    manifest: Path,
    *,
    command: str | None = None,
) -> None:
    """The file of a head and its routes, in the manifest.

    command  what `wiredesk train` was asked for, if that is not the head
    """
    file = Path(FOLDER, f"{config.model}.safetensors")
    write_tensors(trained.tensors, manifest.parent / file)
    made = entry(
        manifest,
        file,
        version=version,
        kind="ngrams",
        source=f"linear classifiers over n-grams, `wiredesk train {command or config.name}`",
        commercial=config.commercial,
        data=tuple(source.told for source in config.train),
    )
    register(manifest, config.model, made, trained.routes)


def _grams(config: NgramConfig) -> Grams:
    return Grams(config.characters, config.words, int(config.titles))


def _tensors_of_grams(grams: Grams) -> dict[str, np.ndarray]:
    return {"grams": np.array([grams.characters, grams.words, grams.titles])}


def rows_by_language(
    config: NgramConfig, data: Path, splits: Sequence[str], limit: int | None
) -> dict[str, list[TextRow]]:
    """The rows of a configuration's sets, by what they or it call their language."""
    found: dict[str, list[TextRow]] = {}
    for source in config.train:
        for split in splits:
            for row in load(source.name, split, data)[:limit]:
                language = config.language if row.lang is None else short(row.lang)
                if not source.languages or language in source.languages:
                    found.setdefault(language, []).append(row)
    return found


def _labels(rows: dict[str, list[TextRow]]) -> tuple[str, ...]:
    found = {label for of_one in rows.values() for row in of_one for label in row.labels}
    return tuple(sorted(found))


def targets_of(config: NgramConfig, labels: Sequence[str], rows: Sequence[TextRow]) -> np.ndarray:
    """Whether each row has each label, 0 and 1, (rows, labels)."""
    targets = np.zeros((len(rows), len(labels)), np.int64)
    for place, row in enumerate(rows):
        for label in row.labels:
            targets[place, labels.index(config.renamed.get(label, label))] = 1
    return targets


def _cross_fitted(
    config: NgramConfig, found: Sequence[Features], targets: np.ndarray
) -> np.ndarray:
    """Logits of every row by a classifier that did not learn from it."""
    logits = np.zeros(targets.shape)
    parts = KFold(FOLDS, shuffle=True, random_state=config.seed).split(targets)
    for learned, held_out in parts:
        classifier = _fit(config, [found[i] for i in learned], targets[learned])
        logits[held_out] = classifier.logits([found[i] for i in held_out])
    return logits


def _calibrated(
    config: NgramConfig, logits: np.ndarray, targets: np.ndarray
) -> tuple[float, float, tuple[float, ...]]:
    """Temperature, what is added to logits before, and thresholds, if a text may have several."""
    if not config.several:
        return round(temperature(logits, targets.argmax(axis=1)), 4), 0.0, ()
    platt = LogisticRegression(C=1e6).fit(logits.reshape(-1, 1), targets.ravel())
    scale, shift = 1 / float(platt.coef_[0, 0]), float(platt.intercept_[0] / platt.coef_[0, 0])
    probabilities = sigmoid(logits + shift, scale)
    return round(scale, 4), shift, pulled_thresholds(probabilities, targets)


def figure(
    config: NgramConfig,
    logits: np.ndarray,
    targets: np.ndarray,
    scale: float = 1.0,
    least: tuple[float, ...] = (),
) -> float:
    """The metric of a configuration; scale and least are of texts with several labels."""
    if config.several:
        given = sigmoid(logits, scale) >= np.array(least)
        average = config.metric.removesuffix("_f1")
        return float(f1_score(targets, given, average=average, zero_division=0))
    truth, given = targets.argmax(axis=1), logits.argmax(axis=1)
    if config.metric == "accuracy":
        return float(accuracy_score(truth, given))
    return float(f1_score(truth, given, average=config.metric.removesuffix("_f1")))


def _vocabulary(found: Sequence[Features]) -> Vocabulary:
    """N-grams of several texts, with their inverse document frequency."""
    hashes, counts = np.unique(np.concatenate([f.hashes for f in found]), return_counts=True)
    kept = counts >= SEEN_TWICE
    rarity = np.log((1 + len(found)) / (1 + counts[kept])) + 1
    return Vocabulary(hashes[kept], rarity.astype(np.float16).astype(np.float32))


def _matrix(found: Sequence[Features], vocabulary: Vocabulary) -> sparse.csr_matrix:
    """Values, (texts, n-grams)."""
    values = [vocabulary.values(of_text) for of_text in found]
    ends = np.cumsum([0] + [len(places) for places, _ in values])
    return sparse.csr_matrix(
        (np.concatenate([v for _, v in values]), np.concatenate([p for p, _ in values]), ends),
        shape=(len(found), len(vocabulary.hashes)),
    )


def _fit(config: NgramConfig, found: Sequence[Features], targets: np.ndarray) -> Classifier:
    """A classifier that keeps the n-grams that weigh most for some label."""
    vocabulary = _vocabulary(found)
    weights, bias = _linear(config, _matrix(found, vocabulary), targets)
    weight = np.abs(weights).max(axis=1) * vocabulary.rarity
    kept = np.sort(np.argsort(-weight, kind="stable")[: config.most])
    vocabulary = Vocabulary(vocabulary.hashes[kept], vocabulary.rarity[kept])
    return Classifier(vocabulary, weights[kept], bias)


def _linear(
    config: NgramConfig, matrix: sparse.csr_matrix, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n-grams, labels) and bias (labels,), a label against all others."""
    if not config.several and targets.shape[1] == 2:  # one decision, told twice
        weight, bias = _decision(config, matrix, targets[:, 1])
        return np.stack([-weight, weight], axis=1) / 2, np.array([-bias, bias]) / 2
    found = [_decision(config, matrix, column) for column in targets.T]
    return np.stack([weight for weight, _ in found], axis=1), np.array([bias for _, bias in found])


def _decision(
    config: NgramConfig, matrix: sparse.csr_matrix, targets: np.ndarray
) -> tuple[np.ndarray, float]:
    if not targets.any():
        return np.zeros(matrix.shape[1]), NEVER
    options = {
        "C": config.inverse_penalty,
        "dual": True,
        "class_weight": "balanced" if config.balanced else None,
        "random_state": config.seed,
    }
    if config.loss == "logistic":
        model = LogisticRegression(solver="liblinear", **options)
    else:
        model = LinearSVC(**options)
    model.fit(matrix, targets)
    return model.coef_[0], float(model.intercept_[0])


def _tensors(language: str, classifier: Classifier, shift: float) -> dict[str, np.ndarray]:
    """As in the file of models.ngrams, a byte a weight."""
    scales = np.abs(classifier.weights).max(axis=0) / 127
    scales[scales == 0] = 1.0
    return {
        f"{language}.hashes": classifier.vocabulary.hashes,
        f"{language}.rarity": classifier.vocabulary.rarity.astype(np.float16),
        f"{language}.weights": np.round(classifier.weights / scales).astype(np.int8),
        f"{language}.scales": scales.astype(np.float32),
        f"{language}.bias": (classifier.bias + shift).astype(np.float32),
    }
