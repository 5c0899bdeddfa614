"""Labelled rows as targets of the supervised Media Topics head.

    targets("huffpost", "CRIME")     int64 (18,) of 1, 0 and UNKNOWN
    rows("huffpost", "train", dir)   rows whose labels `targets` knows

Data sets are named as in `models/topics/mappings.toml`.
"""

import csv
import gzip
import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation import sets
from evaluation.rows import TextRow
from models.topics import concepts, mappings
from models.topics.mappings import UNKNOWN
from schemas.errors import SetupError
from training import judged_topics

__all__ = ["UCI", "UNKNOWN", "labels", "rows", "supervised", "targets"]

UCI = "uci_news_aggregator_head"
_UCI_FILE = Path(UCI, "news.tsv.gz")
_UCI_VALIDATION_SHARE = 0.2  # of the stories: a row of a story that was trained on is no test


@cache
def reviewed() -> mappings.Mappings:
    """The shipped mappings."""
    return mappings.read(concepts.read())


def supervised() -> tuple[str, ...]:
    """Codes of the concepts of the head, in the order of its logits."""
    return reviewed().supervised


def targets(data_set: str, label: str) -> npt.NDArray[np.int64]:
    """1, 0 or UNKNOWN for each supervised concept, int64 (concepts,).

    >>> wanted = targets("huffpost", "FOOD & DRINK")
    >>> [code for code, value in zip(supervised(), wanted, strict=True) if value == 1]
    ['medtop:10000000', 'medtop:20000568']

    Raises SetupError for a label that nobody has reviewed.
    """
    try:
        return reviewed().targets(data_set, label)
    except KeyError as error:
        raise SetupError(f"mappings.toml says nothing of {data_set}, {label}: {error}") from None


def labels(data_set: str) -> tuple[str, ...]:
    """The labels of a data set that have been reviewed, stories included."""
    labelled = reviewed().sets[data_set]
    return (*labelled.labels, *labelled.stories)


def rows(data_set: str, split: str, data_dir: Path) -> list[TextRow]:
    """Rows of a split whose labels `targets` knows; English ones of SIB-200.

    Judged articles are left out: what is fitted to them must not have been trained on them.
    The UCI stream has no `test` split; a row's label is its story if that was mapped, else the
    section. One story in five is `validation`.
    """
    if data_set == UCI:
        return _uci(split, data_dir)
    loaded = [row for row in sets.load(data_set, split, data_dir) if isinstance(row, TextRow)]
    judged = judged_topics.digests() if data_set == judged_topics.SET else frozenset()
    return [
        row
        for row in loaded
        if row.lang in (None, "eng_Latn") and judged_topics.digest(row.text) not in judged
    ]


def _uci(split: str, data_dir: Path) -> list[TextRow]:
    stories = reviewed().sets[UCI].stories
    with gzip.open(data_dir / _UCI_FILE, "rt", encoding="utf-8", newline="") as lines:
        return [
            TextRow(row["title"], (row["story"] if row["story"] in stories else row["category"],))
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            if _uci_split(row["story"]) == split
        ]


def _uci_split(story: str) -> str:
    digest = hashlib.blake2b(story.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    return "validation" if place < _UCI_VALIDATION_SHARE else "train"
