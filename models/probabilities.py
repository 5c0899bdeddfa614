"""Logits to probabilities."""

import numpy as np

from models.manifest import Route
from models.session import Array


def softmax(logits: Array, temperature: float = 1.0) -> Array:
    """Probabilities over the last axis.

    >>> softmax(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(logits: Array, temperature: float = 1.0) -> Array:
    """Probabilities, each on its own.

    >>> float(sigmoid(np.array(0.0)))
    0.5
    """
    shares: Array = 1.0 / (1.0 + np.exp(-logits / temperature))
    return shares


def told_by(route: Route, logits: Array, tokens: int) -> Array:
    """Probabilities of a route's labels, by what its model said of a text with so many tokens."""
    squash = sigmoid if route.multi_label else softmax
    return squash(logits, route.temperature_of(tokens))
