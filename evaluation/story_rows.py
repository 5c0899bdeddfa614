"""Rows of `wiredesk evaluate stories`: articles with their gold stories."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from evaluation.rows import WrongRowError, unicode_text
from schemas.article import Article
from schemas.errors import SetupError
from schemas.packed import numbered_lines

TEXT_FIELDS = ("id", "title", "source", "story")


class Row(NamedTuple):
    """An article with its gold story."""

    id: str
    title: str
    body: str
    source: str
    published_ms: int
    story: str

    @property
    def article(self) -> Article:
        """As a feed would give it, at the moment it was published."""
        return Article(
            article_id=self.id,
            source=self.source,
            title=self.title,
            body=self.body,
            published_ms=self.published_ms,
            fetched_ms=self.published_ms,
        )


def read(path: str) -> Iterator[Row]:
    """The rows of a file (`-`: standard input), in its order. Raises WrongRowError."""
    first_lines: dict[str, int] = {}
    for line, content in numbered_lines(path):
        try:
            row = _row(json.loads(content))
        except (ValueError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {line}: {fault}") from None
        if row.id in first_lines:
            raise WrongRowError(
                f"{path}, line {line}: id {row.id!r} stands on line {first_lines[row.id]}, too"
            )
        first_lines[row.id] = line
        yield row
    if not first_lines:
        raise SetupError(f"{path} has no rows")


def _row(columns: Any) -> Row:
    if not isinstance(columns, dict):
        raise ValueError(f"a JSON {type(columns).__name__}; expected an object")
    for name in TEXT_FIELDS:
        if not isinstance(columns.get(name), str) or not columns[name].strip():
            raise ValueError(f"{name} is {columns.get(name)!r}; expected text")
        unicode_text(name, columns[name])
    body = columns.get("body") or ""
    if not isinstance(body, str):
        raise ValueError(f"body is {body!r}; expected text")
    unicode_text("body", body)
    published_ms = columns.get("published_ms")
    if type(published_ms) is not int:
        raise ValueError(
            f"published_ms is {published_ms!r}; expected milliseconds since 1970, a whole number"
        )
    return Row(
        columns["id"], columns["title"], body, columns["source"], published_ms, columns["story"]
    )
