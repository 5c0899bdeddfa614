"""A source at work: its settings, and what is known of it."""

from dataclasses import dataclass

from ingest.addresses import host_of
from ingest.normalise import Origin
from ingest.schedule import Limits, Rhythm
from ingest.sources.source import Source, SourceSettings, source_class
from ingest.watch import Watched


@dataclass
class Running:
    """A source at work. `rhythm` and `watched` change with every poll."""

    settings: SourceSettings
    source: Source
    origin: Origin
    limits: Limits
    rhythm: Rhythm
    watched: Watched

    @classmethod
    def of(cls, settings: SourceSettings, rhythm: Rhythm, watched: Watched) -> "Running":
        """A source as its settings want it, with what was known of it before."""
        return cls(
            settings=settings,
            source=source_class(settings.kind)(settings),
            origin=settings.origin,
            limits=settings.limits,
            rhythm=rhythm,
            watched=watched,
        )

    @property
    def host(self) -> str:
        """Whom a poll asks: the host of its address, else itself."""
        return host_of(self.settings.url) or self.settings.label
