"""Any JSON over HTTP: paging, a token and the names of the fields are in the file of sources."""

import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from pydantic import Field, field_validator

from ingest import moments
from ingest.addresses import first_canonical
from ingest.entry import Entry
from ingest.read.feed import NotAFeed, Reason
from ingest.sources.source import Memory, Polled, SourceSettings
from ingest.web import Web

FIELDS = (
    "key", "url", "title", "summary", "content", "authors", "published", "updated", "language",
    "source",
)  # fmt: skip


class JsonSettings(SourceSettings):
    """items       path of the list of items, `data.articles`; empty when the answer is the list
    fields      field of an entry to its path in an item: {title = "headline.main", url = "link"}
    headers     sent with each request; `env:NAME` reads a secret from the environment
    next        path of the next page's address or token
    page        query parameter for the page's number, or for the token of `next`
    max_pages   read at one poll
    since       query parameter that takes the newest time seen, ISO 8601
    """

    items: str = ""
    fields: Mapping[str, str] = Field(default_factory=dict)
    headers: Mapping[str, str] = Field(default_factory=dict)
    next: str = ""
    page: str = ""
    first_page: int = 1
    max_pages: int = Field(default=5, ge=1)
    since: str = ""

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := sorted(set(fields) - set(FIELDS)):
            raise ValueError(f"unknown fields {unknown}; there are {', '.join(FIELDS)}")
        return fields


class JsonSource:
    """Memory: `newest`, the newest time seen."""

    Settings: ClassVar[type[SourceSettings]] = JsonSettings

    def __init__(self, settings: JsonSettings) -> None:
        self._settings = settings

    async def poll(self, web: Web, memory: Memory, *, now_ms: int) -> Polled:  # noqa: ARG002
        s = self._settings
        newest = str(memory.get("newest", ""))
        url = _with_query(s.url, {s.since: newest} if s.since and newest else {})
        entries: list[Entry] = []
        for number in range(s.first_page, s.first_page + s.max_pages):
            at = _with_query(url, {s.page: str(number)}) if s.page and not s.next else url
            headers = {name: _secret(value) for name, value in s.headers.items()}
            answer = await web.get(at, {"Accept": "application/json", **headers})
            document = _document(answer.content)
            found = self._entries(document, answer.url)
            entries += found
            following = _at(document, s.next) if s.next else None
            if not found or not (following or (s.page and not s.next)):
                break
            if following:
                token = str(following)
                is_address = token.startswith(("http://", "https://", "/")) or not s.page
                url = (
                    urljoin(answer.url, token) if is_address else _with_query(url, {s.page: token})
                )
        times = [entry.updated or entry.published for entry in entries]
        latest = max((moments.instant_ms(when) for when in times if when), default=0)
        if latest:
            newest = max(newest, moments.iso(latest))
        return Polled(entries=entries, memory={**memory, "newest": newest})

    def _entries(self, document: Any, base: str) -> list[Entry]:
        items = _at(document, self._settings.items)
        if not isinstance(items, list):
            where = f"at {self._settings.items!r}" if self._settings.items else "at its top"
            raise NotAFeed(
                Reason.NOT_A_FEED, f"the answer has {type(items).__name__} {where}; expected a list"
            )
        return [self._entry(item, base) for item in items if isinstance(item, dict)]

    def _entry(self, item: Mapping[str, Any], base: str) -> Entry:
        def text(name: str) -> str:
            value = _at(item, self._settings.fields.get(name, name))
            return value if isinstance(value, str) else "" if value is None else json.dumps(value)

        people = _at(item, self._settings.fields.get("authors", "authors"))
        named = people if isinstance(people, list) else [people]
        return Entry(
            key=text("key") or text("url"),
            url=first_canonical(text("url"), base=base),
            title=text("title"),
            summary=text("summary"),
            content=text("content"),
            authors=tuple(
                str(one.get("name", "")) if isinstance(one, dict) else str(one)
                for one in named
                if one
            ),
            published=moments.parse(text("published")),
            updated=moments.parse(text("updated")),
            language=text("language"),
            source=text("source"),
        )


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotAFeed(Reason.BAD_JSON, f"the answer is no JSON: {error}") from error


def _at(value: Any, path: str) -> Any:
    """What lies at a dotted path; None when nothing does. Numbers count list items.

    >>> _at({"data": [{"name": "Rain"}]}, "data.0.name")
    'Rain'
    """
    for name in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _with_query(url: str, more: Mapping[str, str]) -> str:
    if not more:
        return url
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query) if pair[0] not in more]
    return urlunsplit(parts._replace(query=urlencode([*query, *more.items()])))


def _secret(value: str) -> str:
    """A header as it is sent: `Bearer env:NEWS_TOKEN` has its last word from the environment."""
    before, mark, name = value.partition("env:")
    if not mark:
        return value
    secret = os.environ.get(name)
    if secret is None:
        raise NotAFeed(Reason.NOT_A_FEED, f"the environment has no {name}, which a header needs")
    return before + secret
