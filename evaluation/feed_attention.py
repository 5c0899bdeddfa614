"""Attention learned from the impressions that `wiredesk evaluate feed` learns from.

A folder of `python -m training.fit_attention`: a graph of all of them, and one without each fold of
their readers, so that what attention says of a reader never comes from their own clicks.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from evaluation.feed_rows import Impression
from models.ranking.attention import Attention
from schemas.errors import SetupError

OF_ALL = "all.onnx"
LEARNED = "learned.json"


class Graphs(NamedTuple):
    """Graphs of a folder.

    without  by fold of the readers that the graph has not seen
    learned  `digest` of the impressions
    """

    of_all: Attention
    without: Sequence[Attention]
    learned: str

    def require(self, learned: Sequence[Impression]) -> None:
        """Raises SetupError where the graphs are of other impressions, among them perhaps those
        that are reported.
        """
        if digest(learned) != self.learned:
            raise SetupError(
                f"the graphs of {self.of_all.graph.parent} were learned from other impressions; "
                "learn them anew from these files: python -m training.fit_attention"
            )


def without(fold: int) -> str:
    """File of the graph without a fold.

    >>> without(2)
    'without-2.onnx'
    """
    return f"without-{fold}.onnx"


def digest(learned: Sequence[Impression]) -> str:
    """sha256 of impressions: the same rows, split the same way."""
    found = hashlib.sha256()
    for row in learned:
        found.update(json.dumps([row.user, *(part.tolist() for part in row[1:])]).encode())
    return found.hexdigest()


def read(folder: Path, folds: int) -> Graphs:
    """The graphs of a folder. Raises SetupError."""
    names = [OF_ALL, *map(without, range(folds))]
    lacking = [name for name in (LEARNED, *names) if not (folder / name).is_file()]
    if lacking:
        raise SetupError(f"{folder} has no {', '.join(lacking)}")
    of_all, *others = (Attention(folder / name) for name in names)
    return Graphs(of_all, others, json.loads((folder / LEARNED).read_text("utf-8"))["learned"])


def write_learned(folder: Path, learned: Sequence[Impression]) -> None:
    """Say what the graphs of a folder were learned from."""
    (folder / LEARNED).write_text(json.dumps({"learned": digest(learned)}) + "\n", "utf-8")
