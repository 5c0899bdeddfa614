"""From a row of the graph's outputs to the value of a field."""

from collections.abc import Callable
from typing import Any

from models.session import Array

Head = Callable[[Array], Any]


def embedding(vector: Array) -> bytes:
    """A unit vector, float32 (width,), as float16 little-endian bytes.

    >>> import numpy as np
    >>> embedding(np.array([0.6, -0.8], np.float32)).hex()
    'cd3866ba'
    """
    return vector.astype("<f2").tobytes()


HEADS: dict[str, Head] = {"embedding": embedding}
"""The head of each task that a manifest may route."""
