"""Probabilities that mean what they say: fitted on validation rows, with the graph as shipped."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from models.encoder import Encoder, Tokens
from models.mentions import calibrated
from models.probabilities import sigmoid, softmax
from models.session import Arrays
from schemas.errors import InferenceError
from training.examples import UNKNOWN, Example

BATCH = 32
RARE = 10  # positives below which a label has no threshold of its own
PULL = 9  # positives at which a label's own threshold weighs as much as the common one


def answers(encoder: Encoder, examples: Sequence[Example]) -> list[Arrays]:
    """The graph's outputs for each example. Raises InferenceError."""
    order = sorted(range(len(examples)), key=lambda i: len(examples[i]))
    found: dict[int, Arrays] = {}
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = [_tokens(examples[i]) for i in rows]
        for row, answer in zip(rows, encoder.run(batch), strict=True):
            if isinstance(answer, InferenceError):
                raise answer
            found[row] = answer
    return [found[i] for i in range(len(examples))]


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """What logits are divided by so that the likelihood is greatest (Guo et al., 2017).

    logits   (rows, labels)
    targets  (rows,) label of each row, or (rows, labels) of 0, 1 and UNKNOWN
    """

    def loss(log_temperature: float) -> float:
        scale = float(np.exp(log_temperature))
        if targets.ndim == 1:
            chosen = softmax(logits, scale)[np.arange(len(targets)), targets]
        else:
            probabilities = sigmoid(logits, scale)
            chosen = np.where(targets == 1, probabilities, 1 - probabilities)[targets != UNKNOWN]
        return -float(np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def mention_calibration(shares: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Temperature and bias (models.mentions.calibrated) of mentions so that the likelihood is
    greatest.

    shares  (mentions,) mean probability of each one's labels; right (mentions,) whether it is one
    """

    exact = shares.astype(np.float64)  # slopes are taken from tiny steps

    def loss(values: np.ndarray) -> float:
        probabilities = calibrated(exact, float(np.exp(values[0])), float(values[1]))
        chosen = np.where(right, probabilities, 1 - probabilities)
        return -float(np.log(np.maximum(chosen, 1e-12)).mean())

    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-2, 2), (-4, 4)]).x
    return float(np.exp(found[0])), float(found[1])


def thresholds(probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
    """Threshold of each label that gives it the best F1 (SCut; Yang, 2001); a rare label takes the
    one that is best for all together.

    probabilities  (rows, labels); targets (rows, labels) of 0, 1 and UNKNOWN
    """
    common = _best(probabilities.ravel(), targets.ravel())
    return tuple(
        round(_best(p, t) if (t == 1).sum() >= RARE else common, 4)
        for p, t in zip(probabilities.T, targets.T, strict=True)
    )


def pulled_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
    """Thresholds for the best micro F1, as of `thresholds`: between each label's own and the common
    one in log-odds, the nearer to its own the more rows have the label, n / (n + PULL).

    A label's own threshold fits the few rows that have it: on rows that it was not fitted on,
    Reuters-21578 gains 0.4 points.
    """
    common = np.log(_odds(_best(probabilities.ravel(), targets.ravel())))
    found = []
    for p, t in zip(probabilities.T, targets.T, strict=True):
        count = int((t == 1).sum())
        own = np.log(_odds(_best(p, t))) if count else common
        between = (count * own + PULL * common) / (count + PULL)
        found.append(round(float(1 / (1 + np.exp(-between))), 4))
    return tuple(found)


def _odds(probability: float) -> float:
    held = min(max(probability, 1e-6), 1 - 1e-6)
    return held / (1 - held)


def _best(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Halfway between the last row that is taken and the next one, where F1 is greatest."""
    known = targets != UNKNOWN
    order = np.argsort(-probabilities[known], kind="stable")
    ranked, hits = probabilities[known][order], (targets[known][order] == 1).cumsum()
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + max(hits[-1], 1))
    last = int(f1.argmax())
    following = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + following) / 2)


def _tokens(example: Example) -> Tokens:
    size = len(example)
    nowhere = np.zeros((size, 2), np.int64)
    return Tokens(list(example.ids), nowhere, np.full(size, -1), example.shapes)
