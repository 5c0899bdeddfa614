"""What polling costs: thousands of feeds from servers that are slow, broken or silent.

The servers are a process of their own on loopback, each feed at an address of its own in 127/8 so
that each counts as a host. Of the feeds, most answer 304 within the injected latency, some have
news, some fail, and some stall until the time is up. Measured is the processor time of the polling
process, as a share of one core; nothing is sent to Kafka.
"""

import asyncio
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ingest.mastheads import Mastheads
from ingest.run import Ingest
from ingest.sources.source import SourceSettings
from ingest.state import Outgoing, State
from ingest.web import Web, WebSettings

ITEMS = 40
"""Items of a feed."""


@dataclass(frozen=True)
class Mix:
    """What the servers do: shares of all answers, and milliseconds before one."""

    news: float = 0.2
    error: float = 0.03
    stall: float = 0.02
    latency_ms: float = 150.0


@dataclass(frozen=True)
class Figures:
    """What was measured.

    core_share   processor time of the process that polls, by the clock, after the first round
    first_share  in the first round, when everything is new
    cpu_ms       processor time of a poll, all it brings included
    late_s       95th percentile of how late a poll began
    """

    feeds: int
    interval_s: float
    seconds: float
    polls: int
    polls_per_s: float
    core_share: float
    first_share: float
    cpu_ms: float
    late_s: float
    articles: int
    max_rss_mb: float
    failed: dict[str, int]


class NoKafka:
    """Takes everything."""

    def begin(self) -> int:
        return 0

    def send(self, batch: Sequence[Outgoing]) -> int:
        return batch[-1].number


def measure(feeds: int, interval_s: float, seconds: float, mix: Mix) -> Figures:
    """Poll for one interval so that all feeds are known, then for `seconds` by the watch."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=_serve, args=(theirs, mix), daemon=True)
    server.start()
    port = ours.recv()
    try:
        return asyncio.run(_measure(feeds, interval_s, seconds, port))
    finally:
        server.terminate()
        server.join()


async def _measure(feeds: int, interval_s: float, seconds: float, port: int) -> Figures:
    sources = [
        SourceSettings(
            name=f"feed-{number}",
            url=f"http://127.{1 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
            f":{port}/{number}",
            text="feed",
            interval_s=interval_s,
            min_interval_s=interval_s,
            max_interval_s=interval_s,
        )
        for number in range(feeds)
    ]
    settings = WebSettings(allow_private=True, respect_robots=True, timeout_s=15.0, stall_s=10.0)
    with tempfile.TemporaryDirectory() as folder, State(Path(folder) / "state.sqlite") as state:
        async with Web(settings, known=state) as web:
            ingest = _Watched(
                sources,
                web=web,
                state=state,
                mastheads=Mastheads(),
                encode=lambda article: article.model_dump_json().encode(),
                deliverer=NoKafka(),
            )
            stop = asyncio.Event()
            running = asyncio.create_task(ingest.run(stop))
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(interval_s)
            first_share = (time.process_time() - cpu) / (time.monotonic() - began)
            polls, articles = ingest.counts.polls, ingest.counts.articles
            ingest.late_s.clear()
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(seconds)
            passed_s, used_s = time.monotonic() - began, time.process_time() - cpu
            polls = ingest.counts.polls - polls
            articles = ingest.counts.articles - articles
            stop.set()
            await running
    late = sorted(ingest.late_s) or [0.0]
    return Figures(
        feeds=feeds,
        interval_s=interval_s,
        seconds=round(passed_s, 1),
        polls=polls,
        polls_per_s=round(polls / passed_s, 2),
        core_share=round(used_s / passed_s, 4),
        first_share=round(first_share, 4),
        cpu_ms=round(1000 * used_s / max(1, polls), 2),
        late_s=round(late[int(0.95 * (len(late) - 1))], 3),
        articles=articles,
        max_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        failed={str(reason): n for reason, n in ingest.counts.failed.items()},
    )


class _Watched(Ingest):
    """Also notes how late each poll begins."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.late_s: list[float] = []

    def _start_due(self) -> float:
        at_ms = self._clock()
        self.late_s += [(at_ms - due) / 1000 for due, _ in self._due if due <= at_ms]
        return super()._start_due()


def _serve(ready: Connection, mix: Mix) -> None:
    asyncio.run(_serve_all(ready, mix))


async def _serve_all(ready: Connection, mix: Mix) -> None:
    from aiohttp import web

    chance = random.Random(7)
    versions: dict[str, int] = {}

    async def feed(request: web.Request) -> web.StreamResponse:
        name = request.match_info["number"]
        draw = chance.random()
        await asyncio.sleep(chance.expovariate(1000 / mix.latency_ms))
        if draw < mix.stall:
            await asyncio.sleep(60)
        if draw < mix.stall + mix.error:
            return web.Response(status=chance.choice((500, 502, 503, 404)))
        if draw < mix.stall + mix.error + mix.news or name not in versions:
            versions[name] = versions.get(name, 0) + 1
        etag = f'"{versions[name]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        body = _feed(name, versions[name])
        return web.Response(body=body, headers={"ETag": etag, "Content-Type": "text/xml"})

    async def robots(_request: web.Request) -> web.Response:
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/robots.txt", robots)
    app.router.add_get("/{number}", feed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)
    await site.start()
    ready.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _feed(name: str, version: int) -> bytes:
    """A feed of ITEMS items; each version has one more and one less than the one before."""
    text = "The council met again to talk about the bridge, the budget and the buses. " * 4
    items = "".join(
        f"<item><title>Item {number} of {name}</title>"
        f"<link>https://news-{name}.example/{number}</link><guid>{name}-{number}</guid>"
        f"<pubDate>{formatdate(time.time() - 60 * (version + ITEMS - number))}</pubDate>"
        f"<description>{text}</description></item>"
        for number in range(version + ITEMS, version, -1)
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed {name}</title>'
        f"<link>https://news-{name}.example/</link>{items}</channel></rss>"
    ).encode()
