"""Sitemaps, with Google's news extension, and sitemap indexes."""

from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from ingest import moments
from ingest.addresses import first_canonical
from ingest.entry import Entry
from ingest.read.feed import NotAFeed, Reason
from ingest.safe_xml import BadXml, UnsafeXml, child_text, local_name, parse


@dataclass(frozen=True)
class Sitemap:
    """Articles of a sitemap, or the sitemaps of an index with when they changed."""

    entries: list[Entry] = field(default_factory=list)
    sitemaps: list[tuple[str, datetime | None]] = field(default_factory=list)


def read_sitemap(content: bytes, url: str = "") -> Sitemap:
    """The sitemap in some bytes. Raises NotAFeed."""
    if not content.strip():
        raise NotAFeed(Reason.EMPTY, "nothing was sent")
    try:
        root = parse(content.lstrip())
    except UnsafeXml as error:
        raise NotAFeed(Reason.UNSAFE_XML, f"the sitemap is not read: {error}") from error
    except BadXml as error:
        raise NotAFeed(Reason.NOT_A_FEED, f"the sitemap is {error}") from error
    kind = local_name(root)
    if kind == "sitemapindex":
        found = [
            (
                first_canonical(child_text(node, "loc"), base=url),
                moments.parse(child_text(node, "lastmod")),
            )
            for node in root
            if local_name(node) == "sitemap"
        ]
        return Sitemap(sitemaps=[(address, when) for address, when in found if address])
    if kind != "urlset":
        raise NotAFeed(Reason.NOT_A_FEED, f"the root is <{kind}>; expected <urlset> of a sitemap")
    entries = (_entry(node, url) for node in root if local_name(node) == "url")
    return Sitemap(entries=list({entry.url: entry for entry in entries if entry.url}.values()))


def _entry(node: Element, base: str) -> Entry:
    address = first_canonical(child_text(node, "loc"), base=base)
    news = next((child for child in node if local_name(child) == "news"), None)
    if news is None:
        return Entry(key=address, url=address, updated=moments.parse(child_text(node, "lastmod")))
    publication = next((child for child in news if local_name(child) == "publication"), news)
    return Entry(
        key=address,
        url=address,
        title=child_text(news, "title"),
        published=moments.parse(child_text(news, "publication_date")),
        updated=moments.parse(child_text(node, "lastmod")),
        language=child_text(publication, "language"),
        metadata={"keywords": words} if (words := child_text(news, "keywords")) else {},
    )
