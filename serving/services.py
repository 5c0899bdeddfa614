"""Everything the server stands on: what requests are answered with."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from schemas.alert import Alert
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.topics import (
    ALERTS_BREAKING,
    AUDIENCE_SENTIMENT,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    MODERATION_QUEUE,
    QUALITY_SIGNALS,
    STORIES,
)
from serving.access import Access, Visitor
from serving.analysis import Analysis
from serving.articles import Articles, RedisGate
from serving.commands import Commands
from serving.deliveries import Deliveries
from serving.errors import Denied, Unavailable
from serving.feeds import Feeds
from serving.history import History
from serving.kafka import Arrived, TopicReader
from serving.limits import RateLimits
from serving.metrics import Metrics
from serving.push import Push
from serving.settings import ServeSettings
from serving.shelf import Shelf
from serving.streams import Hub, json_of
from serving.views import Wall

log = logging.getLogger(__name__)

KINDS: Mapping[str, str] = {
    ALERTS_BREAKING.name: "alert",
    STORIES.name: "story",
    EDITORIAL_CONTROL.name: "command",
    EDITORIAL_AUDIT.name: "audit",
    AUDIENCE_SENTIMENT.name: "mood",
    MODERATION_QUEUE.name: "moderation",
    QUALITY_SIGNALS.name: "signal",
}
"""Topics whose records are events, and what the events are called."""

_AGAIN_S = 2.0
_MOST_UNWRITTEN = 50_000
_AT_ONCE = 5
"""Records between which requests are answered: to pack an article takes a millisecond."""


@dataclass
class Services:
    """What requests are answered with; a test puts its own parts in."""

    settings: ServeSettings
    wall: Wall
    hub: Hub
    history: History
    access: Access
    commands: Commands
    reader: TopicReader | None
    limits: RateLimits
    metrics: Metrics
    shelf: Shelf
    redis: RedisGate
    articles: Articles
    feeds: Feeds
    analysis: Analysis | None
    push: Push
    deliveries: Deliveries
    budgets: Mapping[str, float]
    """Alerts a day by desk, as the job begins with; what editors set since is among commands."""
    now_ms: Callable[[], int]
    unwritten: deque[Record] = field(default_factory=lambda: deque(maxlen=_MOST_UNWRITTEN))
    """For the history; the topics still have what is pushed out, and a restart reads them again."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_ready(self) -> bool:
        """Whether everything that was in the topics at the start is on the wall."""
        return self.reader is None or self.reader.state.caught_up

    async def caught_up(self, timeout_s: float) -> bool:
        """Wait until the server is ready, for so long at most."""
        if self.is_ready or self.reader is None:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                return await self.reader.caught_up.wait()
        except TimeoutError:
            return False

    def models(self) -> Analysis:
        """The models. Raises Unavailable where the server runs without."""
        if self.analysis is None:
            raise Unavailable("this server runs without models (analyze = false)")
        return self.analysis

    def require_room(self) -> None:
        """Raises Unavailable when so many streams are open that no more are taken."""
        if len(self.hub) >= self.settings.most_streams:
            raise Unavailable(f"{len(self.hub)} streams are open; no more are taken")

    async def admit(
        self, headers: Mapping[str, str], cookies: Mapping[str, str], address: str
    ) -> Visitor:
        """Who asks, within their rate. Raises Denied, TooOften, or Unavailable."""
        try:
            visitor = await self.access.visitor(headers, cookies)
        except Denied:
            self.limits.take(f"address {address}", None)
            raise
        self.limits.take(f"{visitor.via} {visitor.identity}", visitor.rate_per_minute)
        return visitor

    async def problems(self) -> dict[str, str]:
        """What is away just now, in words."""
        found: dict[str, str] = {}
        if self.reader is not None and self.reader.state.problem:
            found["kafka"] = self.reader.state.problem
        if self.reader is not None and self.reader.state.missing:
            missing = ", ".join(self.reader.state.missing)
            found["topics"] = f"not there: {missing}; `wiredesk topics create` makes them"
        if problem := await self.history.problem():
            found["database"] = problem
        if problem := await self.redis.check():
            found["redis"] = problem
        if self.analysis is not None and self.analysis.problem:
            found["models"] = self.analysis.problem
        return found

    def gauges(self) -> dict[str, float]:
        """What stands just now, for Prometheus."""
        reader = self.reader.state if self.reader else None
        return {
            "ready": float(self.is_ready),
            "kafka_up": float(reader is None or reader.problem is None),
            "redis_up": float(self.redis.problem is None),
            "records_read": reader.records if reader else 0,
            "records_undecodable": reader.undecodable if reader else 0,
            "streams": len(self.hub),
            "streams_dropped": self.hub.dropped,
            "alerts": len(self.wall.alerts),
            "stories": len(self.wall.stories),
            "articles": len(self.wall.articles),
        }

    def lag(self) -> Mapping[str, int]:
        """Records by topic that are there but were not read."""
        return self.reader.state.lag if self.reader else {}

    async def act(
        self,
        visitor: Visitor,
        action: str,
        subject: str,
        outcome: str,
        detail: str,
        request: HTTPConnection,
    ) -> None:
        """Write down who asked for what."""
        await self.history.act(
            at_ms=self.now_ms(),
            who=visitor.name,
            role=visitor.role.value,
            via=visitor.via,
            action=action,
            subject=subject[:400],
            outcome=outcome,
            detail=detail,
            request_id=str(request.scope.get("request_id", "")),
            address=request.client.host if request.client else "",
        )

    async def take(self, arrived: list[Arrived]) -> None:
        """Records of the topics, in order: on the wall, to who listens, into the history."""
        changed = []
        for number, one in enumerate(arrived, start=1):
            if self._apply(one):
                changed.append(one)
            if not number % _AT_ONCE:
                await asyncio.sleep(0)
        await self.shelf.add([one.record for one in changed])
        for one in changed:
            if kind := KINDS.get(one.topic):
                self.hub.publish(kind, one.partition, one.offset, one.record, json_of(one.record))
            if isinstance(one.record, AuditEntry):
                self.commands.heard(one.record.command_id)
        await self._remember([one.record for one in changed if one.topic in KINDS])

    def _apply(self, one: Arrived) -> bool:
        heard_ms = self.wall.heard_ms
        heard_ms[one.topic] = max(heard_ms.get(one.topic, 0), one.timestamp_ms)
        if self.is_ready and (kind := KINDS.get(one.topic)):
            waited_s = max(0, self.now_ms() - one.timestamp_ms) / 1000
            self.metrics.event_seconds.labels(kind).observe(waited_s)
        return self.wall.apply(one.record)

    async def _remember(self, records: Sequence[Record]) -> None:
        """Into the history; while the database is away records wait, and nobody waits for them."""
        self.unwritten.extend(records)
        async with self._writing:
            waiting = list(self.unwritten)
            self.unwritten.clear()
            try:
                await self._write(waiting)
            except ServiceError as error:
                log.error("%d records wait for the history: %s", len(waiting), error)
                self.unwritten.extendleft(reversed(waiting))

    async def _write(self, records: Sequence[Record]) -> None:
        await self.history.record(records)
        for record in records:
            if isinstance(record, EditorialCommand) and record.kind == "correct_article":
                article = self.wall.articles.get(record.article_id or "")
                await self.history.label(record, article)
        await self.deliveries.alerts([r for r in records if isinstance(r, Alert)])

    async def write_what_waits(self) -> None:
        """Try the history again, for ever."""
        while True:
            await asyncio.sleep(_AGAIN_S)
            if self.unwritten:
                await self._remember([])


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that answers a request."""
    services: Services = connection.app.state.services
    return services
