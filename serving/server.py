"""The process: uvicorn around the application."""

import socket
import sys

import uvicorn
from fastapi import FastAPI

from schemas.errors import ServiceError
from serving.app import create_app
from serving.settings import ServeSettings

_BACKLOG = 2048
_MOST_MESSAGE = 64 * 1024
_KEEP_ALIVE_S = 75
"""Longer than proxies in front keep a connection: else one is reused while it is being closed."""
_SWITCH_S = 0.001
"""Python's threads take turns so often; with the usual 5 ms answers wait for whole rankings."""


class Server(uvicorn.Server):
    """Lets event streams end before it waits for the answers that are under way."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        services = getattr(self._app.state, "services", None)
        if services is not None:
            services.hub.close("the server is going down; come back with the last id")
        await super().shutdown(sockets)


def run(settings: ServeSettings, listening: socket.socket) -> bool:
    """Serve until SIGINT or SIGTERM; whether it ever came up."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=_MOST_MESSAGE,
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
    server = Server(config, app)
    sys.setswitchinterval(_SWITCH_S)
    server.run(sockets=[listening])
    return server.started


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
