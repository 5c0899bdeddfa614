"""A running server under load, from outside: reads at a steady rate, open streams, alert latency.

    python -m bench.serve http://127.0.0.1:8080 KEY --articles ids.txt --kafka 127.0.0.1:19092

Requests leave on schedule whether or not earlier ones were answered (open loop): a slow answer
makes no other one look fast. An alert's latency runs from its send to Kafka to its arrival on each
stream.
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from kafka import KafkaProducer

from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.topics import ALERTS_BREAKING

DESK = "bench"
_PATIENCE_S = 60.0


async def reads(
    session: aiohttp.ClientSession, paths: Sequence[str], *, rate: float, seconds: float
) -> dict[str, Any]:
    """Milliseconds of each answer, and how many were none."""
    spent_ms: list[float] = []
    failed = 0

    async def read(path: str, due_s: float) -> None:
        nonlocal failed
        async with session.get(path) as answer:
            await answer.read()
            failed += answer.status != 200
        spent_ms.append((time.perf_counter() - due_s) * 1000)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for n in range(round(rate * seconds)):
            due_s = began_s + n / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            tasks.create_task(read(random.choice(paths), due_s))
    return percentiles(spent_ms) | {"requests": len(spent_ms), "failed": failed, "rate": rate}


async def streams(
    session: aiohttp.ClientSession, kafka: str, *, count: int, alerts: int
) -> dict[str, Any]:
    """Milliseconds from Kafka to each of many open streams."""
    sent_s: dict[str, float] = {}
    spent_ms: list[float] = []
    ready = asyncio.Semaphore(0)
    done = asyncio.Semaphore(0)

    async def listen() -> None:
        left = alerts
        async with session.get(f"/v1/streams?kind=alert&desk={DESK}") as answer:
            async for line in answer.content:
                if line == b"event: ready\n":
                    ready.release()
                elif line.startswith(b"data: ") and b'"alert_id"' in line:
                    arrived_s = time.perf_counter()
                    alert_id = json.loads(line.removeprefix(b"data: "))["alert_id"]
                    spent_ms.append((arrived_s - sent_s[alert_id]) * 1000)
                    left -= 1
                    if not left:
                        break
        done.release()

    listeners = [asyncio.create_task(listen()) for _ in range(count)]
    async with asyncio.timeout(_PATIENCE_S):
        for _ in range(count):
            await ready.acquire()
    producer = KafkaProducer(bootstrap_servers=kafka.split(","), acks="all", linger_ms=0)
    codec = RecordCodec(ALERTS_BREAKING)
    for _ in range(alerts):
        raised = _alert()
        sent_s[raised.alert_id] = time.perf_counter()
        producer.send(ALERTS_BREAKING.name, codec.encode(raised), raised.desk.encode())
        await asyncio.sleep(0.5)
    async with asyncio.timeout(_PATIENCE_S):
        for _ in range(count):
            await done.acquire()
    for listener in listeners:
        listener.cancel()
    producer.close()
    return percentiles(spent_ms) | {"streams": count, "alerts": alerts, "events": len(spent_ms)}


def percentiles(spent_ms: Sequence[float]) -> dict[str, float]:
    """
    >>> percentiles([1.0, 2.0, 3.0])
    {'p50_ms': 2.0, 'p95_ms': 2.9, 'p99_ms': 2.98}
    """
    return {
        f"p{share}_ms": round(float(np.percentile(spent_ms, share)), 2) for share in (50, 95, 99)
    }


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


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for, one after the other."""
    ids = Path(arguments.articles).read_text("utf-8").split() if arguments.articles else []
    found: dict[str, Any] = {}
    async with aiohttp.ClientSession(
        arguments.url,
        headers={"Authorization": f"Bearer {arguments.key}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
    ) as session:
        rate, seconds = arguments.rate, arguments.seconds
        if ids:
            paths = [f"/v1/articles/{article_id}" for article_id in ids]
            await reads(session, paths, rate=rate, seconds=2)
            found["articles"] = await reads(session, paths, rate=rate, seconds=seconds)
            feeds = [f"/v1/feed/bench-{n}" for n in range(200)]
            await reads(session, feeds, rate=rate, seconds=2)
            found["feeds"] = await reads(session, feeds, rate=rate, seconds=seconds)
        if arguments.kafka:
            found["streams"] = await streams(
                session, arguments.kafka, count=arguments.streams, alerts=arguments.alerts
            )
    return found


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key", help="its rate should be above the load: keys add --rate 1000000")
    parser.add_argument("--articles", help="file of article ids; none: no reads")
    parser.add_argument("--kafka", help="brokers, to send alerts to; none: no streams")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--alerts", type=int, default=20)
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
