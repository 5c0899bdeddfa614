"""Rows of `wiredesk evaluate feed`: articles, and impressions of readers."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.rows import WrongRowError
from models.ranking.article import FeedArticle
from schemas.errors import SetupError
from schemas.packed import numbered_lines

Places = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class Impression(NamedTuple):
    """What a reader was shown: places of articles, and which were clicked."""

    user: str
    history: Places
    shown: Places
    clicked: Booleans

    @property
    def decides(self) -> bool:
        """Whether a ranking can be right or wrong about it."""
        return bool(self.clicked.any() and not self.clicked.all())


class Rows(NamedTuple):
    """Articles and impressions of a file.

    reported  which impressions a published split reports; None: readers are split by their hash
    """

    articles: tuple[FeedArticle, ...]
    abstracts: tuple[str, ...]
    impressions: tuple[Impression, ...]
    reported: tuple[bool, ...] | None = None


def read(articles: str, impressions: str) -> Rows:
    """The rows of two JSONL files. Raises WrongRowError, SetupError."""
    found = list(_each(articles, _article))
    places = {article.article_id: place for place, (article, _) in enumerate(found)}
    if len(places) < len(found):
        raise WrongRowError(f"{articles}: {len(found) - len(places)} ids come twice")
    shown = tuple(_each(impressions, lambda row: _impression(row, places)))
    return Rows(tuple(a for a, _ in found), tuple(abstract for _, abstract in found), shown)


def _each(path: str, build: Callable[[Mapping[str, Any]], Any]) -> Iterator[Any]:
    empty = True
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"a JSON {type(row).__name__}; expected an object")
            yield build(row)
        except (ValueError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault}") from None
        empty = False
    if empty:
        raise SetupError(f"{path} has no rows")


def _article(row: Mapping[str, Any]) -> tuple[FeedArticle, str]:
    published_ms = row.get("published_ms")
    if published_ms is not None and type(published_ms) is not int:
        raise ValueError(f"published_ms is {published_ms!r}; expected milliseconds since 1970")
    article = FeedArticle(
        article_id=_text(row, "id"),
        title=_text(row, "title"),
        source=str(row.get("source") or ""),
        published_ms=published_ms or 0,
        language="",
        entities={name: name for name in map(_entity, row.get("entities") or ())},
    )
    return article, str(row.get("abstract") or "")


def _entity(found: Any) -> str:
    """The name or id of an entity: text, or an object that has one."""
    if isinstance(found, str):
        return found
    for key in ("wikidata_id", "id", "name", "text"):
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return str(found[key])
    raise ValueError(f"entity {found!r}; expected text, or an object with wikidata_id or name")


def _impression(row: Mapping[str, Any], places: Mapping[str, int]) -> Impression:
    candidates = row.get("candidates")
    if not isinstance(candidates, list) or not candidates:
        raise ValueError(f"candidates is {candidates!r}; expected a list with some")
    history = row.get("history")
    if not isinstance(history, list):
        raise ValueError(f"history is {history!r}; expected a list of article ids")
    ids = [candidate.get("id") if isinstance(candidate, dict) else None for candidate in candidates]
    found = [places.get(str(name)) for name in (*ids, *history)]
    if None in found:
        unknown = (*ids, *history)[found.index(None)]
        raise ValueError(f"article {unknown!r} is not among the articles")
    numbers = np.array(found, np.int64)
    if any(type(c.get("clicked")) not in (bool, int) for c in candidates):
        raise ValueError("a candidate without clicked; expected true or false, 1 or 0")
    return Impression(
        _text(row, "user"),
        numbers[len(ids) :],
        numbers[: len(ids)],
        np.array([bool(candidate["clicked"]) for candidate in candidates]),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str) or not row[name]:
        raise ValueError(f"{name} is {row.get(name)!r}; expected text")
    return str(row[name])
