"""Files of data sets, and which of their rows are held back."""

import csv
import gzip
import hashlib
import json
import lzma
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

from evaluation.rows import Row, TextRow

VALIDATION_SHARE = 0.1
"""Part of the training rows that becomes `validation` where a set has none of its own."""


def carved(
    rows: Iterable[Row], split: str, key: Callable[[Any], Hashable], *, test: bool = False
) -> Iterable[Row]:
    """The rows of `split` out of rows that no file splits; with `test`, a third part is carved."""
    return (row for row in rows if part_of(key(row), test=test) == split)


def part_of(key: Hashable, *, test: bool = False) -> str:
    """The split of every row with this key."""
    digest = hashlib.blake2b(str(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < VALIDATION_SHARE:
        return "validation"
    return "test" if test and place < 2 * VALIDATION_SHARE else "train"


def text_of(row: TextRow) -> str:
    return row.text


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a packed file without their ends."""
    opened = lzma.open if path.suffix == ".xz" else gzip.open
    with opened(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def read_objects(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, read_lines(path))


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a TSV file with a header, in which quotes mean nothing."""
    return csv.DictReader(read_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
