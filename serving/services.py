"""Everything the server stands on, opened and closed together."""

import asyncio
import gc
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from models.breaking import desks
from models.keyring import KeyringFile
from models.ranking.rankers import read as read_ranker
from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.registry import open_registry
from schemas.settings import client_arguments
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    ARTICLES_RAW,
    AUDIENCE_SENTIMENT,
    DEAD_LETTERS,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    MODERATION_QUEUE,
    QUALITY_SIGNALS,
    STORIES,
    STORIES_ARTICLES,
    USERS_EMBEDDINGS,
    Topic,
)
from serving.access import Access, Visitor
from serving.analysis import Analysis
from serving.articles import Articles, RedisGate
from serving.channels import Channel, channels
from serving.commands import Commands, Producer
from serving.deliveries import Deliveries
from serving.errors import Denied, Unavailable
from serving.feeds import Feeds
from serving.history import History
from serving.kafka import Arrived, Reading, TopicProducer, TopicReader
from serving.limits import RateLimits
from serving.messages import Kind
from serving.metrics import Metrics
from serving.profiles import RedisProfiles
from serving.push import Push, read_publishers
from serving.settings import ServeSettings, address
from serving.shelf import Shelf
from serving.streams import Hub, json_of
from serving.views import Limits, Wall

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

_EDITORIAL_H = 30 * 24
"""Hours of commands and answers at hand: mutes, budgets and corrections hold for long."""
_PRUNE_EVERY_S = 3600.0
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


@asynccontextmanager
async def opened(settings: ServeSettings, metrics: Metrics) -> AsyncIterator[Services]:
    """The services as the settings want them, at work. Raises ServiceError."""
    async with AsyncExitStack() as stack:
        history = History(settings.database_url.get_secret_value())
        stack.push_async_callback(history.close)
        await history.open()
        producer = TopicProducer(client_arguments(settings))
        stack.push_async_callback(producer.close)
        registry = open_registry(
            settings.schema_registry_url, settings.secret("schema_registry_auth")
        )

        def codec(topic: Topic[Any]) -> RecordCodec[Any]:
            return RecordCodec(topic, registry)

        services = assembled(
            settings,
            history=history,
            producer=producer,
            codec=codec,
            metrics=metrics,
            channels=await stack.enter_async_context(channels(settings, address(settings))),
        )
        stack.push_async_callback(services.redis.close)
        await services.deliveries.open()
        reader = TopicReader(
            client_arguments(settings), readings(settings, now_ms()), codec, services.take
        )
        services.reader = reader
        reader.start()
        stack.push_async_callback(reader.stop)
        await stack.enter_async_context(_working(services))
        yield services
        services.hub.close("the server is going down; come back with the last id")


def assembled(
    settings: ServeSettings,
    *,
    history: History,
    producer: Producer,
    codec: Callable[[Topic[Any]], RecordCodec[Any]] = RecordCodec,
    metrics: Metrics | None = None,
    channels: Mapping[Kind, Channel] | None = None,
    clock: Callable[[], int] | None = None,
) -> Services:
    """The services on some parts; nothing is at work yet, and no topic is read."""
    wall = Wall(Limits(settings.most_alerts, settings.most_stories, settings.most_articles))
    shelf = Shelf(wall, keep_ms=round(settings.window_h * 3_600_000))
    redis = RedisGate(settings.redis_url.get_secret_value(), settings.redis_timeout_s)
    metrics = metrics or Metrics()
    clock = clock or now_ms
    return Services(
        settings=settings,
        wall=wall,
        hub=Hub(replay=settings.stream_replay, queue=settings.stream_queue),
        history=history,
        access=Access(settings, history),
        commands=Commands(producer, codec(EDITORIAL_CONTROL), wall),
        reader=None,
        limits=RateLimits(per_minute=settings.rate_per_minute, burst=settings.rate_burst),
        metrics=metrics,
        shelf=shelf,
        redis=redis,
        articles=Articles(redis, wall, metrics, stale_s=settings.stale_s),
        feeds=Feeds(
            shelf.fresh,
            read_ranker(),
            wall,
            RedisProfiles(
                redis,
                codec(USERS_EMBEDDINGS),
                KeyringFile(settings.profile_keys_file) if settings.profile_keys_file else None,
                long_half_life_s=settings.long_half_life_s,
                session_half_life_s=settings.session_half_life_s,
                languages=lambda: shelf.fresh.languages,
                stale_s=settings.stale_s,
            ),
            languages=settings.languages,
        ),
        analysis=_analysis(settings),
        push=Push(read_publishers(settings.publishers_file), producer, codec(ARTICLES_RAW)),
        deliveries=Deliveries(history, channels or {}, settings, metrics, clock),
        budgets=_budgets(settings),
        now_ms=clock,
    )


def _budgets(settings: ServeSettings) -> dict[str, float]:
    found = desks.read(settings.desks_file or desks.SHIPPED)
    return {desk.name: desk.alerts_per_day for desk in found}


def _analysis(settings: ServeSettings) -> Analysis | None:
    if not settings.analyze:
        return None
    return Analysis(
        manifest=settings.models_manifest,
        threads=settings.inference_threads,
        non_commercial=settings.non_commercial_models,
        waiting=settings.analyze_waiting,
    )


@asynccontextmanager
async def _working(services: Services) -> AsyncIterator[None]:
    """What goes on beside the requests; an end that nobody asked for is an error in the log."""
    work: list[Coroutine[Any, Any, None]] = [
        services.deliveries.run(),
        services.feeds.keep_fresh(services.now_ms),
        services.write_what_waits(),
        _prune_for_ever(services),
        _settle(services),
    ]
    if services.analysis is not None:
        work.append(services.analysis.open())
    tasks = [asyncio.create_task(_watched(one)) for one in work]
    try:
        yield
    finally:
        services.deliveries.close()
        await asyncio.wait(tasks[:1], timeout=services.settings.shutdown_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if services.analysis is not None:
            services.analysis.close()


async def _settle(services: Services) -> None:
    """Tell the garbage collector that what was read at the start stays: looking through it takes a
    good part of a second, in which nobody is answered.
    """
    if services.reader is not None:
        await services.reader.caught_up.wait()
    gc.collect()
    gc.freeze()


async def _watched(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("work beside the requests has ended")
        raise


def readings(settings: ServeSettings, at_ms: int) -> list[Reading]:
    """Which topics are read, and from when on."""
    recent = at_ms - round(settings.window_h * 3_600_000)
    editorial = at_ms - max(round(settings.window_h), _EDITORIAL_H) * 3_600_000
    return [
        Reading(EDITORIAL_CONTROL, editorial),
        Reading(EDITORIAL_AUDIT, editorial),
        Reading(ALERTS_BREAKING, recent),
        Reading(STORIES, recent),
        Reading(STORIES_ARTICLES, recent),
        Reading(AUDIENCE_SENTIMENT, recent),
        Reading(MODERATION_QUEUE, recent),
        Reading(QUALITY_SIGNALS, recent),
        Reading(DEAD_LETTERS, recent),
        Reading(ARTICLES_ENRICHED, recent),
    ]


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


async def _prune_for_ever(services: Services) -> None:
    while True:
        await services.history.prune(now_ms=services.now_ms(), days=services.settings.history_days)
        await asyncio.sleep(_PRUNE_EVERY_S)
