"""What polling costs: thousands of feeds, most of them good, some slow, broken or silent.

The servers are a process of their own on loopback, each feed at an address of its own in 127/8 so
that each counts as a host. A good feed answers within the injected latency, a slow one after
seconds; a broken one fails and a silent one stalls every other time, so that neither is given up.
Measured is the processor time of the polling process, as a share of one core, and how late polls
began, by kind of feed; nothing is sent to Kafka.
"""

import asyncio
import logging
import multiprocessing
import random
import resource
import tempfile
import time
from collections import Counter, defaultdict
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
from ingest.turns import Turn
from ingest.web import Web, WebSettings

ITEMS = 40
"""Items of a feed."""


KINDS = (*["good"] * 17, "slow", "broken", "silent")
"""Of every twenty feeds."""

_NAME = "feed-"
_SLOW_S, _STALL_S = 6.0, 60.0
_FIVE_MINUTES_S = 300.0


@dataclass(frozen=True)
class Mix:
    """What the servers do: share of answers with news, and mean milliseconds before one."""

    news: float = 0.2
    latency_ms: float = 150.0


@dataclass(frozen=True)
class Figures:
    """What was measured.

    core_share   processor time of the process that polls, by the clock, after the first round
    at_5_min     what that share would be at an interval of five minutes: a shorter one, measured
                 in less time, costs the same a poll
    first_share  in the first round, when everything is new
    cpu_ms       processor time of a poll, all it brings included
    late_s       95th percentile of how late polls began, by kind of feed
    latest_s     the most that one was late, by kind of feed
    """

    feeds: int
    interval_s: float
    seconds: float
    polls: int
    polls_per_s: float
    core_share: float
    at_5_min: float
    first_share: float
    cpu_ms: float
    late_s: dict[str, float]
    latest_s: dict[str, float]
    articles: int
    max_rss_mb: float
    failed: dict[str, int]


def kind(number: int) -> str:
    """What kind of feed one is.

    >>> [kind(number) for number in (0, 16, 17, 18, 19, 20)]
    ['good', 'good', 'slow', 'broken', 'silent', 'good']
    """
    return KINDS[number % len(KINDS)]


class NoKafka:
    """Takes everything."""

    def begin(self) -> int:
        return 0

    def send(self, batch: Sequence[Outgoing]) -> int:
        return batch[-1].number


def measure(feeds: int, interval_s: float, seconds: float, mix: Mix) -> Figures:
    """Poll for one interval so that all feeds are known, then for `seconds` by the watch."""
    logging.getLogger("wiredesk.ingest").setLevel(logging.ERROR)  # failures are meant, and counted
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
            name=f"{_NAME}{number}",
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
            ingest.late.clear()
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(seconds)
            passed_s, used_s = time.monotonic() - began, time.process_time() - cpu
            polls = ingest.counts.polls - polls
            articles = ingest.counts.articles - articles
            stop.set()
            await running
    late = {name: sorted(ms / 1000 for ms in ingest.late[name]) or [0.0] for name in set(KINDS)}
    return Figures(
        feeds=feeds,
        interval_s=interval_s,
        seconds=round(passed_s, 1),
        polls=polls,
        polls_per_s=round(polls / passed_s, 2),
        core_share=round(used_s / passed_s, 4),
        at_5_min=round(used_s / passed_s * interval_s / _FIVE_MINUTES_S, 4),
        first_share=round(first_share, 4),
        cpu_ms=round(1000 * used_s / max(1, polls), 2),
        late_s={k: round(v[int(0.95 * (len(v) - 1))], 3) for k, v in sorted(late.items())},
        latest_s={k: round(v[-1], 3) for k, v in sorted(late.items())},
        articles=articles,
        max_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        failed={str(reason): n for reason, n in ingest.counts.failed.items()},
    )


class _Watched(Ingest):
    """Also notes how late each poll begins."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.late: dict[str, list[int]] = defaultdict(list)

    async def _poll(self, turn: Turn[str], *, again: bool) -> None:
        self.late[kind(int(turn.key.removeprefix(_NAME)))].append(turn.late_ms)
        await super()._poll(turn, again=again)


def _serve(ready: Connection, mix: Mix) -> None:
    asyncio.run(_serve_all(ready, mix))


async def _serve_all(ready: Connection, mix: Mix) -> None:
    from aiohttp import web

    chance = random.Random(7)
    versions: dict[str, int] = {}
    asked: Counter[str] = Counter()

    async def feed(request: web.Request) -> web.StreamResponse:
        name = request.match_info["number"]
        is_kind, asked[name] = kind(int(name)), asked[name] + 1
        await asyncio.sleep(chance.expovariate(1000 / mix.latency_ms))
        if is_kind == "slow":
            await asyncio.sleep(_SLOW_S)
        elif is_kind == "silent" and asked[name] % 2 == 0:
            await asyncio.sleep(_STALL_S)
        elif is_kind == "broken" and asked[name] % 2 == 0:
            return web.Response(status=chance.choice((500, 502, 503, 404)))
        if chance.random() < mix.news or name not in versions:
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
