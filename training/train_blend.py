"""Blends (models.blend) of a released head and a classifier over n-grams, for `wiredesk train`.

The classifier learns from the training rows, the weights of both from the validation rows: on rows
that it learned from, a model is surer than it should be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from safetensors.numpy import save_file
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold

from models.blend import BIAS, OUTPUT, tensor_name
from models.encoder import Outputs
from models.manifest import Manifest, Route, read
from models.ngrams import NgramModel
from models.probabilities import softmax
from models.text_models import open_texts
from schemas.errors import SettingError
from training import train_ngrams
from training.configuration import BlendConfig
from training.entries import entry, write_tensors
from training.manifest_edit import register

FOLDER = "blends"
FOLDS = 10
"""Parts of the validation rows; each is judged by weights that the others gave."""

console = Console()


@dataclass(frozen=True)
class Weights:
    """What logits of each part are multiplied by, (parts,), and what is added, (labels,)."""

    parts: np.ndarray
    bias: np.ndarray

    def logits(self, of_parts: np.ndarray) -> np.ndarray:
        """Of texts, (texts, labels), from those of the parts, (parts, texts, labels)."""
        logits: np.ndarray = np.tensordot(self.parts, of_parts, axes=1) + self.bias
        return logits


@dataclass(frozen=True)
class Trained:
    """Tensors of the classifier (models.ngrams) and of the blend (models.blend), and the route that
    it answers.
    """

    ngrams: dict[str, np.ndarray]
    tensors: dict[str, np.ndarray]
    route: Route


def train(config: BlendConfig, data: Path, manifest: Path, *, limit: int | None = None) -> Trained:
    """The classifier, and how it and the released head are weighed."""
    known = read(manifest)
    beside = _route(known, config)
    ngrams = config.ngrams.model_copy(update={"labels": beside.labels})
    learned, rows = (
        train_ngrams.rows_by_language(ngrams, data, (split,), limit)[ngrams.language]
        for split in ("train", "validation")
    )
    classifier = train_ngrams.train_part(ngrams, learned)
    targets = train_ngrams.targets_of(ngrams, beside.labels, rows)
    texts = [row.text for row in rows]
    said = [outputs for _, outputs in open_texts(known, beside.model).read(texts)]
    of_parts = np.array(
        [
            [outputs[beside.output] for outputs in said],
            [outputs[ngrams.language] for outputs in _read(classifier, texts)],
        ],
        np.float64,
    )
    figures = {
        name: train_ngrams.figure(ngrams, logits, targets)
        for name, logits in (
            (beside.model, of_parts[0]),
            (ngrams.model, of_parts[1]),
            ("cross-validated", _cross_fitted(of_parts, targets.argmax(axis=1))),
        )
    }
    told = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
    console.print(f"{config.head}, {len(rows)} validation rows, {ngrams.metric}: {told}")
    weights = fit(of_parts, targets.argmax(axis=1))
    return Trained(
        classifier,
        _tensors(weights, [(beside.model, beside.output), (ngrams.model, ngrams.language)]),
        beside.model_copy(
            update={
                "model": config.model,
                "output": OUTPUT,
                "temperature": 1.0,  # the weights that are likeliest are calibrated
                "metrics": {
                    f"cross-validated: {ngrams.metric}": round(figures["cross-validated"], 4)
                },
            }
        ),
    )


def release(config: BlendConfig, trained: Trained, version: str, manifest: Path) -> None:
    """The classifier and the blend in the manifest; the blend answers for the head."""
    part = train_ngrams.Trained(trained.ngrams, routes=())
    train_ngrams.release(config.ngrams, part, version, manifest, command=config.name)
    file = Path(FOLDER, f"{config.model}.safetensors")
    write_tensors(trained.tensors, manifest.parent / file)
    names = (config.beside, config.ngrams.model)
    parts = [read(manifest).entry(name) for name in names]
    made = entry(
        manifest,
        file,
        version=version,
        kind="blend",
        parts=names,
        source=f"{' and '.join(names)} weighed together, `wiredesk train {config.name}`",
        commercial=all(part.commercial for part in parts),
        data=tuple(dict.fromkeys(told for part in parts for told in part.data)),
    )
    register(manifest, config.model, made, [trained.route])


def fit(of_parts: np.ndarray, targets: np.ndarray) -> Weights:
    """The weights that make the labels of some texts likeliest.

    of_parts  logits (parts, texts, labels); targets (texts,) label of each text
    """
    parts, texts, labels = of_parts.shape
    wanted = np.eye(labels)[targets]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        found = softmax(Weights(values[:parts], values[parts:]).logits(of_parts))
        likelihood = np.log(np.maximum(found[np.arange(texts), targets], 1e-12)).mean()
        error = (found - wanted) / texts
        slope = [*np.tensordot(of_parts, error, axes=2), *error.sum(axis=0)]
        return -float(likelihood), np.array(slope)

    start = np.concatenate([1 / of_parts.std(axis=(1, 2)) / parts, np.zeros(labels)])
    values = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return Weights(values[:parts], values[parts:])


def _route(manifest: Manifest, config: BlendConfig) -> Route:
    for route in manifest.heads(config.head):
        if route.model == config.beside and not route.multi_label:
            return route
    raise SettingError(
        f"{manifest.folder}/manifest.toml has no route of {config.head} to model {config.beside} "
        "that tells one label of all; train and release that head first"
    )


def _cross_fitted(of_parts: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Logits of every text by weights that it had no part in."""
    logits = np.zeros(of_parts.shape[1:])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(targets, targets)
    for learned, held_out in folds:
        weights = fit(of_parts[:, learned], targets[learned])
        logits[held_out] = weights.logits(of_parts[:, held_out])
    return logits


def _read(classifier: dict[str, np.ndarray], texts: Sequence[str]) -> list[Outputs]:
    """What the classifier says as it will be released."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "classifier.safetensors")
        save_file(classifier, file)
        model = NgramModel(file)
    return [model.run(text) for text in texts]


def _tensors(weights: Weights, outputs: Sequence[tuple[str, str]]) -> dict[str, np.ndarray]:
    """As in the file of models.blend."""
    same_label = np.eye(len(weights.bias), dtype=np.float32)
    return {BIAS: weights.bias.astype(np.float32)} | {
        tensor_name(model, output): same_label * np.float32(weight)
        for (model, output), weight in zip(outputs, weights.parts, strict=True)
    }
