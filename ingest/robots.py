"""robots.txt (RFC 9309) and reservations of rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from protego import Protego

AGENT = "wiredesk"
MAX_BYTES = 512 * 1024
"""What lies beyond is not read (RFC 9309 asks for 500 KiB)."""

KEPT_S = 24 * 3600.0
_UNREACHABLE_KEPT_S = 600.0


@dataclass(frozen=True)
class Rules:
    """What a host allows.

    closed  nothing is allowed, for the time being
    kept_s  how long this answer holds
    """

    text: str = ""
    closed: bool = False
    kept_s: float = KEPT_S

    def allows(self, url: str) -> bool:
        """Whether we may ask for an address.

        >>> Rules("User-agent: *\\nDisallow: /private/").allows("https://news.example/private/7")
        False
        """
        return not self.closed and bool(_parsed(self.text).can_fetch(url, AGENT))

    @property
    def delay_s(self) -> float:
        """Seconds between two requests that the host asks for."""
        return float(_parsed(self.text).crawl_delay(AGENT) or 0.0) if self.text else 0.0


def rules(status: int, content: bytes) -> Rules:
    """Rules of an answer to /robots.txt; `status` 0 for none at all.

    A host without the file allows all; one that fails allows nothing for ten minutes (RFC 9309,
    2.3.1.4).

    >>> rules(404, b"").allows("https://news.example/7"), rules(503, b"").allows("https://x.example/")
    (True, False)
    """
    if 200 <= status < 300:
        return Rules(content[:MAX_BYTES].decode("utf-8", "replace"))
    if status == 0 or status >= 500 or status == 429:
        return Rules(closed=True, kept_s=_UNREACHABLE_KEPT_S)
    return Rules()


def header_directives(headers: Mapping[str, str]) -> list[str]:
    """Values that reserve rights: X-Robots-Tag, and `tdm-reservation: 1` as noai (W3C TDMRep)."""
    found = [value for name, value in headers.items() if name.lower() == "x-robots-tag"]
    reserved = [v for name, v in headers.items() if name.lower() == "tdm-reservation"]
    return [*found, *(["noai"] if "1" in reserved else [])]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Protego:
    return Protego.parse(text)
