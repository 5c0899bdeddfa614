"""What sources and pages say to Article; the same for feeds, files and publishers' pushes."""

import hashlib
import html
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit

from ingest import moments
from ingest.addresses import UNKNOWN_SOURCE, article_id, first_canonical, host_of
from ingest.entry import Entry
from ingest.mastheads import Masthead, Mastheads
from ingest.page.extract import Page
from ingest.plain import is_cut, one_line, plain
from schemas.article import Article

WHOLE_TEXT_WORDS = 150
"""A feed's text with so many words, not cut, is taken for the whole article."""

_RESERVED = frozenset({"noai", "noindex", "none", "nosnippet"})
"""Directives that keep a page's text from being used."""

_MOST_TITLE = 1_000
_MOST_BODY = 4 * 1024 * 1024
"""Characters; what is longer is cut: the topic takes 8 MiB."""

_DATED_PATH = re.compile(r"/((?:19|20)\d\d)[/-](\d{1,2})[/-](\d{1,2})(?:/|$|-)")


class NoText(ValueError):
    """Neither the source nor the page says anything; nothing is sent."""


@dataclass(frozen=True)
class Origin:
    """What the settings of a source say about its articles.

    source    masthead, where it is not the host of each article
    language  hint, where items and pages declare none
    zone      of times without a zone, and of times with a wrong one
    """

    name: str = ""
    source: str = ""
    owner: str = ""
    language: str = ""
    zone: tzinfo | None = None


def wants_page(entry: Entry) -> bool:
    """Whether only a teaser is there, and an address where the text may be.

    >>> wants_page(Entry(url="https://news.example/7", summary="Rain in the north."))
    True
    >>> wants_page(Entry(url="https://news.example/7", content="Rain. " * 200))
    False
    """
    if not entry.url:
        return False
    text = max(plain(entry.content), plain(entry.summary), key=len)
    return len(text.split()) < WHOLE_TEXT_WORDS or is_cut(text)


def normalise(
    entry: Entry, origin: Origin, mastheads: Mastheads, *, fetched_ms: int, page: Page | None = None
) -> Article:
    """The article of an entry and, if it was fetched, its page.

    The page is believed about text, canonical address and masthead; the feed about its title and
    times, which are those of this version. A page that reserves its text gives none. Raises NoText.
    """
    reserved = bool(page and page.robots & _RESERVED)
    used = None if reserved else page
    address = first_canonical(page.url if page else "", entry.url)
    feed_text = max(plain(entry.content), plain(entry.summary), key=len)
    page_text = used.body if used else ""
    body = page_text if len(page_text.split()) >= len(feed_text.split()) else feed_text
    title = one_line(entry.title) or (used.title if used else "")
    if not title and not body:
        raise NoText("no title and no text, neither in the item nor on its page")
    masthead = _masthead(entry, origin, mastheads, address)
    published_ms, notes = _published(entry, page, origin, address, fetched_ms)
    if reserved and page:
        notes["reserved"] = ",".join(sorted(page.robots & _RESERVED))
    if origin.name:
        notes["feed"] = origin.name
    authors = entry.authors or (used.authors if used else ())
    return Article(
        article_id=entry.article_id
        or article_id(address, *_otherwise(entry, origin, masthead, f"{title}\n{body}")),
        url=address,
        source=masthead.name,
        owner=masthead.owner,
        title=title[:_MOST_TITLE],
        body=body[:_MOST_BODY],
        authors=[one_line(name) for name in authors] or None,
        language_hint=(used.language if used else "") or entry.language or origin.language or None,
        published_ms=published_ms,
        fetched_ms=fetched_ms,
        metadata={**entry.metadata, **notes},
    )


def fingerprint(article: Article) -> str:
    """Equal for two versions of an article that say the same, whenever they were fetched.

    >>> a = Article(article_id="a", source="s", title="Rain", published_ms=1, fetched_ms=2)
    >>> fingerprint(a) == fingerprint(a.model_copy(update={"fetched_ms": 3, "title": "Rain "}))
    True
    """
    words = " ".join(f"{article.title}\n{article.body}".split())
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def entry_fingerprint(entry: Entry) -> str:
    """Equal while an item of a source has not changed."""
    parts = (entry.url, entry.title, entry.summary, entry.content, str(entry.updated or ""))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def as_version(article: Article, *, fetched_ms: int) -> Article:
    """A changed article as a later version of itself: published when it was changed or seen."""
    changed_ms = int(article.metadata.get("updated_ms", fetched_ms))
    return article.model_copy(
        update={"published_ms": max(article.published_ms, min(changed_ms, fetched_ms))}
    )


def _otherwise(entry: Entry, origin: Origin, masthead: Masthead, words: str) -> tuple[str, ...]:
    """What names an article without an address: a guid of the world, or one of its source."""
    if entry.key.startswith(("urn:", "tag:")):
        return (entry.key,)
    return (origin.name or masthead.name, entry.key or words)


def _masthead(entry: Entry, origin: Origin, mastheads: Mastheads, address: str) -> Masthead:
    named = entry.source or origin.source
    owner = entry.owner or origin.owner
    if named:
        found = mastheads.of_name(named)
    elif host := host_of(address):
        found = mastheads.of(host)
    else:
        found = Masthead(origin.name or UNKNOWN_SOURCE)
    return replace(found, owner=owner) if owner else found


def _published(
    entry: Entry, page: Page | None, origin: Origin, address: str, fetched_ms: int
) -> tuple[int, dict[str, str]]:
    """When this version was published, and notes on what was mended."""
    given = _most_precise(entry.published, page.published if page else None)
    given = given or entry.updated or (page.modified if page else None) or _day_in(address)
    notes: dict[str, str] = {}
    published_ms = moments.repaired_ms(given, fetched_ms=fetched_ms, zone=origin.zone)
    if given is None:
        notes["published"] = "unknown: when it was first seen"
    elif published_ms != moments.instant_ms(given, origin.zone or UTC):
        notes["published_given"] = given.isoformat()
    changed = entry.updated or (page.modified if page else None)
    if changed:
        updated_ms = moments.repaired_ms(changed, fetched_ms=fetched_ms, zone=origin.zone)
        if updated_ms > published_ms:
            notes["updated_ms"] = str(updated_ms)
    return published_ms, notes


def _most_precise(stated: datetime | None, on_page: datetime | None) -> datetime | None:
    """The source's time, unless it says only the day and the page says the hour of that day."""
    if stated and on_page and moments.is_day(stated) and not moments.is_day(on_page):
        close = abs(moments.instant_ms(stated) - moments.instant_ms(on_page)) < 36 * 3600 * 1000
        return on_page if close else stated
    return stated or on_page


def _day_in(address: str) -> datetime | None:
    """The day in an address like /2026/03/02/rain."""
    if found := _DATED_PATH.search(urlsplit(address).path):
        try:
            return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:
            return None
    return None


def entry_of_page(entry: Entry, page: Page | None) -> Entry:
    """An entry with what its page says, for places that have the page at once.

    A page that reserves its text gives none.
    """
    if page is None or page.robots & _RESERVED:
        return entry
    return replace(
        entry,
        url=page.url or entry.url,
        title=entry.title or html.escape(page.title, quote=False),
        content="".join(f"<p>{html.escape(line)}</p>" for line in page.body.split("\n")),
        authors=entry.authors or page.authors,
        published=entry.published or page.published,
        updated=entry.updated or page.modified,
        language=page.language or entry.language,
    )
