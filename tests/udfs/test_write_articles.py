"""Enriched articles in Redis: whole, newest wins, and nothing is lost with a killed server."""

import asyncio
import json
import time

import cloudpickle
import pytest
from pyflink.common import Row
from redis.exceptions import ConnectionError, TimeoutError

from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Language, TopicScore
from schemas.topics import ARTICLES_ENRICHED
from udfs import redis_pipelines
from udfs.write_articles import WriteArticles

TTL_S = 3600
PUBLISHED_MS, INGESTED_MS = 1_790_000_000_000, 1_790_000_060_000


def enriched(article_id="a1", **changes):
    values = {
        "url": "https://courier.example/a1",
        "source": "courier.example",
        "title": "Bridge reopens 🌉",
        "published_ms": PUBLISHED_MS,
        "ingested_ms": INGESTED_MS,
        "enriched_ms": INGESTED_MS + 40,
        "content_hash": "c0ffee",
        "language": Language(code="en", confidence=0.98),
        "topics": [
            TopicScore(code="medtop:15000000", name="sport", score=0.5, names={"de": "Sport"})
        ],
        "tone_score": 0.25,
        "embedding": bytes(range(256)) * 3,
        "model_versions": {"language": "lid176-1"},
    }
    return EnrichedArticle(article_id=article_id, **values | changes)


@pytest.fixture
def opened(redis_process, runtime_context):
    """Opens a writer as a Python worker holds it."""
    writers = []

    def open_writer(retry_s=20.0):
        writer = WriteArticles(
            redis_url=redis_process.url,
            ttl_s=TTL_S,
            retry_s=retry_s,
            registry_url=None,
            registry_auth=None,
        )
        writers.append(cloudpickle.loads(cloudpickle.dumps(writer)))
        writers[-1].open(runtime_context)
        return writers[-1]

    yield open_writer
    for writer in writers:
        writer.close()


async def write(writer, *articles):
    codec = RecordCodec(ARTICLES_ENRICHED)
    rows = [Row(a.article_id.encode(), codec.encode(a)) for a in articles]
    return await asyncio.gather(*map(writer.async_invoke, rows))


def stored(redis_process, article_id="a1"):
    found = redis_process.client.hgetall(f"article:{article_id}")
    return {name.decode(): value for name, value in found.items()}


async def test_article_is_written_field_by_field(opened, redis_process):
    assert await write(opened(), enriched()) == [[]]
    found = stored(redis_process)
    assert found.pop("embedding") == bytes(range(256)) * 3
    text = {name: value.decode() for name, value in found.items()}
    assert json.loads(text.pop("language")) == {"code": "en", "confidence": 0.98}
    assert json.loads(text.pop("topics")) == [
        {
            "code": "medtop:15000000",
            "name": "sport",
            "score": 0.5,
            "ancestors": [],
            "names": {"de": "Sport"},
        }
    ]
    assert json.loads(text.pop("model_versions")) == {"language": "lid176-1"}
    assert text == {
        "article_id": "a1",
        "url": "https://courier.example/a1",
        "source": "courier.example",
        "title": "Bridge reopens 🌉",
        "published_ms": str(PUBLISHED_MS),
        "ingested_ms": str(INGESTED_MS),
        "enriched_ms": str(INGESTED_MS + 40),
        "content_hash": "c0ffee",
        "tone_score": "0.25",
    }


async def test_null_is_absent_and_disappears_with_a_newer_version(opened, redis_process):
    writer = opened()
    await write(writer, enriched())
    assert {"summary", "entities", "tags"}.isdisjoint(stored(redis_process))
    await write(writer, enriched(published_ms=PUBLISHED_MS + 1, topics=None, embedding=None))
    assert {"topics", "embedding"}.isdisjoint(stored(redis_process))


async def test_article_expires(opened, redis_process):
    await write(opened(), enriched())
    assert TTL_S - 5 <= redis_process.client.ttl("article:a1") <= TTL_S


@pytest.mark.parametrize(
    ("published_ms", "ingested_ms", "wins"),
    [
        (PUBLISHED_MS + 1, INGESTED_MS - 9, True),
        (PUBLISHED_MS, INGESTED_MS + 1, True),
        (PUBLISHED_MS, INGESTED_MS, True),
        (PUBLISHED_MS, INGESTED_MS - 1, False),
        (PUBLISHED_MS - 1, INGESTED_MS + 9, False),
    ],
)
async def test_older_version_never_replaces_a_newer_one(
    opened, redis_process, runtime_context, published_ms, ingested_ms, wins
):
    writer = opened()
    await write(writer, enriched(title="stored"))
    late = enriched(title="late", published_ms=published_ms, ingested_ms=ingested_ms)
    await write(writer, late)
    assert stored(redis_process)["title"] == (b"late" if wins else b"stored")
    values = runtime_context.metrics.values
    assert values["wiredesk.written"] == 1 + wins
    assert values["wiredesk.older_than_stored"] == 1 - wins


async def test_replay_in_any_order_ends_the_same(opened, redis_process):
    writer = opened()
    versions = [enriched(title=f"version {n}", published_ms=PUBLISHED_MS + n) for n in range(5)]
    for order in (versions, versions[::-1], versions[2:] + versions[:2]):
        await write(writer, *order)
        assert stored(redis_process)["title"] == b"version 4"


async def test_equal_replay_changes_nothing(opened, redis_process):
    writer = opened()
    await write(writer, enriched())
    first = stored(redis_process)
    await write(writer, enriched(), enriched())
    assert stored(redis_process) == first


async def test_concurrent_articles_share_pipelines(opened, redis_process, runtime_context):
    await write(opened(), *(enriched(f"a{n}") for n in range(200)))
    assert redis_process.client.dbsize() == 200
    assert runtime_context.metrics.values["wiredesk.written"] == 200
    assert runtime_context.metrics.values["wiredesk.pipelines"] < 5


async def test_killed_redis_is_waited_for_and_loses_nothing(opened, redis_process):
    writer = opened()
    for n in range(3):
        ids = [f"a{n}-{i}" for i in range(300)]
        writing = [asyncio.create_task(write(writer, enriched(i))) for i in ids]
        async with asyncio.timeout(10):
            while redis_process.client.dbsize() <= 301 * n:
                await asyncio.sleep(0)
        redis_process.client.config_set("appendfsync", "no")  # a sync holds writes in memory back
        redis_process.kill()
        late = asyncio.create_task(write(writer, enriched(f"late-{n}")))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(redis_process.start)
        await asyncio.gather(*writing, late)
    assert redis_process.client.dbsize() == 3 * 301


async def test_hopeless_redis_raises_in_time(opened, redis_process):
    writer = opened(retry_s=2)
    redis_process.kill()
    started = time.monotonic()
    with pytest.raises(ConnectionError):
        await write(writer, enriched())
    assert 0.5 < time.monotonic() - started < 4


async def test_redis_lost_in_the_middle_of_a_write_raises_in_time(opened, redis_process):
    writer = opened(retry_s=3)
    await write(writer, enriched())
    redis_process.freeze()
    writing = asyncio.create_task(write(writer, enriched("a2")))
    await asyncio.sleep(0.1)
    redis_process.kill()
    started = time.monotonic()
    with pytest.raises(ConnectionError):
        await writing
    assert 0.5 < time.monotonic() - started < 5


async def test_redis_that_never_answers_raises_in_time(opened, redis_process, monkeypatch):
    monkeypatch.setattr(redis_pipelines, "SOCKET_TIMEOUT_S", 0.5)
    writer = opened(retry_s=1)
    redis_process.freeze()
    started = time.monotonic()
    with pytest.raises((ConnectionError, TimeoutError)):
        await write(writer, enriched())
    assert time.monotonic() - started < 3


async def test_writer_works_on_after_it_gave_up(opened, redis_process):
    writer = opened(retry_s=0.1)
    redis_process.kill()
    with pytest.raises(ConnectionError):
        await write(writer, enriched())
    redis_process.start()
    await write(writer, enriched())
    assert stored(redis_process)["title"] == "Bridge reopens 🌉".encode()
