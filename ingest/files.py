"""Articles in files: JSONL, CSV, TSV, NITF, NewsML-G2, WARC, and feeds that were saved."""

import gzip
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from ingest import robots
from ingest.addresses import first_canonical
from ingest.entry import Entry
from ingest.page.declared import robots_directives
from ingest.page.extract import MAX_BYTES, NoPage, Page, extract
from ingest.read.feed import NotAFeed, read_feed
from ingest.read.news_xml import read_news_xml
from ingest.rows import BadRow, RowFile, RowFormat, article
from ingest.safe_xml import BadXml, UnsafeXml
from schemas.article import Article
from schemas.errors import SetupError
from schemas.packed import UNPACKERS

MAX_XML_BYTES = 64 * 1024 * 1024


class FileFormat(StrEnum):
    """How articles lie in a file."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    NITF = "nitf"
    NEWSML = "newsml"
    WARC = "warc"
    FEED = "feed"


_ROWS = {FileFormat.JSONL, FileFormat.CSV, FileFormat.TSV}
_SUFFIXES = {
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".tab": FileFormat.TSV,
    ".nitf": FileFormat.NITF,
    ".newsml": FileFormat.NEWSML,
    ".warc": FileFormat.WARC,
    ".rss": FileFormat.FEED,
    ".atom": FileFormat.FEED,
}


@dataclass(frozen=True)
class Found:
    """One article of a file with its page, if the file holds one; or what was wrong in its place.

    place  line of a row, number of a record or story, from 1
    """

    place: int
    entry: Entry = field(default_factory=Entry)
    page: Page | None = None
    fault: str = ""


def format_of(path: str) -> FileFormat:
    """The format of a file by its name, of XML by its first element. Raises SetupError."""
    suffixes = [s.lower() for s in Path(path).suffixes if s.lower() not in UNPACKERS]
    suffix = suffixes[-1] if suffixes else ""
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix == ".xml":
        return _xml_format(path)
    raise SetupError(
        f"{path}: the name tells no format; say --format with one of {', '.join(FileFormat)}"
    )


def read_file(
    path: str,
    file_format: FileFormat | None = None,
    *,
    now_ms: int,
    renamed: Mapping[str, str] | None = None,
) -> Iterator[Found]:
    """Every article of a file, faults in their places. Raises SetupError for a file as a whole."""
    chosen = file_format or format_of(path)
    if chosen in _ROWS:
        yield from _rows(path, RowFormat(chosen.value), now_ms, renamed)
    elif chosen is FileFormat.WARC:
        yield from _warc(path)
    elif chosen is FileFormat.FEED:
        yield from _feed(path)
    else:
        yield from _stories(path)


def entry_of_article(found: Article, columns: Mapping[str, Any]) -> Entry:
    """An article in a row as an entry: what was derived for it is left to the normaliser."""
    text = found.body or found.html or ""
    return Entry(
        key=found.article_id,
        url=first_canonical(found.url),
        title=html.escape(found.title, quote=False),
        content=text if found.html else _as_html(text) if "<" not in text else text,
        authors=tuple(found.authors or ()),
        published=datetime.fromtimestamp(found.published_ms / 1000, UTC),
        language=found.language_hint or "",
        source=str(columns.get("source") or ""),
        owner=found.owner or "",
        article_id=str(columns.get("article_id") or ""),
        metadata=found.metadata,
    )


def _rows(
    path: str, row_format: RowFormat, now_ms: int, renamed: Mapping[str, str] | None
) -> Iterator[Found]:
    for row in RowFile(path, row_format):
        if row.fault:
            yield Found(row.line, fault=row.fault)
            continue
        try:
            read = article(row.columns, now_ms=now_ms, renamed=renamed)
        except BadRow as bad:
            yield Found(row.line, fault=str(bad))
            continue
        given = dict(row.columns) | {
            name: row.columns.get(column) for name, column in (renamed or {}).items()
        }
        yield Found(row.line, entry_of_article(read, given))


def _stories(path: str) -> Iterator[Found]:
    try:
        for number, entry in enumerate(read_news_xml(_bytes(path)), start=1):
            yield Found(number, entry)
    except (UnsafeXml, BadXml) as error:
        yield Found(1, fault=str(error))


def _feed(path: str) -> Iterator[Found]:
    try:
        for number, entry in enumerate(read_feed(_bytes(path)).entries, start=1):
            yield Found(number, entry)
    except NotAFeed as error:
        yield Found(1, fault=str(error))


def _warc(path: str) -> Iterator[Found]:
    """The HTML pages of a web archive (ISO 28500), by their own addresses and dates."""
    try:
        with Path(path).open("rb") as stream:
            for number, record in enumerate(ArchiveIterator(stream), start=1):
                if record.rec_type in ("response", "resource"):
                    found = _warc_page(number, record)
                    if found:
                        yield found
    except OSError as error:
        raise SetupError(f"{path} cannot be opened: {error.strerror}") from error
    except (ArchiveLoadFailed, EOFError) as error:
        raise SetupError(f"{path} cannot be read to its end: {error}") from error


def _warc_page(number: int, record: Any) -> Found | None:
    headers = dict(record.http_headers.headers) if record.http_headers else {}
    status = record.http_headers.get_statuscode() if record.http_headers else "200"
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    kind = kind or record.rec_headers.get_header("Content-Type") or ""
    if status != "200" or "html" not in kind.lower():
        return None
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    content = record.content_stream().read(MAX_BYTES + 1)
    try:
        page = extract(content, url)
    except NoPage as error:
        return Found(number, fault=f"{url}: {error}")
    directives = robots_directives(robots.header_directives(headers))
    return Found(number, Entry(key=url, url=url), replace(page, robots=page.robots | directives))


def _xml_format(path: str) -> FileFormat:
    start = _bytes(path, 8192)
    if b"<nitf" in start:
        return FileFormat.NITF
    if b"newsItem" in start or b"newsMessage" in start:
        return FileFormat.NEWSML
    return FileFormat.FEED


def _bytes(path: str, most: int = MAX_XML_BYTES) -> bytes:
    try:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as stream:
            content: bytes = stream.read(most + 1)
    except (OSError, EOFError) as error:
        raise SetupError(f"{path} cannot be read: {error}") from error
    if len(content) > MAX_XML_BYTES:
        raise SetupError(f"{path} is larger than {MAX_XML_BYTES:,} bytes unpacked")
    return content


def _as_html(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n") if line.strip())
