"""A ranking change judged by what was logged: JSONL rows {"reward", "propensity", "wanted"}."""

import json
import math
from collections.abc import Iterator

import numpy as np

from evaluation.rows import WrongRowError
from models.ranking.off_policy import Estimate, snips
from schemas.errors import SetupError
from schemas.packed import numbered_lines

FIELDS = ("reward", "propensity", "wanted")


def evaluate(path: str, clip: float) -> Estimate:
    """The estimate from a file (`-`: standard input). Raises WrongRowError, SetupError."""
    rows = np.array(list(_rows(path)), np.float64).reshape(-1, len(FIELDS))
    try:
        return snips(rows[:, 0], rows[:, 1], rows[:, 2], clip=clip)
    except ValueError as fault:
        raise SetupError(f"{path}: {fault}") from None


def _rows(path: str) -> Iterator[tuple[float, ...]]:
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
            values = tuple(float(row[name]) for name in FIELDS)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as fault:
            raise WrongRowError(
                f"{path}, line {number}: expected numbers {', '.join(FIELDS)}: {fault!r}"
            ) from None
        if not all(map(math.isfinite, values)):
            raise WrongRowError(f"{path}, line {number}: a number that is not finite")
        _, propensity, wanted = values
        if not 0 < propensity <= 1:
            raise WrongRowError(
                f"{path}, line {number}: propensity is {propensity:g}; expected one above 0, to 1"
            )
        if not 0 <= wanted <= 1:
            raise WrongRowError(f"{path}, line {number}: wanted is {wanted:g}; expected 0..1")
        yield values
