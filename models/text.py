"""The text of an article as the models read it."""

import hashlib
import html
import re
from dataclasses import dataclass

from schemas.article import Article

_MARKUP = re.compile(r"<[a-zA-Z!/][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]\w*);")
_TAG = re.compile(r"(<!--|-->|</?[a-zA-Z][^<>]*>|<![^<>]*>)")
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
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
    plain = _without_markup(text) if _MARKUP.search(text) else text
    return _SPACE.sub(" ", _CONTROL.sub(" ", plain)).strip()


def _without_markup(text: str) -> str:
    """The text between the tags, without what browsers do not show.

    A scan, not a parser: parsers take minutes over a megabyte of hostile markup.
    """
    kept: list[str] = []
    skipped_until: str | None = None
    for position, piece in enumerate(_TAG.split(text)):
        is_tag = position % 2 == 1
        if skipped_until is not None:
            if is_tag and piece.lower().startswith(skipped_until):
                skipped_until = None
        elif not is_tag:
            kept.append(piece)
        elif piece == "<!--":
            skipped_until = "-->"
        else:
            name = match[1].lower() if (match := _NAME.match(piece)) else ""
            kept.append("" if name in _INSIDE_WORDS else " ")
            if name in _UNREAD and not piece.startswith("</") and not piece.endswith("/>"):
                skipped_until = f"</{name}"
    return html.unescape("".join(kept))
