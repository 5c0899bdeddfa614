"""`wiredesk bench serve`: the server under load, on a stack of its own."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from cli import topics
from cli.connection import connect
from cli.files import JsonOption, write_json
from cli.progress import phase
from local import process, reader_keys, stack, state
from local.ports import HOST, any_free
from schemas.errors import ServiceError

if TYPE_CHECKING:
    from bench.serve import Reads, Streams
    from bench.served_news import News

out = Console()

_READY_S = 120
_WARM_UP_S = 3.0


@dataclass(frozen=True)
class Serving:
    """A server at work; `start_s` and `start_cpu_s` went by until it was ready."""

    url: str
    key: str
    process: psutil.Process
    start_s: float
    start_cpu_s: float


@dataclass(frozen=True)
class Phase:
    """Answers by kind, side by side, and the server's share of a core meanwhile."""

    answers: "Mapping[str, Reads]"
    core_share: float


@dataclass(frozen=True)
class Measured:
    """Everything that was measured."""

    phases: Mapping[str, Phase]
    streams: "Streams"
    streams_core_share: float
    rss_mb: int
    start_s: float
    start_cpu_s: float


def serve(
    rate: Annotated[float, typer.Option(min=1, help="Reads a second.")] = 200,
    feeds: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share that asks for feeds.")
    ] = 0.2,
    seconds: Annotated[float, typer.Option(min=1, help="Of each kind of reading.")] = 20,
    articles: Annotated[int, typer.Option(min=500, help="Articles at hand.")] = 5_000,
    readers: Annotated[int, typer.Option(min=1, help="Readers with a profile.")] = 1_000,
    streams: Annotated[int, typer.Option(min=1, help="Event streams at once.")] = 1_000,
    alerts: Annotated[int, typer.Option(min=1, help="Alerts told to each.")] = 40,
    json_file: JsonOption = None,
) -> None:
    """Reads at a steady rate, then alerts from Kafka to open event streams.

    Made-up articles with stories, topics and entities, readers with sealed profiles. Kafka, Redis
    and the server are started for it in a folder that is removed again; a stack that runs is left
    alone. The load comes from this process, on the same cores.
    """
    from bench import served_news

    with _own_stack() as running:
        assert running.kafka
        assert running.redis
        with phase(f"{articles:,} articles, {readers:,} readers"):
            topics.apply(connect(running.kafka))
            found = served_news.news(articles, readers)
            served_news.publish(running.kafka, found)
            served_news.store(
                f"redis://{running.redis}", found, reader_keys.profiles_file(running.state_dir)
            )
        with _server(running) as serving:
            measured = asyncio.run(
                _measure(
                    serving,
                    running.kafka,
                    found,
                    loads={
                        "articles": {"articles": rate},
                        "feeds": {"feeds": feeds * rate},
                        "both": {"articles": (1 - feeds) * rate, "feeds": feeds * rate},
                    },
                    seconds=seconds,
                    streams=streams,
                    alerts=alerts,
                )
            )
    _show(measured)
    write_json(json_file, asdict(measured))


async def _measure(
    serving: Serving,
    kafka: str,
    found: "News",
    *,
    loads: Mapping[str, Mapping[str, float]],
    seconds: float,
    streams: int,
    alerts: int,
) -> Measured:
    """Every figure of one run; `loads` holds requests a second by kind of answer."""
    from bench import serve as measure

    paths = {
        "articles": [f"/v1/articles/{article.article_id}" for article in found.articles],
        "feeds": [f"/v1/feed/{user}" for user in found.users],
    }
    phases: dict[str, Phase] = {}
    async with measure.connected(serving.url, serving.key) as session:

        async def read(load: Mapping[str, float], read_s: float) -> "dict[str, Reads]":
            asked = [
                measure.reads(session, paths[kind], rate=rate, seconds=read_s)
                for kind, rate in load.items()
            ]
            return dict(zip(load, await asyncio.gather(*asked), strict=True))

        for name, load in loads.items():
            told = ", ".join(f"{rate:g} {kind} a second" for kind, rate in load.items())
            with phase(told):
                await read(load, _WARM_UP_S)
                with _counted(serving.process) as used:
                    answers = await read(load, seconds)
            phases[name] = Phase(answers, used.share)
        with (
            phase(f"{alerts} alerts to {streams:,} streams"),
            _counted(serving.process) as used,
        ):
            heard = await measure.streams(session, kafka, count=streams, alerts=alerts)
    memory = round(serving.process.memory_info().rss / 2**20)
    return Measured(phases, heard, used.share, memory, serving.start_s, serving.start_cpu_s)


class _Used:
    """Processor time by the clock, in shares of a core."""

    share = 0.0


@contextmanager
def _counted(process: psutil.Process) -> Iterator[_Used]:
    def cpu_s() -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    used, began_s, before_s = _Used(), time.perf_counter(), cpu_s()
    yield used
    used.share = round((cpu_s() - before_s) / (time.perf_counter() - began_s), 3)


@contextmanager
def _own_stack() -> Iterator[stack.Stack]:
    """A stack with nothing in it, gone afterwards; the jars are those that are there."""
    with tempfile.TemporaryDirectory(prefix="wiredesk-bench-") as folder:
        config = stack.StackConfig(
            state_dir=Path(folder).resolve(),
            jars_dir=state.default_dir() / "jars",
            taskmanagers=1,
        )
        with phase("starting Kafka and Redis"):
            running = stack.up(config)
        try:
            reader_keys.ensure(reader_keys.profiles_file(running.state_dir))
            yield running
        finally:
            stack.down(running.state_dir)


@contextmanager
def _server(running: stack.Stack) -> Iterator[Serving]:
    """`wiredesk serve` on the stack, as a process of its own. Raises ServiceError."""
    port = any_free(avoid=set())
    command = [str(Path(sys.executable).with_name("wiredesk")), "serve"]
    environment = os.environ | {"WIREDESK_STATE_DIR": str(running.state_dir)}
    key = subprocess.run(
        [*command, "keys", "add", "bench", "--rate", "1000000"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    log = stack.log_file(running.state_dir, "bench-serve")
    began_s = time.perf_counter()
    with log.open("w") as lines:
        started = subprocess.Popen(
            [*command, "--port", str(port), "--no-analyze"],
            env=environment,
            stdout=lines,
            stderr=lines,
        )
    ours = psutil.Process(started.pid)
    try:
        url = f"http://{HOST}:{port}"
        with phase("starting the server"):
            ready = process.wait_until(
                lambda: started.poll() is not None or _is_ready(url), timeout_s=_READY_S
            )
        if started.poll() is not None or not ready:
            told = "\n".join(stack.last_lines(log, stack.TAIL_LINES))
            raise ServiceError(f"the server did not come up; the end of its log:\n{told}")
        times = ours.cpu_times()
        yield Serving(url, key, ours, time.perf_counter() - began_s, times.user + times.system)
    finally:
        started.terminate()
        started.wait()


def _is_ready(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _show(measured: Measured) -> None:
    table = Table("measured", box=None, pad_edge=False)
    for name in ("p50 ms", "p95 ms", "p99 ms", "most ms", "how many", "server's share of a core"):
        table.add_column(name, justify="right")

    def add(name: str, found: "Reads | Streams", many: str, share: float) -> None:
        spent = found.latency
        times = (spent.p50_ms, spent.p95_ms, spent.p99_ms, spent.most_ms)
        table.add_row(name, *(f"{value:,.1f}" for value in times), many, f"{share:.0%}")

    for name, each in measured.phases.items():
        for kind, found in each.answers.items():
            label = f"{kind}, {found.rate:g}/s" + (" beside" if name == "both" else "")
            add(label, found, f"{found.requests:,}, {found.failed} failed", each.core_share)
    heard = measured.streams
    add(
        "alert to streams",
        heard,
        f"{heard.alerts} to {heard.streams:,}",
        measured.streams_core_share,
    )
    out.print(table)
    out.print(
        f"ready after {measured.start_s:.1f} s ({measured.start_cpu_s:.1f} s of processor time); "
        f"{measured.rss_mb} MiB",
        highlight=False,
    )
