"""Property tests here are not timed: the machine may be busy. Servers are real, on loopback."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ingest.mastheads import Mastheads
from ingest.run import Ingest
from ingest.state import State
from ingest.web import Web, WebSettings

collect_ignore = ["conftest.py"]  # of several folders; the doctest collector wants one of a name


QUICK = {
    "allow_private": True,
    "respect_robots": False,
    "pause_s": 0.0,
    "timeout_s": 5.0,
    "stall_s": 5.0,
}


@pytest.fixture
def quick():
    """Settings of a fetcher that may ask loopback, without pauses; keyword arguments change them."""
    return lambda **changes: WebSettings(**(QUICK | changes))


@pytest.fixture
def opened(quick, tmp_path):
    """`async with opened(sources, deliverer=…) as ingest`; its state is kept between two of them."""

    @asynccontextmanager
    async def ingest(sources, *, state=None, web_settings=None, **more):
        with state or State(tmp_path / "state.sqlite") as kept:
            async with Web(web_settings or quick()) as fetcher:
                yield Ingest(
                    sources,
                    web=fetcher,
                    state=kept,
                    mastheads=Mastheads(),
                    encode=lambda article: article.model_dump_json().encode(),
                    **more,
                )

    return ingest


class Site:
    """A server on loopback: `pages` maps a path to bytes, an answer, or a handler."""

    def __init__(self):
        self.pages = {}
        self.asked = []
        self.url = ""

    async def answer(self, request):
        self.asked.append(request)
        page = self.pages.get(request.path_qs, self.pages.get(request.path))
        if page is None:
            return web.Response(status=404)
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="application/xml")
        if callable(page):
            return await page(request)
        status, headers, body = page
        return web.Response(status=status, headers=headers, body=body)

    def paths(self):
        return [request.path for request in self.asked]


@pytest.fixture
async def serve():
    """Start servers: `site = await serve()`; another host for the same machine: `127.0.0.2`."""
    runners = []

    async def start(host="127.0.0.1"):
        site = Site()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", site.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        runners.append(runner)
        site.url = f"http://{host}:{runner.addresses[0][1]}"
        return site

    yield start
    for runner in runners:
        await runner.cleanup()
