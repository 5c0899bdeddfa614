"""The text of an article as the models read it."""

import hashlib
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from schemas.article import Article

_MARKUP = re.compile(r"<[a-zA-Z!/][^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]\w*);")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
_UNREAD_ELEMENTS = ["script", "style", "noscript", "template", "iframe", "svg"]


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
    >>> clean("a < b and c > d")
    'a < b and c > d'
    """
    text = _CONTROL.sub(" ", text)
    plain = _without_markup(text) if _MARKUP.search(text) else text
    return _SPACE.sub(" ", plain).strip()


def _without_markup(text: str) -> str:
    tree = LexborHTMLParser(text)
    tree.strip_tags(_UNREAD_ELEMENTS)
    return tree.body.text(separator=" ") if tree.body else ""
