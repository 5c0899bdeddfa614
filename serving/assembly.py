"""The server's services put together, at work, and closed again."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from models.breaking import desks
from models.keyring import KeyringFile
from models.ranking.rankers import read as read_ranker
from schemas.codec import RecordCodec
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
from serving.access import Access, now_ms
from serving.analysis import Analysis
from serving.articles import Articles, RedisGate
from serving.channels import Channel, channels
from serving.commands import Commands, Producer
from serving.deliveries import Deliveries
from serving.feeds import Feeds
from serving.history import History
from serving.kafka import Reading, TopicProducer, TopicReader
from serving.limits import RateLimits
from serving.messages import Kind
from serving.metrics import Metrics
from serving.profiles import RedisProfiles
from serving.push import Push, read_publishers
from serving.services import Services
from serving.settings import ServeSettings, address
from serving.shelf import Shelf
from serving.streams import Hub
from serving.views import Limits, Wall

log = logging.getLogger(__name__)

_EDITORIAL_H = 30 * 24
"""Hours of commands and answers at hand: mutes, budgets and corrections hold for long."""
_PRUNE_EVERY_S = 3600.0


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


async def _prune_for_ever(services: Services) -> None:
    while True:
        await services.history.prune(now_ms=services.now_ms(), days=services.settings.history_days)
        await asyncio.sleep(_PRUNE_EVERY_S)
