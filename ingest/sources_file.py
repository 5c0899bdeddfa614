"""The file of sources: `feeds.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.sources.source import SourceSettings, source_class
from ingest.web import WebSettings
from ingest.websub import WebSubSettings
from schemas.errors import SetupError
from schemas.record import first_fault

T = TypeVar("T", bound=BaseModel)


class WebTable(BaseModel):
    """The table [web]: how servers are asked; `ingest/web.py` has the meanings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_agent: str = WebSettings.user_agent
    allow_private: bool = WebSettings.allow_private
    respect_robots: bool = WebSettings.respect_robots
    max_bytes: int = Field(default=WebSettings.max_bytes, gt=0)
    max_redirects: int = Field(default=WebSettings.max_redirects, ge=0)
    timeout_s: float = Field(default=WebSettings.timeout_s, gt=0)
    connect_s: float = Field(default=WebSettings.connect_s, gt=0)
    stall_s: float = Field(default=WebSettings.stall_s, gt=0)
    per_host: int = Field(default=WebSettings.per_host, ge=1)
    pause_s: float = Field(default=WebSettings.pause_s, ge=0)
    connections: int = Field(default=WebSettings.connections, ge=1)

    @property
    def settings(self) -> WebSettings:
        """As the fetcher takes them."""
        return WebSettings(**self.model_dump())


class WebSubTable(BaseModel):
    """The table [websub]: how hubs reach us; `ingest/websub.py` has the meanings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    callback: str = Field(pattern=r"^https?://.+/$")
    listen: str = Field(default=WebSubSettings.listen, pattern=r"^[^:\s]+:\d{1,5}$")
    lease_s: int = Field(default=WebSubSettings.lease_s, ge=60)

    @property
    def settings(self) -> WebSubSettings:
        """As ingest takes them."""
        return WebSubSettings(**self.model_dump())


@dataclass(frozen=True)
class SourcesFile:
    """Sources and how they are asked."""

    sources: list[SourceSettings]
    web: WebSettings = field(default_factory=WebSettings)
    mastheads: tuple[Path, ...] = ()
    hubs: WebSubSettings | None = None


def load(path: Path) -> SourcesFile:
    """A file of sources. Raises SetupError, which names what is wrong and where.

    feeds = ["https://…"]       the short form
    [defaults]                  settings of every source
    [[source]]                  one source: kind, url, and what its kind knows
    [web]                       how servers are asked
    [websub]                    how hubs reach us
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SetupError(f"{path} is no TOML: {error}") from error
    known = {"feeds", "source", "defaults", "web", "websub", "mastheads"}
    if unknown := sorted(document.keys() - known):
        raise SetupError(f"{path} has {unknown}; expected {', '.join(sorted(known))}")
    sources = [
        _source(path, number, given, document.get("defaults", {}))
        for number, given in enumerate(_given(path, document), start=1)
    ]
    _require_distinct(path, sources)
    if not sources:
        raise SetupError(f'{path} names no source; `feeds = ["https://…"]` is the shortest form')
    mastheads = document.get("mastheads", [])
    named = [mastheads] if isinstance(mastheads, str) else mastheads
    return SourcesFile(
        sources=sources,
        web=_table(path, document, "web", WebTable).settings,
        hubs=_table(path, document, "websub", WebSubTable).settings
        if "websub" in document
        else None,
        mastheads=tuple(path.parent / str(name) for name in named),
    )


def _given(path: Path, document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    feeds, tables = document.get("feeds", []), document.get("source", [])
    if not isinstance(feeds, list) or not isinstance(tables, list):
        raise SetupError(f"{path}: `feeds` is a list of addresses, each source a table [[source]]")
    for url in feeds:
        yield {"url": url}
    yield from tables


def _source(
    path: Path, number: int, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> SourceSettings:
    settings = {**defaults, **given}
    where = f"{path}: source {number} ({settings.get('name') or settings.get('url') or '?'})"
    kind = settings.get("kind", "feed")
    if not isinstance(kind, str):
        raise SetupError(f"{where}: kind is {kind!r}; expected a name")
    try:
        found = source_class(kind).Settings.model_validate(settings)
    except SetupError as error:
        raise SetupError(f"{where}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SetupError(f"{where}: {name}: {first['msg']} (given: {first['input']!r})") from error
    if kind != "folder" and not found.url.startswith(("http://", "https://")):
        raise SetupError(f"{where}: url is {found.url!r}; expected http:// or https://")
    relative = getattr(found, "path", None)
    if isinstance(relative, Path) and not relative.is_absolute():
        found = found.model_copy(update={"path": path.parent / relative})
    return found


def _require_distinct(path: Path, sources: list[SourceSettings]) -> None:
    seen = set()
    for source in sources:
        if source.label in seen:
            raise SetupError(f"{path}: two sources are called {source.label}; give each a `name`")
        seen.add(source.label)


def _table(path: Path, document: Mapping[str, Any], name: str, table: type[T]) -> T:
    try:
        return table.model_validate(document.get(name, {}))
    except ValidationError as error:
        raise SetupError(f"{path}: [{name}] {first_fault(error)}") from error
