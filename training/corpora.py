"""Readers for the public text sets used to calibrate and to measure; no text of theirs is kept."""

import csv
import gzip
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Labelled(NamedTuple):
    """A text and the class it was given by its data set."""

    text: str
    label: str


def cnn_articles(data: Path, split: str) -> Iterator[str]:
    """Article bodies of CNN/DailyMail, lower case, PTB tokens; `split` is train, val or test."""
    with lzma.open(data / "cnn_dailymail" / f"{split}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["article"]


def ag_news(data: Path, split: str) -> Iterator[Labelled]:
    """Headline and teaser of AG News with class "1" to "4"; `split` is train_subset or test."""
    with gzip.open(data / "ag_news" / f"{split}.tsv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = row["text"] if "text" in row else f"{row['title']} {row['description']}"
            yield Labelled(text, row["label"])


def sib200(data: Path) -> dict[tuple[str, str], list[Labelled]]:
    """Sentences with one of seven topics, by FLORES-200 language code and split, train or dev."""
    rows: dict[tuple[str, str], list[Labelled]] = {}
    with lzma.open(data / "sib200" / "sib200.tsv.xz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            key = (row["lang"], row["split"])
            rows.setdefault(key, []).append(Labelled(row["text"], row["category"]))
    return rows
