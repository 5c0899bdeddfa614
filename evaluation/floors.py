"""Quality floors: figures below which a change is refused.

A file of `[[floor]]` tables: head, data, metric, `whole` (on every row of the data set's test
split), `sample` and `sample_rows` (on so many of them, evenly spread). Metrics are those of
`wiredesk evaluate --json`, and `ece`, of which a floor is a ceiling.
"""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from evaluation.measure import Evaluation
from schemas.errors import SetupError

ECE = "ece"
_Row = TypeVar("_Row")


class Floor(BaseModel):
    """The least that a head must reach on a data set; fractions, 0..1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: str
    data: str
    metric: str
    whole: float
    sample: float
    sample_rows: int = Field(gt=0)

    def reached(self, value: float, *, whole: bool) -> bool:
        """Whether a figure is good enough."""
        bound = self.whole if whole else self.sample
        return value <= bound if self.metric == ECE else value >= bound


class _Floors(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    floor: tuple[Floor, ...] = ()


def read(path: Path) -> tuple[Floor, ...]:
    """The floors in a file. Raises SetupError."""
    try:
        return _Floors.model_validate(tomllib.loads(path.read_text("utf-8"))).floor
    except OSError as error:
        raise SetupError(f"floors {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML, or no floors
        raise SetupError(f"floors {path}: {error}") from error


def figure(evaluation: Evaluation, metric: str) -> float:
    """A metric of an evaluation. Raises SetupError for one it lacks."""
    if metric == ECE and evaluation.calibration:
        return evaluation.calibration.error
    if metric not in evaluation.metrics:
        raise SetupError(f"{evaluation.head} on {evaluation.data} has no metric {metric}")
    return evaluation.metrics[metric].value


def missed(evaluation: Evaluation, floors: Iterable[Floor], *, whole: bool) -> list[str]:
    """A line for each floor of this head and data set that is not reached."""
    lines = []
    for floor in floors:
        if (floor.head, floor.data) != (evaluation.head, evaluation.data):
            continue
        value = figure(evaluation, floor.metric)
        if not floor.reached(value, whole=whole):
            bound = floor.whole if whole else floor.sample
            lines.append(
                f"{floor.head} on {floor.data}: {floor.metric} {value:.4f}; "
                f"the {'ceiling' if floor.metric == ECE else 'floor'} is {bound}"
            )
    return lines


def sample(rows: Sequence[_Row], size: int) -> list[_Row]:
    """So many rows, evenly spread.

    >>> sample("abcdefghij", 3)
    ['a', 'd', 'g']
    """
    return (
        [rows[place * len(rows) // size] for place in range(size)] if size < len(rows) else [*rows]
    )
