"""A server without Kafka, Redis and models, and someone who may ask it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from server_parts import MemoryKafka, parts

from serving import server
from serving.app import create_app
from serving.history import History
from serving.services import Services
from serving.settings import Role

collect_ignore = ["conftest.py"]  # of several folders; the doctest collector wants one of a name


@pytest.fixture
def kafka() -> MemoryKafka:
    return MemoryKafka()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """A database with its tables: making them takes longer than a test."""
    file = tmp_path_factory.mktemp("database") / "empty.sqlite"

    async def made() -> None:
        history = History(f"sqlite:///{file}")
        await history.open()
        await history.close()

    asyncio.run(made())
    return file


@pytest.fixture
async def services(tmp_path, empty_database, kafka) -> AsyncIterator[Services]:
    file = shutil.copy(empty_database, tmp_path / "serve.sqlite")
    made = parts(f"sqlite:///{file}", kafka)
    yield made
    await made.redis.close()
    await made.history.close()


@pytest.fixture
def app(services) -> FastAPI:
    made = create_app(services.settings, services.metrics)
    made.state.services = services
    return made


@pytest.fixture
def as_role(app, services) -> Callable[[Role], Awaitable[httpx.AsyncClient]]:
    """A client with a key of a role."""

    async def made(role: Role) -> httpx.AsyncClient:
        key = await services.access.add_key(f"a {role}", role)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://server",
            headers={"authorization": f"Bearer {key}"},
        )

    return made


@pytest.fixture
async def reader(as_role) -> httpx.AsyncClient:
    return await as_role(Role.READER)


@pytest.fixture
async def editor(as_role) -> httpx.AsyncClient:
    return await as_role(Role.EDITOR)


@pytest.fixture
async def admin(as_role) -> httpx.AsyncClient:
    return await as_role(Role.ADMIN)


@pytest.fixture
async def stranger(app) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://server"
    )


@pytest.fixture
async def live(app, services) -> AsyncIterator[str]:
    """The address of the server on a real socket, in this event loop."""
    listening = server.listen(services.settings.model_copy(update={"port": 0}))
    config = uvicorn.Config(
        app,
        log_config=None,
        ws="websockets-sansio",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    running = server.Server(config, app, nullcontext(services))
    serving = asyncio.create_task(running.serve([listening]))
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        await serving
