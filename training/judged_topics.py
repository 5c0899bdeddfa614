"""Articles whose Media Topics were judged by reading: `judged_topics.tsv`.

418 rows of HuffPost (CC BY 4.0), drawn with the square root of each desk's size, the desks for
national and world news 1.8 times that. One reader, a language model working on this repository,
saw headline and description (230 characters), the ten concepts whose names were nearest, and the
list of all concepts; it named every concept an editor would file the article under. "Doubtful"
ones count neither for nor against. After a first fit the reader looked at 88 articles with
assignments not judged right, and let 5 of these concepts count as right, 11 as doubtful. The file
names texts by digest and holds none. No head is trained on these rows: `training.topic_labels.rows`
leaves them out.
"""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation import sets
from evaluation.rows import TextRow
from models.topics.concepts import MediaTopics
from models.topics.mappings import UNKNOWN

SHIPPED = Path(__file__).parent / "judged_topics.tsv"
SET = "huffpost"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class JudgedArticle:
    """A text and 1, 0 or UNKNOWN for every concept, int64 (concepts,)."""

    text: str
    truth: npt.NDArray[np.int64]


def digest(text: str) -> str:
    """What the file calls a text.

    >>> digest("Rain ends play")
    'f1a9e4ea8a84e011'
    """
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@cache
def digests(path: Path = SHIPPED) -> frozenset[str]:
    """Digests of the judged texts."""
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(row["text"] for row in csv.DictReader(file, delimiter="\t"))


def judgements(topics: MediaTopics, path: Path = SHIPPED) -> dict[str, npt.NDArray[np.int64]]:
    """Digest of a text to what was judged of each concept; ancestors of right ones are right."""
    judged = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            truth = np.zeros(len(topics), np.int64)
            for column, value in (("doubtful", UNKNOWN), ("right", 1)):
                for name in filter(None, row[column].split("; ")):
                    code = topics.named(name).code
                    for one in (code, *topics.ancestors(code)):
                        truth[topics.row(one)] = value
            judged[row["text"]] = truth
    return judged


def read(topics: MediaTopics, data_dir: Path) -> list[JudgedArticle]:
    """The judged articles, texts out of the data directory."""
    judged = judgements(topics)
    return [
        JudgedArticle(row.text, judged[digest(row.text)])
        for split in SPLITS
        for row in sets.load(SET, split, data_dir)
        if isinstance(row, TextRow) and digest(row.text) in judged
    ]
