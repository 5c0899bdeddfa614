"""An article's page to its parts: headline, text, authors, times, language, canonical address.

The text is trafilatura's, with what its general rules cannot know: the headline is not part of
it, the standfirst is; lists of links and captions are not; and where JSON-LD holds the text of the
article as well, it tells the article from what stands around it.
"""

import html
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import trafilatura
from htmldate import find_date
from lxml.etree import LxmlError
from trafilatura.settings import Document
from trafilatura.utils import load_html

from ingest import moments
from ingest.page import json_ld
from ingest.page.declared import Declared, Tree, declared
from ingest.page.headline import Titles, clean, comparable, headline

for _library in ("trafilatura", "htmldate"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)  # what they miss is in what they return

MAX_BYTES = 8 * 1024 * 1024
"""A longer page is not read."""

_DROPPED = ("figcaption", "dialog", "template", "noscript", "button")
_LINK_SHARE = 0.8
_MOST_LINK_WORDS = 30
_COVERED = 0.5
_SAME_TEXT = 0.7
_MOSTLY = 0.6
_FEWEST_WORDS = 60
_LEAD_LINES = 4
_MOST_LEAD_WORDS = 90
_CHUNK = 3


_LIBRARY_BUGS = (
    AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError, LxmlError,
)  # fmt: skip
"""What trafilatura, htmldate and lxml raise on pages that their authors did not foresee."""


class NoPage(RuntimeError):
    """There is no HTML page in the bytes; the message says what was found."""


@dataclass(frozen=True)
class Page:
    """What a page says about its article; texts are empty where it says nothing.

    published, modified  as stated; naive without a zone
    robots               directives of its meta tags: noindex, noai, ...
    """

    url: str
    title: str
    body: str
    authors: tuple[str, ...]
    published: datetime | None
    modified: datetime | None
    language: str
    site: str
    robots: frozenset[str]


def extract(content: bytes, url: str = "", encoding: str | None = None) -> Page:
    """The parts of a page.

    encoding  as the server declared it; the page's own declaration and its bytes decide without

    Raises NoPage when the bytes hold none.
    """
    if len(content) > MAX_BYTES:
        raise NoPage(f"a page of {len(content):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        return _page(_tree(content, encoding), content, url)
    except _LIBRARY_BUGS as error:
        raise NoPage(f"the page breaks a library: {error!r}") from error


def _page(tree: Tree, content: bytes, url: str) -> Page:
    found = declared(tree, url)
    titles = Titles(
        social=_some(found.meta, "og:title", "twitter:title"),
        declared=[text for name in ("headline",) if (text := json_ld.text(found.article, name))],
        headings=[text for h in tree.iter("h1") if (text := " ".join(h.text_content().split()))],
        page=next((t.text or "" for t in tree.iter("title")), ""),
        sites=found.sites,
    )
    title = headline(titles)
    body = _body(tree, found, {comparable(t) for t in (title, *titles.headings, *titles.social)})
    return Page(
        url=found.url,
        title=title,
        body=body,
        authors=tuple(found.authors),
        published=_first_moment(found.published) or _guessed_day(content, found.url),
        modified=_first_moment(found.modified),
        language=found.language,
        site=next(iter(found.sites), ""),
        robots=found.robots,
    )


def _tree(content: bytes, encoding: str | None) -> Tree:
    text: str | bytes = content
    if encoding:
        try:
            text = content.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            text = content
    tree = load_html(text)
    if tree is None:
        start = content[:40].decode("utf-8", "replace")
        raise NoPage(f"{len(content):,} bytes that begin with {start!r}; expected an HTML page")
    return tree


def _body(tree: Tree, found: Declared, titles: set[str]) -> str:
    """The text of the article, paragraphs apart by line breaks."""
    standfirst = _standfirst(found, tree)
    stated = _stated_text(found)
    _prune(tree)
    document = trafilatura.bare_extraction(tree, with_metadata=False, include_comments=False)
    text = document.text if isinstance(document, Document) else None
    lines = (text or "").split("\n")
    lines = _without_titles([line for line in lines if line.strip()], titles)
    lines = _reconciled(lines, stated)
    if standfirst and comparable(standfirst) not in titles:
        lines = _with_lead(standfirst, lines)
    return "\n".join(lines)


def _prune(tree: Tree) -> None:
    """Take out what is no text of the article: captions, lists of links, lines that only link."""
    for name in _DROPPED:
        for element in list(tree.iter(name)):
            if name != "noscript" or len(element) < 2:
                _remove(element)
    for listing in [*tree.iter("ul"), *tree.iter("ol")]:
        items = [item for item in listing if item.tag == "li"]
        if items and sum(_is_link(item) for item in items) >= 0.75 * len(items):
            _remove(listing)
    for element in [*tree.iter("p"), *tree.iter("h2"), *tree.iter("h3"), *tree.iter("h4")]:
        if _is_link(element):
            _remove(element)


def _is_link(element: Tree) -> bool:
    words = element.text_content().split()
    if not words or len(words) > _MOST_LINK_WORDS:
        return False
    linked = sum(len("".join(a.text_content().split())) for a in element.iter("a"))
    return bool(linked >= _LINK_SHARE * len("".join(words)))


def _remove(element: Tree) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        previous = element.getprevious()
        if previous is None:
            parent.text = (parent.text or "") + element.tail
        else:
            previous.tail = (previous.tail or "") + element.tail
    parent.remove(element)


def _standfirst(found: Declared, tree: Tree) -> str:
    """The description, if the page also prints it."""
    given = clean(html.unescape(found.description))
    words = comparable(given)
    if not words or len(given.split()) > _MOST_LEAD_WORDS:
        return ""
    for element in tree.iter("p", "h2", "h3", "div", "span", "strong", "em"):
        if len(element) <= 6:
            printed = " ".join(element.text_content().split())
            if abs(len(printed) - len(given)) < 60 and words in comparable(printed):
                return printed
    return ""


def _stated_text(found: Declared) -> str:
    """JSON-LD's `articleBody` as plain lines."""
    given = json_ld.text(found.article, "articleBody")
    marked = re.sub(r"(?i)<(?:br|/p|/h\d|/li|/div)[^>]*>", "\n", given)
    return html.unescape(re.sub(r"<[^<>]+>", " ", marked)).strip()


def _without_titles(lines: Sequence[str], titles: set[str]) -> list[str]:
    """Lines without the headline, where it stands among the first."""
    return [
        line
        for index, line in enumerate(lines)
        if index >= _LEAD_LINES or comparable(line.lstrip("-# ")) not in titles
    ]


def _with_lead(standfirst: str, lines: list[str]) -> list[str]:
    known = _chunks(" ".join(lines[: 2 * _LEAD_LINES]))
    if _share(_chunks(standfirst), known) >= _SAME_TEXT:
        return lines
    return [standfirst, *lines]


def _reconciled(lines: list[str], stated: str) -> list[str]:
    """Two readings of one article to one: what the page states, in the lines that were found."""
    said = _chunks(stated)
    if len(_words(stated)) < _FEWEST_WORDS:
        return lines
    seen = _chunks(" ".join(lines))
    if _share(said, seen) < _SAME_TEXT:
        is_part = _share(seen, said) >= _SAME_TEXT or sum(seen.values()) < 0.5 * sum(said.values())
        return [line for line in stated.split("\n") if line.strip()] if is_part else lines
    if _share(seen, said) < _MOSTLY:
        return lines
    covered = [_share(_chunks(line), said) >= _COVERED for line in lines]
    first = covered.index(True) if True in covered else 0
    last = len(covered) - 1 - covered[::-1].index(True) if True in covered else len(covered) - 1
    kept = []
    for index, line in enumerate(lines):
        is_heading = len(line.split()) <= 12 and not line.startswith("-") and first < index < last
        if covered[index] or is_heading:
            kept.append(line)
    return kept


def _words(text: str) -> list[str]:
    return comparable(text).split()


def _chunks(text: str) -> Counter[tuple[str, ...]]:
    words = _words(text)
    if len(words) < _CHUNK:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[i:] for i in range(_CHUNK)), strict=False))


def _share(part: Counter[tuple[str, ...]], whole: Counter[tuple[str, ...]]) -> float:
    """How much of `part` is in `whole`, 0..1; 0 for nothing."""
    total = sum(part.values())
    return sum((part & whole).values()) / total if total else 0.0


def _some(meta: dict[str, list[str]], *names: str) -> list[str]:
    return [html.unescape(meta[name][0]) for name in names if name in meta]


def _moments(texts: Sequence[str]) -> Iterator[datetime]:
    for text in texts:
        if text and (moment := moments.parse(text)):
            yield moment


def _first_moment(texts: Sequence[str]) -> datetime | None:
    return next(_moments(texts), None)


def _guessed_day(content: bytes, url: str) -> datetime | None:
    """The day that stands somewhere in the page or its address; None when nothing looks like it."""
    found = find_date(content, url=url or None, original_date=True, extensive_search=True)
    return moments.parse(found) if found else None
