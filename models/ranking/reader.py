"""What is known of a reader, and of the moment a feed is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from schemas.alert import Alert

Vector = npt.NDArray[np.float32]

CLOSED = ("dismissed", "closed")
"""States in which an alert stands above nothing any more."""


@dataclass(frozen=True, eq=False)
class Reader:
    """What a profile says. An unknown reader is `Reader()`, and is served by what all read.

    long, session     decayed means of the vectors of what was read, float32 (width,), any length
                      above 0; None before the first click, or in a session's beginning
    vector_version    encoder of those vectors; articles of another version are not compared
    clicks            effective number of clicks, decayed as `long` is: how sure the profile is
    topics            affinity by Media Topic code, -1..1; negative: what the reader hides
    sources           affinity by masthead, -1..1
    entities          affinity by entity key, -1..1
    followed          entity keys the reader asked to follow
    recent            article ids of the last clicks, the newest first
    seen              article ids that were read, or shown often enough
    hidden_…          what the reader does not want to see: ids, mastheads, topic codes, entity keys
    """

    long: Vector | None = None
    session: Vector | None = None
    vector_version: str = ""
    clicks: float = 0.0
    topics: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, float] = field(default_factory=dict)
    entities: Mapping[str, float] = field(default_factory=dict)
    followed: frozenset[str] = frozenset()
    recent: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    hidden_articles: frozenset[str] = frozenset()
    hidden_sources: frozenset[str] = frozenset()
    hidden_stories: frozenset[str] = frozenset()
    hidden_topics: frozenset[str] = frozenset()
    hidden_entities: frozenset[str] = frozenset()

    @property
    def is_new(self) -> bool:
        """Whether nothing is known that could make a feed personal."""
        return self.clicks <= 0 and not self.followed

    @property
    def hides_kinds(self) -> bool:
        """Whether more is hidden than single articles."""
        return bool(
            self.hidden_sources or self.hidden_stories or self.hidden_topics or self.hidden_entities
        )


@dataclass(frozen=True)
class Desk:
    """A part of the newsroom that a reader is served from; no topics: all of them."""

    name: str
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OpenAlert:
    """An alert that stands above personal ranking until it expires."""

    alert_id: str
    desk: str
    story_id: str
    title: str
    languages: frozenset[str]
    articles: tuple[str, ...]
    score: float
    at_ms: int
    expires_ms: int

    def concerns(self, languages: Iterable[str], desks: Iterable[str]) -> bool:
        """Whether it is in one of the languages and of one of the desks; no desks: of all."""
        served = set(desks)
        return (not served or self.desk in served) and not self.languages.isdisjoint(languages)


@dataclass(frozen=True)
class Pick:
    """What an editor put into the feed: an article, or the best article of a story.

    desk  None: for every desk
    """

    kind: Literal["article", "story"]
    id: str
    until_ms: int
    desk: str | None = None


@dataclass(frozen=True)
class Context:
    """The moment.

    languages   that the reader reads, the best first
    desks       that the reader is served from, none: all; alerts of others concern nobody else
    covisits    of each article in `Reader.recent` the share of its readers who went on to another
    """

    now_ms: int
    languages: tuple[str, ...]
    desks: tuple[Desk, ...] = ()
    alerts: tuple[OpenAlert, ...] = ()
    picks: tuple[Pick, ...] = ()
    covisits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def open_alerts(records: Iterable[Alert], now_ms: int) -> tuple[OpenAlert, ...]:
    """The alerts that are open, of the records of `alerts.breaking` in any order; newest first."""
    newest: dict[str, Alert] = {}
    for record in records:
        known = newest.get(record.alert_id)
        if known is None or record.sequence > known.sequence:
            newest[record.alert_id] = record
    found = [
        OpenAlert(
            alert_id=record.alert_id,
            desk=record.desk,
            story_id=record.story_id,
            title=record.title,
            languages=frozenset(record.languages),
            articles=tuple(article.article_id for article in record.lead_articles),
            score=record.score,
            at_ms=record.at_ms,
            expires_ms=record.expires_ms,
        )
        for record in newest.values()
        if record.state not in CLOSED and record.expires_ms > now_ms
    ]
    return tuple(sorted(found, key=lambda alert: (-alert.at_ms, alert.alert_id)))
