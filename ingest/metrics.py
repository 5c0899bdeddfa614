"""What ingest counts, as Prometheus reads it (text format 0.0.4)."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from ingest.counts import Counts
from schemas.errors import SetupError

_TOTALS = (
    "polls",
    "late_ms",
    "told",
    "unchanged",
    "entries",
    "pages",
    "articles",
    "versions",
    "delivered",
)


def exposition(counts: Counts, gauges: Mapping[str, int]) -> str:
    """Counters by name and by reason, and gauges.

    >>> print(exposition(Counts(polls=7), {"outbox": 2}).splitlines()[1])
    wiredesk_ingest_polls_total 7
    """
    lines = []
    for name in _TOTALS:
        lines += [
            f"# TYPE wiredesk_ingest_{name}_total counter",
            f"wiredesk_ingest_{name}_total {getattr(counts, name)}",
        ]
    for name, label, counted in (
        ("failures", "reason", counts.failed),
        ("faults", "kind", counts.faults),
        ("signals", "kind", counts.signals),
    ):
        lines.append(f"# TYPE wiredesk_ingest_{name}_total counter")
        lines += [
            f'wiredesk_ingest_{name}_total{{{label}="{value}"}} {number}'
            for value, number in sorted(counted.items())
        ]
    for name, value in gauges.items():
        lines += [f"# TYPE wiredesk_ingest_{name} gauge", f"wiredesk_ingest_{name} {value}"]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def served(text: Callable[[], str], port: int) -> AsyncIterator[int]:
    """Answers GET /metrics on loopback; the port, where 0 was asked for the one that was free."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            raise SetupError(f"/metrics cannot be served on port {port}: {error}") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
