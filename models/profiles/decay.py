"""Half-lives, and means that forget."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


def remaining(elapsed_ms: float, half_life_ms: float) -> float:
    """What is left of a weight.

    >>> remaining(2000, 1000)
    0.25
    """
    return float(2.0 ** (-elapsed_ms / half_life_ms))


class Mean(NamedTuple):
    """A weighted mean of vectors.

    vector   float32 (width,), not normalised: the more alike what it is made of, the longer
    weight   sum of the weights
    squares  sum of their squares
    """

    vector: Vector
    weight: float
    squares: float

    @property
    def effective_size(self) -> float:
        """How many equally weighted vectors say as much (Kish 1965)."""
        return self.weight * self.weight / self.squares if self.squares > 0 else 0.0


def faded(mean: Mean | None, factor: float) -> Mean | None:
    """The mean after all its weights have shrunk by a factor: the same vector, less sure."""
    if mean is None:
        return None
    return Mean(mean.vector, mean.weight * factor, mean.squares * factor * factor)


def added(mean: Mean | None, vector: Vector, weight: float) -> Mean | None:
    """The mean with one vector more; a weight of 0 changes nothing."""
    if weight <= 0:
        return mean
    if mean is None or mean.weight <= 0:
        return Mean(vector, weight, weight * weight)
    total = mean.weight + weight
    return Mean(
        mean.vector + (vector - mean.vector) * np.float32(weight / total),
        total,
        mean.squares + weight * weight,
    )
