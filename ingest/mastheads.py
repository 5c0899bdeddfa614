"""Whose article it is: the masthead of a host, and the owner behind the masthead."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import tldextract

from schemas.errors import SetupError

TABLE = Path(__file__).with_name("mastheads.toml")
_MANY_VOICES = frozenset(
    {"substack.com", "medium.com", "wordpress.com", "blogspot.com", "tumblr.com", "ghost.io"}
)
"""Domains whose hosts have nothing in common."""


@dataclass(frozen=True)
class Masthead:
    """A publication. `owner` is None where it is not known: then it stands for itself."""

    name: str
    owner: str | None = None


class Mastheads:
    """The table of mastheads and owners.

    >>> table = Mastheads({"News Corp": ["wsj.com"]}, {"wsj.net": "wsj.com"})
    >>> table.of("www.wsj.net")
    Masthead(name='wsj.com', owner='News Corp')
    >>> table.of("blog.courier.co.uk")
    Masthead(name='courier.co.uk', owner=None)
    """

    def __init__(
        self, owners: Mapping[str, list[str]] | None = None, same: Mapping[str, str] | None = None
    ) -> None:
        self._owner = {host: owner for owner, hosts in (owners or {}).items() for host in hosts}
        self._same = dict(same or {})

    def of(self, host: str) -> Masthead:
        """The masthead of a host: the longest of its endings in the table, else its domain."""
        bare = host.lower().rstrip(".").removeprefix("www.")
        labels = bare.split(".")
        for start in range(len(labels) - 1):
            ending = ".".join(labels[start:])
            name = self._same.get(ending, ending)
            if name in self._owner:
                return Masthead(name, self._owner[name])
            if ending in self._same:
                return Masthead(name)
        return Masthead(registered_domain(bare))

    def of_name(self, name: str) -> Masthead:
        """A masthead that is given by name, with its owner if the name is in the table."""
        return Masthead(name, self._owner.get(self._same.get(name, name)))


def load(*more: Path) -> Mastheads:
    """Our table, and then further files of the same form; later ones win.

    Raises SetupError for a file that cannot be read.
    """
    owners: dict[str, list[str]] = {}
    same: dict[str, str] = {}
    for path in (TABLE, *more):
        table = _read(path)
        for owner, hosts in table["owners"].items():
            for hosts_before in owners.values():
                hosts_before[:] = [host for host in hosts_before if host not in hosts]
            owners.setdefault(owner, []).extend(hosts)
        same |= table["same"]
    return Mastheads(owners, same)


def registered_domain(host: str) -> str:
    """The domain that someone registered; where a domain has many voices, the host below it.

    >>> registered_domain("a.b.courier.co.uk"), registered_domain("desk.substack.com")
    ('courier.co.uk', 'desk.substack.com')
    >>> registered_domain("www.news.internal"), registered_domain("127.0.0.1")
    ('news.internal', '127.0.0.1')
    """
    parts = _suffixes()(host)
    if parts.suffix:
        domain = f"{parts.domain}.{parts.suffix}" if parts.domain else host
    else:  # no rule of the list: the last label is the suffix; addresses have no subdomain
        domain = ".".join([*parts.subdomain.split(".")[-1:], parts.domain]).lstrip(".")
    if domain in _MANY_VOICES and parts.subdomain:
        return f"{parts.subdomain.rpartition('.')[2]}.{domain}"
    return domain


@lru_cache(maxsize=1)
def _suffixes() -> tldextract.TLDExtract:
    """The public suffix list as it is in the package: nothing is fetched, nothing is written."""
    return tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
    )


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SetupError(f"{path} is no TOML: {error}") from error
    owners, same = table.pop("owners", {}), table.pop("same", {})
    if table:
        raise SetupError(f"{path} has {sorted(table)}; expected the tables [owners] and [same]")
    for owner, hosts in owners.items():
        if not (isinstance(hosts, list) and all(isinstance(host, str) for host in hosts)):
            raise SetupError(f"{path}: owner {owner!r} has {hosts!r}; expected a list of hosts")
    for host, name in same.items():
        if not isinstance(name, str):
            raise SetupError(f"{path}: {host!r} is the same as {name!r}; expected a host")
    return {"owners": owners, "same": same}
