"""Markup of feeds to plain text."""

import html
import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    """p div br hr li ul ol dl dt dd table tr blockquote pre section article header footer figure
    h1 h2 h3 h4 h5 h6 aside main""".split()  # noqa: SIM905
)
_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "svg", "figcaption"})
_LOOKS_MARKED = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:#\d+|#x[\da-fA-F]+|[a-zA-Z]\w+);")
_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n"} | {127: None}
_ELLIPSIS = re.compile(
    r"(?:\[?(?:…|\.\.\.|&hellip;)\]?|\[…\]|read more|continue reading|weiterlesen|lire la suite"
    r"|leer más|mehr lesen|lees meer|→|»)\W*$",
    re.I,
)


def plain(markup: str) -> str:
    """The text of some HTML, blocks on lines of their own; plain text stays as it is.

    >>> plain("<p>Rain &amp; wind</p><p>A <b>storm</b><br>came</p>")
    'Rain & wind\\nA storm\\ncame'
    >>> plain("1 < 2 and 3 > 2")
    '1 < 2 and 3 > 2'
    """
    text = markup.translate(_CONTROL)
    if _LOOKS_MARKED.search(text):
        reader = _Reader()
        reader.feed(text)
        reader.close()
        text = "".join(reader.parts)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def one_line(markup: str) -> str:
    """The text of a headline: doubly escaped entities resolved, on one line.

    >>> one_line("Caf&amp;eacute;\\n <i>open</i>")
    'Café open'
    """
    text = plain(markup)
    return " ".join((html.unescape(text) if _LOOKS_MARKED.search(text) else text).split())


def is_cut(text: str) -> bool:
    """Whether a text ends as teasers do.

    >>> is_cut("The storm came […]"), is_cut("The storm came. Read more »"), is_cut("It came.")
    (True, True, False)
    """
    return _ELLIPSIS.search(text[-60:]) is not None


class _Reader(HTMLParser):
    """Collects text; what browsers do not show is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
