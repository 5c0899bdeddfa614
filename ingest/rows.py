"""Articles in files: JSONL, CSV and TSV to rows, rows to Article.

Columns are the fields of Article; what is absent is derived: `article_id` from the url, else from
source, title and body; `source` from the url's host; `published_ms` from the column that says when
(DATE_COLUMNS), else now. Any other column goes to `metadata` as a string.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from ingest.addresses import UNKNOWN_SOURCE, article_id, host_of
from schemas.article import Article
from schemas.errors import SetupError
from schemas.packed import STDIN, UNPACKERS, opened, unpacked
from schemas.record import first_fault

DATE_COLUMNS = ("published", "published_at", "date", "datePublished", "timestamp", "timestamp_ms")
_TEXT_COLUMNS = ("article_id", "url", "source", "owner", "title", "body", "html", "language_hint")
_OLDEST_MS_EPOCH = 100_000_000_000
"""A bare number from here on is milliseconds (1973), below it seconds (until the year 5138)."""

_LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class BadRow(ValueError):
    """A row that cannot be sent; the message says why."""


class RowFormat(StrEnum):
    """How rows lie in a file."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


@dataclass(frozen=True)
class Row:
    """One row of a file, by its line; `fault` says why it could not be read."""

    line: int
    columns: Mapping[str, Any]
    fault: str | None = None

    def read(self) -> Mapping[str, Any]:
        """Its columns. Raises BadRow when it could not be read."""
        if self.fault:
            raise BadRow(self.fault)
        return self.columns


class RowFile:
    """The rows of a file (`-`: standard input), compressed or not; iterate once.

    A row that cannot be read comes with its fault; the next one follows. Raises SetupError when
    the file itself cannot be read.
    """

    def __init__(self, path: str, row_format: RowFormat | None = None) -> None:
        self._path = path
        self._raw, self._size = opened(path)
        self._rows = _reader(path, row_format)

    @property
    def share_read(self) -> float | None:
        """How much of the file has been read, 0..1; None for standard input."""
        return self._raw.tell() / self._size if self._size else None

    def __iter__(self) -> Iterator[Row]:
        with unpacked(self._path, self._raw) as text:
            yield from self._rows(text)


def article(
    columns: Mapping[str, Any], *, now_ms: int, renamed: Mapping[str, str] | None = None
) -> Article:
    """The article in a row. `renamed` maps a field of Article to the column that holds it.

    >>> a = article({"url": "https://www.courier.example/7", "headline": "Bridge reopens",
    ...              "date": "2026-03-01T12:00:00Z"}, now_ms=0, renamed={"title": "headline"})
    >>> a.source, a.title, a.published_ms
    ('courier.example', 'Bridge reopens', 1772366400000)

    Raises BadRow.
    """
    rest = {name: value for name, value in columns.items() if value not in (None, "")}
    given = {field: rest.pop(column, None) for field, column in (renamed or {}).items()}
    given = {field: value for field, value in given.items() if value is not None}
    for field in Article.model_fields:
        if field in rest and field not in given:
            given[field] = rest.pop(field)
    fields: dict[str, Any] = {
        name: _text(name, given[name]) for name in _TEXT_COLUMNS if name in given
    }
    if not any(fields.get(name, "").strip() for name in ("title", "body", "html")):
        raise BadRow("there is no title and no body; --map names the columns that hold them")
    fields["published_ms"] = _published_ms(given, rest, now_ms)
    fields["fetched_ms"] = _milliseconds("fetched_ms", given.get("fetched_ms", now_ms))
    fields["authors"] = _authors(given.get("authors"))
    fields["metadata"] = _metadata(given.get("metadata"), rest)
    host = host_of(fields.get("url", "")).removeprefix("www.")
    fields.setdefault("source", host or UNKNOWN_SOURCE)
    fields.setdefault("article_id", _article_id(fields))
    try:
        _require_unicode(fields)
        return Article.model_validate(fields)
    except UnicodeEncodeError as error:
        raise BadRow("the text is not valid Unicode (UTF-8)") from error
    except ValidationError as error:
        raise BadRow(first_fault(error)) from error


def _reader(path: str, row_format: RowFormat | None) -> Callable[[IO[str]], Iterator[Row]]:
    names = [suffix.lower() for suffix in Path(path).suffixes if suffix.lower() not in UNPACKERS]
    by_suffix = {
        ".jsonl": RowFormat.JSONL,
        ".ndjson": RowFormat.JSONL,
        ".json": RowFormat.JSONL,
        ".csv": RowFormat.CSV,
        ".tsv": RowFormat.TSV,
        ".tab": RowFormat.TSV,
    }
    found = row_format or by_suffix.get(names[-1] if names else "")
    if found is None and path == STDIN:
        found = RowFormat.JSONL
    if found is None:
        raise SetupError(f"{path}: the name tells no format; say --format jsonl, csv or tsv")
    return {RowFormat.JSONL: _jsonl, RowFormat.CSV: _csv, RowFormat.TSV: _tsv}[found]


def _jsonl(text: IO[str]) -> Iterator[Row]:
    for line, content in enumerate(text, start=1):
        if not content.strip():
            continue
        try:
            columns = json.loads(content)
        except (ValueError, RecursionError) as error:
            yield Row(line, {}, f"not JSON: {error}")
            continue
        if isinstance(columns, dict):
            yield Row(line, columns)
        else:
            yield Row(line, {}, f"a JSON {type(columns).__name__}; expected an object")


def _csv(text: IO[str]) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)
    yield from _table(csv.reader(text, strict=True))


def _tsv(text: IO[str]) -> Iterator[Row]:
    """Quotes mean nothing in TSV (IANA text/tab-separated-values): headlines begin with them."""
    csv.field_size_limit(sys.maxsize)
    yield from _table(csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE))


def _table(reader: Any) -> Iterator[Row]:
    header: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, str(error))
            continue
        if not cells:
            continue
        if not header:
            header = [name.strip() for name in cells]
        elif len(cells) != len(header):
            yield Row(line, {}, f"{len(cells)} columns; the header has {len(header)}")
        else:
            yield Row(line, dict(zip(header, cells, strict=True)))


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise BadRow(f"{name} is a {type(value).__name__}; expected text")


def _require_unicode(value: Any) -> None:
    """Half a surrogate pair, or a byte that was no UTF-8, raises UnicodeEncodeError."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        _require_unicode([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for part in value:
            _require_unicode(part)


def _published_ms(given: Mapping[str, Any], rest: dict[str, Any], now_ms: int) -> int:
    if "published_ms" in given:
        value = given["published_ms"]
        # A column that --map names may hold a date of any form.
        return _milliseconds("published_ms", value) if _is_whole(value) else _moment(value)
    for name in DATE_COLUMNS:
        if name in rest:
            value = rest.pop(name)
            return _milliseconds(name, value) if name.endswith("_ms") else _moment(value)
    return now_ms


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"\s*-?\d+\s*", str(value)) is not None


def _milliseconds(name: str, value: Any) -> int:
    if not _is_whole(value):
        raise BadRow(f"{name} is {value!r}; expected milliseconds since 1970, a whole number")
    return _in_range(name, int(value))


def _in_range(name: str, milliseconds: int) -> int:
    if abs(milliseconds) > _LATEST_MS:
        raise BadRow(f"{name} {milliseconds} lies beyond the year 9999")
    return milliseconds


def _moment(value: Any) -> int:
    """Milliseconds since 1970 of a date as people write it; without a zone it is UTC.

    >>> _moment("26-FEB-1987 15:01:01.79"), _moment("Mon, 02 Mar 2026 08:00:00 +0100")
    (541350061790, 1772434800000)
    >>> _moment(1772434800), _moment("2026-03-02")
    (1772434800000, 1772409600000)
    """
    text = str(value).strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        number = float(text)
        ms = number if abs(number) >= _OLDEST_MS_EPOCH else number * 1000
        return _in_range("the date", int(ms))
    for parse in (datetime.fromisoformat, _reuters_date, parsedate_to_datetime):
        try:
            moment = parse(text)
        except ValueError:
            continue
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    raise BadRow(f"the date {text!r} is of no form that we know; ISO 8601 always works")


def _reuters_date(text: str) -> datetime:
    return datetime.strptime(text, "%d-%b-%Y %H:%M:%S.%f")


def _authors(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [_text("authors", name) for name in (value if isinstance(value, list) else [value])]


def _metadata(given: Any, rest: Mapping[str, Any]) -> dict[str, str]:
    """Unknown columns as strings; a `metadata` object is merged in."""
    if isinstance(given, str):  # from a table
        try:
            given = json.loads(given)
        except ValueError:
            given = {"metadata": given}
    if given is not None and not isinstance(given, dict):
        raise BadRow(f"metadata is a {type(given).__name__}; expected an object")
    return {name: _plain(value) for name, value in (dict(rest) | (given or {})).items()}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _article_id(fields: Mapping[str, Any]) -> str:
    """The same article always has the same id: by its address, else by its words."""
    words = (fields.get(name, "") for name in ("source", "title", "body"))
    return article_id(fields.get("url", ""), *words)
