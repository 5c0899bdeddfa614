"""What the head of a page declares: addresses, titles, times, authors, language, rights."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from ingest.mastheads import registered_domain
from ingest.page import json_ld

Tree = Any
"""An lxml HTML element; lxml has no types."""

_PUBLISHED = (
    "article:published_time", "og:article:published_time", "article:published", "datepublished",
    "parsely-pub-date", "cxenseparse:recs:publishtime", "sailthru.date", "dcterms.created",
    "dc.date.issued", "dcterms.issued", "dcterms.date", "dc.date", "pubdate", "publishdate",
    "publish-date", "publish_date", "article.published", "date", "last-modified-date-publication",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified",
    "article:updated", "lastmod",
)  # fmt: skip
_AUTHORS = ("author", "article:author", "parsely-author", "byl", "dc.creator", "sailthru.author")
_ROBOTS = ("robots", "googlebot", "googlebot-news", "wiredesk")


@dataclass(frozen=True)
class Declared:
    """The declarations of a page; texts are empty and lists short where it makes none.

    article    the JSON-LD node of the article
    published  texts of times, the most trusted first
    modified   likewise
    robots     directives, lower case: noindex, noai, ...
    """

    url: str = ""
    article: json_ld.Node = field(default_factory=dict)
    meta: dict[str, list[str]] = field(default_factory=dict)
    published: Sequence[str] = ()
    modified: Sequence[str] = ()
    authors: Sequence[str] = ()
    language: str = ""
    description: str = ""
    sites: Sequence[str] = ()
    robots: frozenset[str] = frozenset()


def declared(tree: Tree, url: str = "") -> Declared:
    """What a parsed page declares; `url` is where it was fetched from."""
    meta = _meta(tree)
    address = _canonical(tree, meta, url)
    scripts = [
        script.text or ""
        for script in tree.iter("script")
        if "ld+json" in (script.get("type") or "").lower()
    ]
    node = json_ld.article_node(scripts, address)
    return Declared(
        url=address,
        article=node,
        meta=meta,
        published=list(_published(tree, meta, node)),
        modified=[json_ld.text(node, "dateModified"), *_first(meta, _MODIFIED)],
        authors=_authors(meta, node),
        language=_language(tree, meta, node),
        description=next(_first(meta, ("og:description", "description")), "")
        or json_ld.text(node, "description"),
        sites=_sites(meta, node, address),
        robots=robots_directives(value for name in _ROBOTS for value in meta.get(name, ())),
    )


def robots_directives(values: Iterator[str] | Sequence[str]) -> frozenset[str]:
    """The words of robots meta tags and X-Robots-Tag headers.

    >>> sorted(robots_directives(["NOAI, noimageai", "wiredesk: noindex, max-snippet:20"]))
    ['max-snippet', 'noai', 'noimageai', 'noindex']
    """
    found = set()
    for value in values:
        words = re.sub(r"^\s*[\w-]+:\s*(?=no|all|index|follow)", "", value.lower())
        found |= {word.split(":")[0].strip() for word in words.split(",")}
    return frozenset(found - {""})


def _meta(tree: Tree) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tag in tree.iter("meta"):
        content = (tag.get("content") or "").strip()
        name = tag.get("property") or tag.get("name") or tag.get("itemprop")
        if name and content:
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _first(meta: dict[str, list[str]], names: Sequence[str]) -> Iterator[str]:
    return (meta[name][0] for name in names if name in meta)


def _canonical(tree: Tree, meta: dict[str, list[str]], url: str) -> str:
    """rel=canonical, else og:url, if it is of the same site and not its front page; else `url`."""
    links = [
        link.get("href") or ""
        for link in tree.iter("link")
        if "canonical" in (link.get("rel") or "").lower().split()
    ]
    for given in (*links, *meta.get("og:url", ())):
        try:
            address = urljoin(url, given.strip())
            parts, own = urlsplit(address), urlsplit(url)
        except ValueError:
            continue
        if parts.scheme not in ("http", "https") or not parts.hostname:
            continue
        deep = bool(parts.path.strip("/") or parts.query)
        same_site = registered_domain(parts.hostname) == registered_domain(own.hostname or "")
        if not url or (deep and same_site):
            return str(address)
    return url


def _published(tree: Tree, meta: dict[str, list[str]], node: json_ld.Node) -> Iterator[str]:
    if stated := json_ld.text(node, "datePublished", "dateCreated"):
        yield stated
    yield from _first(meta, _PUBLISHED)
    for tag in tree.iter("time"):
        if "published" in (tag.get("itemprop") or "").lower() or tag.get("pubdate") is not None:
            yield tag.get("datetime") or ""
    for tag in tree.iterfind(".//*[@itemprop='datePublished']"):
        yield tag.get("content") or tag.get("datetime") or ""
    for tag in tree.iter("time"):
        if given := tag.get("datetime"):
            yield given
            break


def _authors(meta: dict[str, list[str]], node: json_ld.Node) -> list[str]:
    names = json_ld.people(node) or [
        value for name in _AUTHORS[:1] for value in meta.get(name, ())
    ] or list(_first(meta, _AUTHORS))[:1]  # fmt: skip
    found: list[str] = []
    for name in names:
        bare = " ".join(name.split())
        if bare and bare not in found and not bare.lower().startswith(("http:", "https:", "@")):
            found.append(bare)
    return found


def _language(tree: Tree, meta: dict[str, list[str]], node: json_ld.Node) -> str:
    stated = json_ld.text(node, "inLanguage") or tree.get("lang") or ""
    given = stated or next(_first(meta, ("og:locale", "content-language", "language")), "")
    tag = given.strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else ""


def _sites(meta: dict[str, list[str]], node: json_ld.Node, url: str) -> list[str]:
    """Names by which the publisher may sign a title."""
    publisher = node.get("publisher")
    one = publisher[0] if isinstance(publisher, list) and publisher else publisher
    names = [*meta.get("og:site_name", ()), *meta.get("application-name", ())]
    names += [json_ld.text(one, "name", "alternateName")] if isinstance(one, dict) else []
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if host:
        domain = registered_domain(host.lower())
        names += [host.removeprefix("www."), domain, domain.split(".")[0]]
    return [name for name in names if name]
