"""The process: uvicorn around the application, with its services opened before and closed after."""

import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import uvicorn
from fastapi import FastAPI

from schemas.errors import ServiceError
from serving.app import create_app
from serving.assembly import opened
from serving.metrics import Metrics
from serving.services import Services
from serving.settings import ServeSettings

_BACKLOG = 2048
_MOST_MESSAGE = 64 * 1024
_KEEP_ALIVE_S = 75
"""Longer than proxies in front keep a connection: else one is reused while it is being closed."""
_SWITCH_S = 0.001
"""Python's threads take turns so often; with the usual 5 ms answers wait for whole rankings."""


class Server(uvicorn.Server):
    """Serves what `opening` opens; lets event streams end before it waits for answers under way.

    A service that cannot be opened is raised, as what it is, from `run`.
    """

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, opening: AbstractAsyncContextManager[Services]
    ) -> None:
        super().__init__(config)
        self._app = app
        self._opening = opening
        self._open = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.services = await self._open.enter_async_context(self._opening)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.services.hub.close("the server is going down; come back with the last id")
        await super().shutdown(sockets)
        await self._open.aclose()


def run(settings: ServeSettings, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; calls `ready` when it begins. Raises SetupError."""
    metrics = Metrics()
    app = create_app(settings, metrics)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=_MOST_MESSAGE,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=round(settings.shutdown_s),
        ssl_certfile=settings.tls_certificate_file,
        ssl_keyfile=settings.tls_key_file,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    try:
        config.load()
    except OSError as error:  # of TLS, too
        raise ServiceError(
            f"TLS cannot be served with {settings.tls_certificate_file} and "
            f"{settings.tls_key_file}: {error.strerror}"
        ) from error
    sys.setswitchinterval(_SWITCH_S)
    Server(config, app, _opened(settings, metrics, ready)).run(sockets=[listening])


@asynccontextmanager
async def _opened(
    settings: ServeSettings, metrics: Metrics, ready: Callable[[], None]
) -> AsyncIterator[Services]:
    """The services, with gRPC beside them where a port is set."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(opened(settings, metrics))
        if settings.grpc_port is not None:
            from serving.grpc_server import grpc_beside

            await stack.enter_async_context(grpc_beside(services))
        ready()
        yield services


def listen(settings: ServeSettings) -> socket.socket:
    """The socket to serve on. Raises ServiceError when the address is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise ServiceError(
            f"{settings.host}:{settings.port} cannot be served on: {error.strerror}"
        ) from error
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening
