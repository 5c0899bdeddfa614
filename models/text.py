"""The text of an article as the models read it."""

import hashlib
import html
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.article import Article

Spans = NDArray[np.int64]

_MARKUP = re.compile(r"<[a-zA-Z!/][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]\w*);")
_TAG = re.compile(r"(<!--|-->|</?[a-zA-Z][^<>]*>|<![^<>]*>)")
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_GAP = re.compile(rf"[\s{_CONTROLS}](?:[\s{_CONTROLS}]+|(?<! ))")  # not a single space
_LONG_SPACE = re.compile(r"\s\s+")
_MARKS = ("<", "&", "--")
"""Where one stands, text may be left out; a comment may end at the last."""
_UNFINISHED = re.compile(r"&#?[^\t\n\f <&#;]*\Z")
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
_UNREAD = frozenset({"script", "style", "noscript", "template", "iframe", "svg"})
_INSIDE_WORDS = frozenset({"a", "abbr", "b", "em", "font", "i", "mark", "span", "strong", "u"})


@dataclass(frozen=True)
class ArticleText:
    """Headline and body, cleaned: no markup, no control characters, single spaces."""

    title: str
    body: str

    @property
    def content_hash(self) -> str:
        """SHA-256 of title and body, hexadecimal."""
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()

    def head(self, characters: int) -> str:
        """The first characters of headline and body."""
        title = self.title[:characters]
        body = self.body[: characters - len(title)]
        return f"{title}\n{body}" if title and body else title or body

    def __bool__(self) -> bool:
        return bool(self.title or self.body)


def article_text(article: Article) -> ArticleText:
    """The cleaned text of an article; of its original markup when title and body hold none."""
    text = ArticleText(clean(article.title), clean(article.body))
    return text if text or article.html is None else ArticleText("", clean(article.html))


def clean(text: str) -> str:
    """Plain text of what may be HTML; control characters go, white space becomes one space.

    Direction marks, joiners and emoji stay: they carry meaning.

    >>> clean("<p>Fire &amp; flood</p><script>x()</script><p>in  Harbour\\x00ville</p>")
    'Fire & flood in Harbour ville'
    >>> clean("<b>H</b>arbour<br>closed<!-- draft -->, a < b")
    'Harbour closed, a < b'
    >>> clean("a < b and c > d")
    'a < b and c > d'
    """
    plain = _without_markup(text) if _has_markup(text) else text
    return " ".join(_CONTROL.sub(" ", plain).split())


def _has_markup(text: str) -> bool:
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def alignment(raw: str, limit: int) -> Spans:
    """Where the first characters of `clean(raw)` come from: int64 (min(limit, length), 2).

    `raw[start:end]` is what a character was written as; a space may stand for any gap.

    >>> [raw[a:b] for raw in ["R&amp;B <b>z</b>"] for a, b in alignment(raw, 9).tolist()]
    ['R', '&amp;', 'B', ' ', 'z']
    """
    read = raw[: 2 * limit + 512]
    if any(mark in read for mark in _MARKS):
        return _traced(raw, limit)[1]
    starts = _without_gaps(read)
    if len(starts) < limit and len(read) < len(raw):
        return _traced(raw, limit)[1]
    return np.stack([starts[:limit], starts[:limit] + 1], axis=1)


def _without_gaps(raw: str) -> Spans:
    """Offsets of the characters of a text without markup of which `clean` leaves one each."""
    text = _CONTROL.sub(" ", raw)
    stays = np.ones(len(text), bool)
    for gap in _LONG_SPACE.finditer(text):
        stays[gap.start() + 1 : gap.end()] = False
    stays[: len(text) - len(text.lstrip())] = False
    stays[len(text.rstrip()) :] = False
    return np.flatnonzero(stays)


class Cut(NamedTuple):
    """A part of an article as it was given: `text` is `field[start:end]`."""

    field: Literal["title", "body", "html"]
    start: int
    end: int
    text: str


class Locator:
    """Finds spans of `ArticleText.head` in the article as given, markup and all.

    Made for one article: two with the same cleaned text may be written differently.

    >>> article = Article(
    ...     article_id="a1", source="courier.example", published_ms=1, fetched_ms=2,
    ...     title="Fire", body="<p>In <b>Harbour</b>ville</p>",
    ... )
    >>> Locator(article, article_text(article), 100).locate(8, 20)
    Cut(field='body', start=9, end=25, text='Harbour</b>ville')
    """

    def __init__(self, article: Article, text: ArticleText, characters: int) -> None:
        self._article = article
        self._title_size = len(text.title[:characters])
        self._body_size = len(text.body[: characters - self._title_size])
        self._body_start = self._title_size + 1 if self._title_size else 0

    def locate(self, start: int, end: int) -> Cut | None:
        """What the characters of the head are cut from; None where they are not in one field."""
        if 0 <= start < end <= self._title_size:
            first, last = self._titled[start, 0], self._titled[end - 1, 1]
            return self._cut("title", self._article.title, int(first), int(last))
        start, end = start - self._body_start, end - self._body_start
        if 0 <= start < end <= self._body_size:
            first, last = self._bodied[start, 0], self._bodied[end - 1, 1]
            return self._cut(*self._source, int(first), int(last))
        return None

    def _cut(self, field: Literal["title", "body", "html"], raw: str, start: int, end: int) -> Cut:
        return Cut(field, start, end, raw[start:end])

    @cached_property
    def _source(self) -> tuple[Literal["body", "html"], str]:
        """The field that the body was read from, as `article_text` chose it."""
        markup = self._article.html
        if markup is None or self._title_size or clean(self._article.body):
            return "body", self._article.body
        return "html", markup

    @cached_property
    def _titled(self) -> Spans:
        return alignment(self._article.title, self._title_size)

    @cached_property
    def _bodied(self) -> Spans:
        return alignment(self._source[1], self._body_size)


def _without_markup(text: str) -> str:
    """The text between the tags, without what browsers do not show.

    A scan, not a parser: parsers take minutes over a megabyte of hostile markup.
    """
    return html.unescape("".join(_shown(_TAG.split(text))))


def _shown(pieces: list[str]) -> list[str]:
    """What is shown of each piece: text and tags in turn, as `_TAG` splits them."""
    shown: list[str] = []
    skipped_until: str | None = None
    for position, piece in enumerate(pieces):
        is_tag = position % 2 == 1
        if skipped_until is not None:
            shown.append("")
            if is_tag and piece.lower().startswith(skipped_until):
                skipped_until = None
        elif not is_tag:
            shown.append(piece)
        elif piece == "<!--":
            shown.append("")
            skipped_until = "-->"
        else:
            name = match[1].lower() if (match := _NAME.match(piece)) else ""
            shown.append("" if name in _INSIDE_WORDS else " ")
            if name in _UNREAD and not piece.startswith("</") and not piece.endswith("/>"):
                skipped_until = f"</{name}"
    return shown


def _traced(raw: str, limit: int) -> tuple[str, Spans]:
    """The first characters of `clean(raw)`, built with the span that each comes from."""
    has_markup = _has_markup(raw)
    size = 2 * limit + 512
    while size < len(raw):
        text, spans = _trace(raw[: _whole_tags(raw, size)], has_markup, is_cut=True)
        if len(text) >= limit:
            return text[:limit], spans[:limit]
        size *= 4
    text, spans = _trace(raw, has_markup, is_cut=False)
    return text[:limit], spans[:limit]


def _whole_tags(raw: str, size: int) -> int:
    """The most characters, up to `size`, of which no tag or comment mark has a part."""
    opened, closed = raw.rfind("<", 0, size), raw.rfind(">", 0, size)
    if opened > closed:
        return opened
    while size and raw[size - 1] == "-":
        size -= 1
    return size


def _trace(raw: str, has_markup: bool, *, is_cut: bool) -> tuple[str, Spans]:
    """`clean(raw)` and its spans; of a raw text that was cut, without what could yet change."""
    text, starts = raw, np.arange(len(raw))
    if has_markup:
        pieces = _TAG.split(raw)
        shown = _shown(pieces)
        text, starts = "".join(shown), _starts(pieces, shown)
    spans = np.stack([starts, starts + 1], axis=1)
    if is_cut and (unfinished := _UNFINISHED.search(text)):
        text, spans = text[: unfinished.start()], spans[: unfinished.start()]
    if has_markup:
        text, spans = _resolved(text, spans)
    stays = np.ones(len(text), bool)
    parts, position = [], 0
    for gap in _GAP.finditer(text):
        parts += [text[position : gap.start()], " "]
        position = gap.end()
        stays[gap.start() + 1 : position] = False
    single = "".join([*parts, text[position:]])
    left, right = len(single) - len(single.lstrip(" ")), len(single.rstrip(" "))
    return single[left:right], spans[stays][left:right]


def _starts(pieces: list[str], shown: list[str]) -> Spans:
    """Raw offset of each shown character: int64 (characters,)."""
    lengths = np.array([len(piece) for piece in pieces])
    kept = np.array([len(piece) for piece in shown])
    shift = (np.cumsum(lengths) - lengths) - (np.cumsum(kept) - kept)
    starts: Spans = np.repeat(shift, kept) + np.arange(kept.sum())
    return starts


def _resolved(text: str, spans: Spans) -> tuple[str, Spans]:
    """Text and spans with the character references resolved as `html.unescape` does."""
    stays = np.ones(len(text), bool)
    parts, position = [], 0
    for reference in _REFERENCE.finditer(text):
        written, read = reference[0], html.unescape(reference[0])
        if read == written:
            continue
        same = 0  # "&ampere" reads "&ere": its end stands for itself
        while same < len(read) - 1 and read[-1 - same] == written[-1 - same]:
            same += 1
        start, end, size = reference.start(), reference.end() - same, len(read) - same
        parts += [text[position:start], read[:size]]
        spans[start : start + size] = spans[start, 0], spans[end - 1, 1]
        stays[start + size : end] = False
        position = end
    return "".join([*parts, text[position:]]), spans[stays]
