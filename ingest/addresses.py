"""Addresses of articles: one form for all the ways to write one, and the id of each."""

import hashlib
import posixpath
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

ID_LENGTH = 32
UNKNOWN_SOURCE = "unknown"
"""Masthead of an article that names none and has no address."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(
    r"utm_.*|at_(medium|campaign|custom\d|link.*|bbc.*|ptr.*|format)|pk_.*|mtm_.*|ns_.*|wt_.*|wt\..*|hsa_.*|mc_(cid|eid)|"
    r"(fb|g|d|ms|tw|yc|ttc|gb|wb)cl(id|kid|aid)|msclkid|igshid|_ga|_gl|xtor|cmpid?|ito|ocid|"
    r"smid|smtyp|spm|ref|ref_src|referrer|partner|source|src|feed(type|name)?|rss|ftag|ftcamp|"
    r"traffic_source|taid|sharetoken|share|guccounter|sref|syn-[0-9a-f]+|output(type)?|amp",
    re.I,
)
_ALWAYS_TRACKING = re.compile(
    r"utm_.*|at_(medium|campaign)|pk_.*|mtm_.*|hsa_.*|mc_(cid|eid)|(fb|g|d|tw|gb|wb)clid|msclkid|"
    r"igshid|_ga|_gl|xtor|guccounter|ftcamp|ns_(mchannel|source|campaign|fee)|wt_mc|cmp|ocid",
    re.I,
)
_HOST_PREFIXES = re.compile(r"^(www\d?|m|mobile|amp|edition)\.(?=[^.]+\.[^.]+)")
_AMP_PATH = re.compile(r"/amp(?:\.html)?/?$|^/amp(?=/)")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$")


class BadAddress(ValueError):
    """A text that is no web address; the message quotes it."""


def canonical(url: str, base: str = "") -> str:
    """An address as it is kept: absolute, lower-case host, no fragment, no tracking.

    >>> canonical("HTTPS://News.Example:443/a/../b%7e?utm_source=rss&id=7#top")
    'https://news.example/b~?id=7'

    Raises BadAddress.
    """
    try:
        parts = urlsplit(urljoin(base, "".join(url.split())))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise BadAddress(f"{url[:200]!r} is no address: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        raise BadAddress(f"{url[:200]!r} is no address of the web; expected http:// or https://")
    try:
        plain = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError as error:
        raise BadAddress(f"{host!r} is no host name") from error
    if ":" in plain:
        plain = f"[{plain}]"
    if port and port != _DEFAULT_PORTS[scheme]:
        plain = f"{plain}:{port}"
    path = _path(parts.path)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _ALWAYS_TRACKING.fullmatch(name)
    ]
    untouched = len(kept) == len(parse_qsl(parts.query, keep_blank_values=True))
    query = parts.query if untouched else urlencode(kept)
    return urlunsplit((scheme, plain, path, query, ""))


def first_canonical(*given: str, base: str = "") -> str:
    """The first of some texts that is an address, as `canonical` has it; empty when none is.

    >>> first_canonical("", "mailto:desk", "/b", base="https://news.example/a")
    'https://news.example/b'
    """
    for url in given:
        if url:
            try:
                return canonical(url, base)
            except BadAddress:
                continue
    return ""


def identity(url: str) -> str:
    """What two addresses of one article have in common: scheme, `www.`, AMP, order are left out.

    >>> identity("http://www.news.example/b/?b=2&a=1") == identity("https://m.news.example/b/amp?a=1&b=2")
    True

    Raises BadAddress.
    """
    parts = urlsplit(canonical(url))
    host = _HOST_PREFIXES.sub("", parts.netloc)
    path = _INDEX.sub("/", _AMP_PATH.sub("", parts.path)).rstrip("/")
    named = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name)
    )
    return host + path + ("?" + urlencode(named) if named else "")


def article_id(url: str, *otherwise: str) -> str:
    """The id of the article at an address, else of what is given instead (source, guid, title).

    >>> article_id("https://news.example/b") == article_id("http://www.news.example/b/")
    True
    """
    try:
        named = identity(url)
    except BadAddress:
        named = "\n".join(otherwise)
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def host_of(url: str) -> str:
    """The host of an address, lower case; empty when there is none.

    >>> host_of("https://News.Example:8080/a")
    'news.example'
    """
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _path(path: str) -> str:
    """Without dot segments, escaped where it must be and nowhere else."""
    if not path:
        return "/"
    pieces = [
        quote(
            unquote(p, errors="surrogateescape"), safe="!$&'()*+,;=:@~-._", errors="surrogateescape"
        )
        for p in path.split("/")
    ]
    joined = "/".join(pieces)
    if "/." in joined:
        trailing = joined.endswith(("/", "/.", "/.."))
        joined = posixpath.normpath(joined)
        joined = joined + "/" if trailing and not joined.endswith("/") else joined
    return re.sub(r"^/{2,}", "/", joined)
