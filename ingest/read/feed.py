"""RSS, Atom, RDF, CDF and JSON Feed to entries.

| Input | Outcome |
|---|---|
| malformed XML | read as far as it goes, `faults` says so; NotAFeed when nothing is found |
| wrong encoding declared | UTF-8 wins if the bytes are UTF-8, else the bytes decide; a fault |
| entities that grow or reach out | NotAFeed, reason `unsafe_xml` |
| HTML instead of a feed | NotAFeed, reason `html`; the message names the page's feeds |
| empty items, the same item twice | left out; a fault counts them |
| items without title, text and address | entries; the normaliser sends none (`no_text`) |
| one guid for several addresses | one entry each: the address is part of the key |
| guids that change | the article id follows from the address, so nothing is sent again |
"""

import calendar
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin

import feedparser

from ingest import moments
from ingest.addresses import first_canonical
from ingest.entry import Entry
from ingest.safe_xml import UnsafeXml, require_safe

_SINGLE_BYTE = re.compile(r"^(iso-?8859-\d+|latin-?\d|windows-125\d|cp125\d|us-ascii|ascii)$", re.I)
_XML_ENCODING = re.compile(rb"^(\s*<\?xml[^>]*?encoding\s*=\s*[\"'])([\w.:-]+)([\"'])", re.S)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_HTML = re.compile(rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_FEED_LINK = re.compile(
    r"<link\b[^>]*type=[\"']?application/(?:rss|atom|feed)\+(?:xml|json)[^>]*>", re.I
)
_HREF = re.compile(r"href=[\"']?([^\"'\s>]+)", re.I)
_PERIODS_S = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}
_NO_TEXT = ("image/", "audio/", "video/")
_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n\r"} | {127: None}

_LIBRARY_BUGS = (
    AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What feedparser raises on input that its authors did not foresee."""


class Reason(StrEnum):
    """Why bytes are no feed; a metric and a column that people filter by."""

    EMPTY = "empty"
    HTML = "html"
    NOT_A_FEED = "not_a_feed"
    UNSAFE_XML = "unsafe_xml"
    BAD_JSON = "bad_json"


class NotAFeed(ValueError):
    """There is no feed in the bytes; the message says what is, `reason` counts it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason

    def __reduce__(self) -> tuple[type["NotAFeed"], tuple[Reason, str]]:
        return NotAFeed, (self.reason, str(self))  # comes back from other processes


@dataclass(frozen=True)
class Feed:
    """A feed as it was read.

    interval_s  how often the publisher says it changes, 0 when it does not say
    hub         WebSub hub, empty without
    faults      what was wrong and has been passed over, with counts
    """

    entries: list[Entry]
    title: str = ""
    url: str = ""
    language: str = ""
    interval_s: int = 0
    hub: str = ""
    topic: str = ""
    faults: Mapping[str, int] = field(default_factory=dict)


def read_feed(content: bytes, url: str = "", content_type: str = "") -> Feed:
    """The feed in some bytes. Raises NotAFeed.

    url           where they come from: relative addresses are below it
    content_type  as the server declared it
    """
    start = content[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    if not start:
        raise NotAFeed(Reason.EMPTY, "nothing was sent")
    if start[:1] == b"{":
        return _json_feed(content, url)
    try:
        require_safe(content)
    except UnsafeXml as error:
        raise NotAFeed(Reason.UNSAFE_XML, f"the feed is not read: {error}") from error
    if _HTML.match(start) and b"<rss" not in content[:8192] and b"<feed" not in content[:8192]:
        raise NotAFeed(Reason.HTML, _html_instead(content, url))
    return _xml_feed(content, url, content_type)


def _xml_feed(content: bytes, url: str, content_type: str) -> Feed:
    faults: Counter[str] = Counter()
    content, content_type = _true_encoding(content, content_type, faults)
    headers = {"content-type": content_type or "application/xml"}
    if url:
        headers["content-location"] = url
    try:
        parsed = feedparser.parse(io.BytesIO(content), response_headers=headers)
    except _LIBRARY_BUGS as error:
        raise NotAFeed(Reason.NOT_A_FEED, f"the feed breaks feedparser: {error!r}") from error
    if parsed.bozo:
        faults[_fault_name(parsed.get("bozo_exception"))] += 1
    if not parsed.version and not parsed.entries:
        begins = content[:60].decode("utf-8", "replace")
        raise NotAFeed(Reason.NOT_A_FEED, f"no feed begins with {begins!r}; expected RSS or Atom")
    head = parsed.feed
    language = _text(head.get("language"))
    entries = (_xml_entry(item, url, language) for item in parsed.entries)
    links = {link.get("rel"): link.get("href", "") for link in head.get("links", ())}
    return Feed(
        entries=list(_distinct(entries, faults)),
        title=_text(head.get("title")),
        url=_text(head.get("link")),
        language=language,
        interval_s=_interval_s(head),
        hub=links.get("hub", ""),
        topic=links.get("self", ""),
        faults=dict(faults),
    )


def _xml_entry(item: Any, base: str, language: str) -> Entry:
    contents = [
        part for part in item.get("content", ()) if not _text(part.get("type")).startswith(_NO_TEXT)
    ]
    longest = max((_text(part.get("value")) for part in contents), key=len, default="")
    summary = _text(item.get("summary"))
    own = contents[0].get("language") if contents else None
    detail = item.get("title_detail") or {}
    guid = _text(item.get("id"))
    address = _address(item, guid, base)
    return Entry(
        key=" ".join(part for part in (guid, address) if part),
        url=address,
        title=_text(item.get("title")),
        summary=summary,
        content=longest if longest != summary else "",
        authors=_authors(item),
        published=_moment(item, "published") or _moment(item, "created"),
        updated=_moment(item, "updated"),
        language=_text(own or detail.get("language") or item.get("language") or language),
        metadata=_metadata(item, guid),
    )


def _address(item: Any, guid: str, base: str) -> str:
    """The address of the article itself: FeedBurner's original before the link of the item."""
    alternate = [
        link.get("href", "") for link in item.get("links", ()) if link.get("rel") == "alternate"
    ]
    given = [_text(item.get("feedburner_origlink")), _text(item.get("link")), *alternate]
    given += [guid] if re.match(r"https?://", guid) and item.get("guidislink", True) else []
    return first_canonical(*given, base=base)


def _authors(item: Any) -> tuple[str, ...]:
    found = [_text(person.get("name") or person.get("email")) for person in item.get("authors", ())]
    found = [name for name in found if name] or [_text(item.get("author"))]
    return tuple(dict.fromkeys(name for name in found if name))


def _moment(item: Any, name: str) -> datetime | None:
    """The text as written, zone and all; feedparser's own reading where we know no such form."""
    given = _text(item[name]) if dict.__contains__(item, name) else ""
    if moment := moments.parse(given) if given else None:
        return moment
    parsed = item[f"{name}_parsed"] if dict.__contains__(item, f"{name}_parsed") else None
    if parsed:
        try:
            return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
        except (ValueError, OverflowError):
            return None
    return None


def _metadata(item: Any, guid: str) -> dict[str, str]:
    found = {"guid": guid} if guid else {}
    if tags := [_text(tag.get("term")) for tag in item.get("tags", ())]:
        found["tags"] = json.dumps([tag for tag in tags if tag], ensure_ascii=False)
    if origin := _text((item.get("source") or {}).get("title")):
        found["via"] = origin
    return found


def _interval_s(head: Any) -> int:
    """RSS `ttl` (minutes) or the syndication module's period and frequency."""
    ttl = _text(head.get("ttl"))
    if ttl.isdigit() and 0 < int(ttl) < 100_000:
        return int(ttl) * 60
    period = _PERIODS_S.get(_text(head.get("sy_updateperiod")).lower(), 0)
    frequency = _text(head.get("sy_updatefrequency"))
    return period // max(1, int(frequency)) if frequency.isdigit() else period


def _json_feed(content: bytes, url: str) -> Feed:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org)."""
    try:
        given = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotAFeed(Reason.BAD_JSON, f"the JSON feed cannot be read: {error}") from error
    version = given.get("version") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(given.get("items"), list):
        raise NotAFeed(Reason.NOT_A_FEED, "the JSON has no list `items`; expected a JSON Feed")
    faults: Counter[str] = Counter()
    if not (isinstance(version, str) and "jsonfeed.org/version/" in version):
        faults["no_version"] += 1
    items = [item for item in given["items"] if isinstance(item, dict)]
    faults["item_of_wrong_type"] += len(given["items"]) - len(items)
    language = _text(given.get("language"))
    hubs = [h for h in given.get("hubs") or () if isinstance(h, dict) and h.get("type") == "WebSub"]
    head_authors = _people(given)
    return Feed(
        entries=list(
            _distinct((_json_entry(item, url, language, head_authors) for item in items), faults)
        ),
        title=_text(given.get("title")),
        url=_text(given.get("home_page_url")),
        language=language,
        hub=_text(hubs[0].get("url")) if hubs else "",
        topic=_text(given.get("feed_url")),
        faults=dict(+faults),
    )


def _json_entry(item: Mapping[str, Any], base: str, language: str, by: tuple[str, ...]) -> Entry:
    guid = _text(item.get("id"))
    given = (_text(item.get("url")), _text(item.get("external_url")), guid)
    written = (each for each in given if each.startswith(("http://", "https://", "/")))
    address = first_canonical(*written, base=base)
    tags = item.get("tags")
    named = [_text(tag) for tag in tags] if isinstance(tags, list) else []
    return Entry(
        key=" ".join(part for part in (guid, address) if part),
        url=address,
        title=_text(item.get("title")),
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or _escaped(_text(item.get("content_text"))),
        authors=_people(item) or by,
        published=moments.parse(_text(item.get("date_published"))),
        updated=moments.parse(_text(item.get("date_modified"))),
        language=_text(item.get("language")) or language,
        metadata=({"guid": guid} if guid else {})
        | ({"tags": json.dumps(named, ensure_ascii=False)} if named else {}),
    )


def _people(node: Mapping[str, Any]) -> tuple[str, ...]:
    listed = node.get("authors") or ([node["author"]] if node.get("author") else [])
    names = [
        _text(one.get("name")) if isinstance(one, dict) else _text(one)
        for one in (listed if isinstance(listed, list) else [])
    ]
    return tuple(name for name in names if name)


def _distinct(entries: Iterator[Entry], faults: Counter[str]) -> Iterator[Entry]:
    """Entries that hold anything, each once."""
    seen = set()
    for entry in entries:
        if entry == Entry(language=entry.language):
            faults["empty_item"] += 1
            continue
        key = entry.key or (entry.title, entry.summary, entry.content)
        if key in seen:
            faults["duplicate_item"] += 1
            continue
        seen.add(key)
        yield entry


def _true_encoding(content: bytes, content_type: str, faults: Counter[str]) -> tuple[bytes, str]:
    """UTF-8 that is declared as a one-byte encoding is declared as UTF-8 instead."""
    prolog = _XML_ENCODING.match(content[:400])
    charset = _CHARSET.search(content_type)
    names = [prolog.group(2).decode() if prolog else "", charset.group(1) if charset else ""]
    if not any(_SINGLE_BYTE.match(name) for name in names) or content.isascii():
        return content, content_type
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content, content_type
    faults["wrong_encoding"] += 1
    media = content_type.split(";")[0].strip() or "application/xml"
    return _XML_ENCODING.sub(rb"\1utf-8\3", content, count=1), f"{media}; charset=utf-8"


def _html_instead(content: bytes, url: str) -> str:
    text = content[:200_000].decode("utf-8", "replace")
    links = [
        urljoin(url, found.group(1))
        for link in _FEED_LINK.findall(text)
        if (found := _HREF.search(link))
    ]
    named = f"; its feeds are {', '.join(links[:5])}" if links else "; it links no feed"
    return f"a web page, no feed{named}"


def _fault_name(error: Any) -> str:
    name = type(error).__name__
    return {
        "CharacterEncodingOverride": "wrong_encoding",
        "CharacterEncodingUnknown": "unknown_encoding",
        "NonXMLContentType": "wrong_content_type",
        "SAXParseException": "malformed_xml",
        "UndeclaredNamespace": "malformed_xml",
    }.get(name, "malformed_xml")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(_CONTROL).strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
