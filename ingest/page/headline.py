"""Which of the titles a page gives is its headline, without the publisher's name at its end."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_SEPARATOR = re.compile(r"\s+(?:[-–—|·•»«:/]|::|\|\|)\s+|\s*[|｜：]\s*|\s+[–—]+(?=\S)|_(?=[^_]+$)")
_MOST_SUFFIXES = 3
_QUOTES = frozenset("\"“„”'‘’«»")
_HOST_NOISE = {"www", "com", "org", "net", "news", "online", "co", "de", "m", "en"}


@dataclass(frozen=True)
class Titles:
    """Every title a page gives.

    social    Open Graph and Twitter, the first is trusted most
    declared  JSON-LD `headline`
    headings  texts of `h1`, in their order
    page      `<title>`
    sites     names of the publisher: og:site_name, JSON-LD publisher, host
    """

    social: Sequence[str] = ()
    declared: Sequence[str] = ()
    headings: Sequence[str] = ()
    page: str = ""
    sites: Sequence[str] = field(default=())


def headline(titles: Titles) -> str:
    """The headline; empty when the page gives none.

    `<title>` is written for search engines. So what editors gave for sharing wins while it differs
    from `<title>`, else what JSON-LD declares; where that is also what is printed, or `<title>`
    says the same and neither is printed, it wins anyway.
    The publisher's name goes off the end wherever it is known to be one.

    >>> headline(Titles(social=["Bridge reopens - Harbour Courier"], page="Bridge reopens | HC",
    ...                 sites=["Harbour Courier"]))
    'Bridge reopens'
    >>> headline(Titles(social=["7 bridges to see"], declared=["Bridge reopens"],
    ...                 page="7 bridges to see"))
    'Bridge reopens'
    """
    bare = {comparable(title) for title in (*titles.headings, *titles.social, *titles.declared)}

    def usable(given: Iterable[str]) -> list[str]:
        stripped = [without_publisher(clean(title), titles.sites, bare) for title in given]
        return [title for title in stripped if title and not _is_publisher(title, titles.sites)]

    social, declared = usable(titles.social), usable(titles.declared)
    printed, page = usable(titles.headings), usable([titles.page])
    key = comparable(page[0]) if page else ""
    if social and declared:
        chosen = declared[0] if _states(social[0], declared[0], printed, key) else social[0]
        return _whole(chosen, printed)
    if social or declared:
        return _whole((social or declared)[0], printed)
    in_page = [heading for heading in printed if comparable(heading) in key]
    return next(iter(in_page or printed or page), "")


def _states(social: str, declared: str, printed: Sequence[str], page: str) -> bool:
    """Whether what JSON-LD declares is the headline, rather than what was given for sharing.

    page  `<title>`, as `comparable` makes it
    """
    shared, stated = comparable(social), comparable(declared)
    headings = {comparable(heading) for heading in printed}
    if stated == shared:
        return False
    if stated == page:  # both may be for search engines; not where nothing printed says so
        return shared not in headings and stated not in headings
    return shared == page or stated in headings


def without_publisher(title: str, sites: Iterable[str], others: Iterable[str] = ()) -> str:
    """A title without its ending, if that names the publisher or the rest is a title as well.

    others  other titles of the page, as `comparable` makes them

    >>> without_publisher("Rain - and more rain - The Echo", ["Echo"])
    'Rain - and more rain'
    >>> without_publisher("Rain - and more rain", ["Echo"])
    'Rain - and more rain'
    """
    names, known = list(sites), set(others)
    for _ in range(_MOST_SUFFIXES):
        breaks = list(_SEPARATOR.finditer(title))
        for found in reversed(breaks):
            stem = title[: found.start()].strip()
            if comparable(stem) in known or (
                _is_publisher(title[found.end() :], names) and len(stem) > 1
            ):
                title = stem
                break
        else:
            return title
    return title


def comparable(title: str) -> str:
    """A title as it is compared with others: case, spaces, quotes and hidden signs apart.

    >>> comparable("“Rain”\\u00ad  again") == comparable('"rain" Again')
    True
    """
    return (
        re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", title).replace("\xad", ""))
        .casefold()
        .strip()
    )


def clean(title: str) -> str:
    """One line, without tags and control characters.

    >>> clean(" <b>Rain</b>\\n again ")
    'Rain again'
    """
    bare = re.sub(r"</?[a-zA-Z][^<>]{0,200}>", "", title)
    return " ".join(
        "".join(c if c.isprintable() or c in "\xad\u200b" else " " for c in bare).split()
    )


def _whole(title: str, headings: Iterable[str]) -> str:
    """The title, or the heading of which it is the beginning up to a quotation mark or dots.

    Attributes are cut at their first `"` where a publisher forgot to escape it.
    """
    start = title.rstrip(" .…")
    for heading in headings:
        rest = heading[len(start) :].lstrip()
        if heading.startswith(start) and (rest[:1] in _QUOTES or start != title) and rest:
            return heading
    return title


def _is_publisher(text: str, sites: Iterable[str]) -> bool:
    """Whether a text is a name of the publisher: the same words, or one's words are the other's."""
    words = _name_words(text)
    if not words:
        return False
    for site in sites:
        name = _name_words(site)
        if not name:
            continue
        joined, other = "".join(words), "".join(name)
        if (
            joined == other
            or (len(joined) >= 3 and joined in other)
            or (len(other) >= 4 and other in joined and len(words) <= len(name) + 3)
        ):
            return True
    return False


def _name_words(text: str) -> list[str]:
    words = comparable(text).split()
    kept = [word for word in words if word not in _HOST_NOISE and word != "the"]
    return kept or words
