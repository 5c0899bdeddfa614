"""The interface of a source, and how its class is found.

Others add a kind of source with an entry point of the group `wiredesk.sources`: its name is the
`kind` in the file of sources, its value a class like those beside this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ingest.entry import Entry
from ingest.normalise import Origin
from ingest.schedule import Limits
from ingest.web import Web
from schemas.errors import SetupError

GROUP = "wiredesk.sources"

Memory = Mapping[str, Any]
"""What a source keeps between two polls; JSON."""


class SourceSettings(BaseModel):
    """What every source can be told.

    text  where the article's text is taken from: `auto` fetches the page when there is only a
          teaser, `page` always, `feed` never
    backfill_h  items older than this at first sight are not sent; those without a date are
    max_items   taken of one poll, the first ones; the rest comes with the next
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = "feed"
    name: str = ""
    url: str = ""
    source: str = ""
    owner: str = ""
    language: str = ""
    timezone: str = ""
    category: str = ""
    text: str = Field(default="auto", pattern="^(auto|page|feed)$")
    backfill_h: float = Field(default=48.0, ge=0)
    max_items: int = Field(default=1000, ge=1)
    interval_s: float = Field(default=300.0, gt=0)
    min_interval_s: float = Field(default=60.0, gt=0)
    max_interval_s: float = Field(default=3600.0, gt=0)
    enabled: bool = True

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{name!r} is no time zone, such as Europe/Berlin") from error
        return name

    @property
    def label(self) -> str:
        """What the source is called in messages and in the state: its name, else its address."""
        return self.name or self.url

    @property
    def origin(self) -> Origin:
        """What articles of this source have in common."""
        return Origin(
            name=self.label,
            source=self.source,
            owner=self.owner,
            language=self.language,
            zone=ZoneInfo(self.timezone) if self.timezone else None,
        )

    @property
    def limits(self) -> Limits:
        """Seconds between two polls."""
        most_s = max(self.max_interval_s, self.interval_s)
        return Limits(
            fewest_s=min(self.min_interval_s, self.interval_s),
            most_s=most_s,
            first_s=self.interval_s,
        )


@dataclass(frozen=True)
class Polled:
    """What a poll brought.

    memory    what the source keeps from now on
    changed   False when the server said that nothing did
    asked_s   how long the publisher wants to be left alone, 0 when it does not say
    faults    what was wrong and has been passed over
    """

    entries: Sequence[Entry] = ()
    memory: Memory = field(default_factory=dict)
    changed: bool = True
    asked_s: float = 0.0
    faults: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """A kind of source."""

    Settings: ClassVar[type[SourceSettings]]

    def __init__(self, settings: Any) -> None: ...

    async def poll(self, web: Web, memory: Memory, *, now_ms: int) -> Polled:
        """Ask once. Raises FetchError or NotAFeed; then `memory` stays as it was."""
        ...


def source_class(kind: str) -> type[Source]:
    """The class of a kind of source. Raises SetupError for an unknown one."""
    from ingest.sources.feed import FeedSource
    from ingest.sources.folder import FolderSource
    from ingest.sources.json_api import JsonSource
    from ingest.sources.sitemap import SitemapSource

    ours: dict[str, type[Source]] = {
        "feed": FeedSource,
        "sitemap": SitemapSource,
        "json": JsonSource,
        "folder": FolderSource,
    }
    if kind in ours:
        return ours[kind]
    for point in entry_points(group=GROUP):
        if point.name == kind:
            found: type[Source] = point.load()
            return found
    others = [point.name for point in entry_points(group=GROUP)]
    raise SetupError(f"no source of kind {kind!r}; there are {', '.join([*ours, *others])}")
