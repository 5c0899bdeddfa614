"""How many real and test feeds are read without loss.

A folder holds feeds as the projects feedparser and gofeed keep them: XML whose first comment says
what is expected of feedparser (`Expect:`), and XML beside JSON with what is expected of gofeed.
Each is served over HTTP on loopback with the headers that it names, fetched and read; what it says
about titles, addresses, guids, texts, authors, times and languages must be in the entries. What we
do not carry (images, ratings, geography) is not counted.
"""

import ast
import asyncio
import calendar
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest import moments
from ingest.addresses import BadAddress, canonical
from ingest.entry import Entry
from ingest.read.feed import Feed, NotAFeed, read_feed
from schemas.errors import SetupError

_COMMENT = re.compile(rb"<!--(.*?)-->", re.S)
_EXPECT = re.compile(r"Expect:\s*(.*)$", re.S)
_HEADER = re.compile(r"^\s*Header:\s*([\w-]+):\s*(.*?)\s*$", re.M)


@dataclass(frozen=True)
class Expected:
    """A file, the headers it is served with, and (path, value) pairs that must come out of it."""

    file: Path
    headers: Mapping[str, str]
    values: list[tuple[str, Any]]


@dataclass
class Outcome:
    """What became of the files."""

    files: int = 0
    without_loss: int = 0
    values: int = 0
    values_kept: int = 0
    lost: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def metrics(self) -> dict[str, float]:
        """Files, the share of them without loss, and the share of expected values that came out."""
        return {
            "feeds": self.files,
            "without_loss": self.without_loss / self.files,
            "values_kept": self.values_kept / self.values,
        }


def expectations(folder: Path) -> Iterator[Expected]:
    """Every file below a folder that expects something we carry."""
    for file in sorted(folder.rglob("*.xml")):
        beside = file.with_suffix(".json")
        content = file.read_bytes()
        if beside.exists():
            values = list(_gofeed(json.loads(beside.read_text("utf-8"))))
            headers: dict[str, str] = {}
        else:
            values, headers = _feedparser(content)
        if values:
            yield Expected(file, headers, values)


def kept(expected: Expected, feed: Feed) -> list[bool]:
    """For each expected value, whether the feed as we read it says the same."""
    return [_says(feed, path, value) for path, value in expected.values]


def measure(folder: Path) -> Outcome:
    """Serve, fetch and read every feed below a folder. Raises SetupError where none expects
    anything.
    """
    found = list(expectations(folder))
    if not found:
        raise SetupError(
            f"{folder} holds no feed that says what is expected of it: XML with an `Expect:` in "
            "its first comment, or JSON beside XML"
        )
    return asyncio.run(_measure(folder, found))


async def _measure(folder: Path, found: Sequence[Expected]) -> Outcome:
    from aiohttp import web

    from ingest.web import Web, WebSettings

    outcome = Outcome()

    async def answer(request: web.Request) -> web.Response:
        one = found[int(request.match_info["number"])]
        headers = {"Content-Type": "application/xml"}
        headers |= {name.title(): value for name, value in one.headers.items()}
        return web.Response(body=one.file.read_bytes(), headers=headers)

    app = web.Application()
    app.router.add_get("/{number}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = WebSettings(allow_private=True, respect_robots=False, per_host=8, pause_s=0.0)
    async with Web(settings) as fetcher:
        for number, one in enumerate(found):
            got = await fetcher.get(f"http://127.0.0.1:{port}/{number}")
            try:
                base = one.headers.get("Content-Location") or one.headers.get("content-location")
                kind = one.headers.get("Content-type") or got.content_type
                feed = read_feed(got.content, base or _BASE, content_type=kind)
            except NotAFeed as error:
                outcome.refused[error.reason] += 1
                feed = Feed(entries=[])
            marks = kept(one, feed)
            outcome.files += 1
            outcome.values += len(marks)
            outcome.values_kept += sum(marks)
            if all(marks):
                outcome.without_loss += 1
            else:
                wrong = [p for p, mark in zip(one.values, marks, strict=True) if not mark]
                outcome.lost.append(f"{one.file.relative_to(folder)}: {wrong[0]}")
    await runner.cleanup()
    return outcome


def _feedparser(content: bytes) -> tuple[list[tuple[str, Any]], dict[str, str]]:
    comment = _COMMENT.search(content[:4000])
    text = _decoded(comment.group(1)) if comment else ""
    expect = _EXPECT.search(text)
    if not expect:
        return [], {}
    try:
        tree = ast.parse(expect.group(1).strip(), mode="eval")
    except (SyntaxError, ValueError):
        return [], {}
    pairs = []
    for node in _all_of(tree.body):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            path = _path(node.left)
            try:
                value = ast.literal_eval(node.comparators[0])
            except ValueError:
                continue
            if path and _is_carried(path):
                pairs.append((path, value))
    return pairs, dict(_HEADER.findall(text))


def _all_of(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _all_of(value)
    else:
        yield node


def _path(node: ast.expr) -> str:
    """`entries[0]['title']` as `entries.0.title`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        above = _path(node.value)
        return f"{above}.{node.slice.value!s}" if above else ""
    if isinstance(node, ast.Attribute):
        above = _path(node.value)
        return f"{above}.{node.attr}" if above else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        inner = _path(node.args[0])
        return f"len {inner}" if inner else ""
    return ""


_BASE = "http://127.0.0.1:8097/"
"""Where feedparser's tests are served from."""

_FEED_FIELDS = {"feed.title": "title", "feed.language": "language"}
_ENTRY_FIELDS = {
    "title": "title",
    "title_detail.value": "title",
    "link": "url",
    "id": "guid",
    "guid": "guid",
    "summary": "text",
    "description": "text",
    "summary_detail.value": "text",
    "content.0.value": "text",
    "author": "author",
    "author_detail.name": "author",
    "authors.0.name": "author",
    "published": "published",
    "published_parsed": "published",
    "updated_parsed": "updated",
    "updated": "updated",
    "language": "language",
}


def _is_carried(path: str) -> bool:
    found = re.fullmatch(r"entries\.\d+\.(.+)", path)
    return bool(
        path in _FEED_FIELDS or path == "len entries" or (found and found[1] in _ENTRY_FIELDS)
    )


def _gofeed(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("title", "language"):
        if given.get(name):
            yield f"feed.{name}", given[name]
    for number, item in enumerate(given.get("items") or given.get("entries") or ()):
        names = {
            "title": "title",
            "link": "link",
            "guid": "id",
            "id": "id",
            "description": "summary",
            "summary": "summary",
            "content": "summary",
            "published": "published",
            "pubDate": "published",
            "updated": "updated",
        }
        for theirs, ours in names.items():
            if isinstance(item.get(theirs), str) and item[theirs]:
                yield f"entries.{number}.{ours}", item[theirs]
        author = item.get("author")
        if isinstance(author, dict) and (author.get("name") or author.get("email")):
            yield f"entries.{number}.author", author.get("name") or author.get("email")


def _says(feed: Feed, path: str, value: Any) -> bool:
    if path in _FEED_FIELDS:
        return _plain(getattr(feed, _FEED_FIELDS[path])) == _plain(value)
    if path == "len entries":
        return bool(len(feed.entries) == value)
    _, number, name = path.split(".", 2)
    if int(number) >= len(feed.entries):
        return False
    entry, ours = feed.entries[int(number)], _ENTRY_FIELDS[name]
    return _entry_says(entry, ours, value)


def _entry_says(entry: Entry, name: str, value: Any) -> bool:
    match name:
        case "url":
            try:
                return not value or entry.url == canonical(value, _BASE)
            except BadAddress:
                return not entry.url
        case "guid":
            return entry.metadata.get("guid", "") == str(value).strip()
        case "text":
            return _plain(value) in (_plain(entry.summary), _plain(entry.content))
        case "author":
            named = " ".join(entry.authors)
            return not value or any(
                part in _plain(value) or _plain(value) in part
                for part in (_plain(named), *map(_plain, entry.authors))
                if part
            )
        case "published" | "updated":
            moment = entry.published or entry.updated
            moment = moment if name == "published" else entry.updated
            if isinstance(value, tuple):
                expected: float | None = calendar.timegm(value)
            else:
                parsed = moments.parse(str(value))
                expected = moments.instant_ms(parsed) / 1000 if parsed else None
            if expected is None or moment is None:
                return expected is None and moment is None
            return int(moments.instant_ms(moment) / 1000) == int(expected)
        case _:
            return _plain(getattr(entry, name)) == _plain(value)


def _plain(text: Any) -> str:
    """The words, without the markup around them."""
    bare = re.sub(r"<[^<>]*>", "", html.unescape(html.unescape(str(text or ""))))
    return "".join(c for c in " ".join(bare.split()) if c.isprintable())


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8", "latin-1"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""
