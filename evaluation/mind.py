"""MIND's own files as rows of `wiredesk evaluate feed` (Wu et al., 2020).

A folder holds `news.tsv` and `behaviors.tsv`: readers are split 4 to 1 as with any rows. Or it
holds the published parts, folders named `…train` and `…dev`: the first is learned from, the second
reported, as in the literature. MIND has no times of publication and no sources.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.feed_rows import Impression, Rows
from evaluation.rows import WrongRowError
from models.ranking.article import FeedArticle
from schemas.errors import SetupError

NEWS, BEHAVIORS = "news.tsv", "behaviors.tsv"


def read(folder: Path) -> Rows:
    """The rows of a folder. Raises WrongRowError, SetupError."""
    parts = _parts(folder)
    found: dict[str, tuple[FeedArticle, str]] = {}
    for part in parts:
        for article, abstract in _news(part / NEWS):
            found.setdefault(article.article_id, (article, abstract))
    places = {name: place for place, name in enumerate(found)}
    impressions: list[Impression] = []
    reported: list[bool] = []
    for part in parts:
        shown = list(_behaviors(part / BEHAVIORS, places))
        impressions += shown
        reported += [part is parts[-1]] * len(shown)
    return Rows(
        tuple(article for article, _ in found.values()),
        tuple(abstract for _, abstract in found.values()),
        tuple(impressions),
        tuple(reported) if len(parts) > 1 else None,
    )


def _parts(folder: Path) -> list[Path]:
    if (folder / NEWS).is_file():
        return [folder]
    parts = [
        next((path for path in sorted(folder.glob(f"*{name}")) if (path / NEWS).is_file()), None)
        for name in ("train", "dev")
    ]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        raise SetupError(f"{folder} has neither {NEWS} nor folders …train and …dev that have it")
    return known


def _news(path: Path) -> Iterator[tuple[FeedArticle, str]]:
    for number, row in _lines(path):
        try:
            name, category, _, title, abstract, _, entities, *_ = row
            named = {
                entity["WikidataId"]: entity["Label"] for entity in json.loads(entities or "[]")
            }
        except (ValueError, KeyError, TypeError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault!r}") from None
        yield FeedArticle(name, title, "", 0, "", subject=category, entities=named), abstract


def _behaviors(path: Path, places: dict[str, int]) -> Iterator[Impression]:
    for number, row in _lines(path):
        try:
            _, user, _, history, shown = row
            pairs = [candidate.rsplit("-", 1) for candidate in shown.split()]
            yield Impression(
                user,
                np.array([places[name] for name in history.split()], np.int64),
                np.array([places[name] for name, _ in pairs], np.int64),
                np.array([clicked == "1" for _, clicked in pairs]),
            )
        except ValueError as fault:
            raise WrongRowError(f"{path}, line {number}: {fault}") from None
        except KeyError as name:
            raise WrongRowError(f"{path}, line {number}: {NEWS} has no {name}") from None


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            yield from ((number, row) for number, row in enumerate(rows, start=1) if row)
    except OSError as error:
        raise SetupError(f"{path} cannot be opened: {error.strerror}") from error
