"""A running server under load, from outside: reads at a steady rate, open streams, alert latency.

Requests leave on schedule whether or not earlier ones were answered (open loop): a slow answer
makes no other one look fast, and its time runs from the moment at which it was due. An alert's
latency runs from its send to Kafka to its arrival on each stream.
"""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import numpy as np
from kafka import KafkaProducer

from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.topics import ALERTS_BREAKING

DESK = "bench"
BETWEEN_ALERTS_S = 0.5
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Spread:
    """Milliseconds: the usual, 95 and 99 of a hundred, and the worst."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float


@dataclass(frozen=True)
class Reads:
    """Answers at a steady rate; `failed` of them were not 200, or none."""

    latency: Spread
    rate: float
    requests: int
    failed: int


@dataclass(frozen=True)
class Streams:
    """Alerts on open event streams; `events` of them were heard, each alert on each stream."""

    latency: Spread
    streams: int
    alerts: int
    events: int


def connected(url: str, key: str) -> aiohttp.ClientSession:
    """A client of the server, with as many connections as it takes."""
    return aiohttp.ClientSession(
        url,
        headers={"Authorization": f"Bearer {key}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
    )


async def reads(
    session: aiohttp.ClientSession, paths: Sequence[str], *, rate: float, seconds: float
) -> Reads:
    """Ask for paths, drawn by chance, `rate` times a second."""
    chance = random.Random(7)
    spent_ms: list[float] = []
    failed = 0

    async def read(path: str, due_s: float) -> None:
        nonlocal failed
        try:
            async with session.get(path) as answer:
                await answer.read()
                failed += answer.status != 200
        except aiohttp.ClientError:
            failed += 1
        spent_ms.append((time.perf_counter() - due_s) * 1000)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for n in range(round(rate * seconds)):
            due_s = began_s + n / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            tasks.create_task(read(chance.choice(paths), due_s))
    return Reads(spread(spent_ms), rate, len(spent_ms), failed)


async def streams(
    session: aiohttp.ClientSession, kafka: str, *, count: int, alerts: int
) -> Streams:
    """Open `count` event streams, send alerts to Kafka, and wait until each was heard on each."""
    sent_s: dict[str, float] = {}
    spent_ms: list[float] = []
    ready = asyncio.Semaphore(0)

    async def listen() -> None:
        left = alerts
        async with session.get("/v1/streams", params={"kind": "alert", "desk": DESK}) as answer:
            async for line in answer.content:
                if line == b"event: ready\n":
                    ready.release()
                elif line.startswith(b"data: ") and b'"alert_id"' in line:
                    arrived_s = time.perf_counter()
                    alert_id = json.loads(line.removeprefix(b"data: "))["alert_id"]
                    spent_ms.append((arrived_s - sent_s[alert_id]) * 1000)
                    left -= 1
                    if not left:
                        return

    producer = KafkaProducer(bootstrap_servers=kafka.split(","), acks="all", linger_ms=0)
    producer.partitions_for(ALERTS_BREAKING.name)  # nobody waits for the first connection
    codec = RecordCodec(ALERTS_BREAKING)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(_PATIENCE_S + alerts):
        for _ in range(count):
            tasks.create_task(listen())
        for _ in range(count):
            await ready.acquire()
        for _ in range(alerts):
            raised = _alert()
            value = codec.encode(raised)
            sent_s[raised.alert_id] = time.perf_counter()
            producer.send(ALERTS_BREAKING.name, value, raised.desk.encode())
            await asyncio.sleep(BETWEEN_ALERTS_S)
    producer.close()
    return Streams(spread(spent_ms), count, alerts, len(spent_ms))


def spread(spent_ms: Sequence[float]) -> Spread:
    """
    >>> spread([1.0, 2.0, 3.0])
    Spread(p50_ms=2.0, p95_ms=2.9, p99_ms=2.98, most_ms=3.0)
    """
    found = np.percentile(spent_ms, [50, 95, 99, 100])
    return Spread(*(round(float(value), 2) for value in found))


def _alert() -> Alert:
    now_ms = time.time_ns() // 1_000_000
    return Alert(
        alert_id=f"{DESK}-{uuid.uuid4().hex}",
        desk=DESK,
        story_id="bench",
        state="opened",
        sequence=1,
        at_ms=now_ms,
        raised_ms=now_ms,
        expires_ms=now_ms + 60_000,
        score=0.9,
        low=0.8,
        high=0.95,
        threshold=0.7,
        outcome="sources=8,hours=6",
        title="A measurement",
        languages=["en"],
        windows=[],
        sources=[],
        independent_sources=8,
        copies_discounted=0,
        entities=[],
        lead_articles=[],
        reasons=[],
        model_versions={},
    )
