"""gRPC beside HTTP: the same services, the same keys."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import orjson
from google.protobuf.json_format import ParseDict

from schemas.errors import InferenceError, ServiceError
from serving.analysis import article_of
from serving.errors import Refusal
from serving.proto import wiredesk_pb2 as proto
from serving.proto import wiredesk_pb2_grpc as stubs
from serving.services import Services
from serving.streams import DROPPED, RESET, Wish, wish

log = logging.getLogger(__name__)

_READY = "ready"
_ALERT = "alert"
_CODES: Mapping[int, grpc.StatusCode] = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


class WiredeskServicer(stubs.WiredeskServicer):
    """Analyze and Alerts, as serving/proto/wiredesk.proto describes them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def Analyze(  # noqa: N802  gRPC's names
        self, request: Any, context: grpc.aio.ServicerContext
    ) -> Any:
        """The enriched record of a text."""
        services = self._services
        async with _refusals(context):
            await self._admit(context)
            now_ms = services.now_ms()
            article = article_of(
                title=request.title,
                body=request.body,
                article_id=request.article_id or None,
                url=request.url,
                source=request.source or None,
                published_ms=request.published_ms or now_ms,
                now_ms=now_ms,
            )
            found = await services.models().analyze(article, now_ms=now_ms)
            return _message(found.model_dump(), proto.EnrichedArticle())

    async def Alerts(  # noqa: N802
        self, request: Any, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Any]:
        """Alerts as they change."""
        services = self._services
        async with _refusals(context):
            await self._admit(context)
            services.require_room()
            wanted = wish(
                [_ALERT], request.desks, request.languages, request.entities, request.min_score
            )
            async for event in self._events(wanted, request.last_id or None):
                yield event

    async def _events(self, wanted: Wish, last_id: str | None) -> AsyncIterator[Any]:
        services, beat_s = self._services, self._services.settings.heartbeat_s
        while not await services.caught_up(beat_s):
            continue
        subscriber, lost = services.hub.subscribe(wanted, last_id)
        try:
            if lost or last_id is None:
                kind = RESET if lost else _READY
                yield proto.AlertEvent(id=services.hub.cursor, kind=kind)
            while True:
                events = await subscriber.take(beat_s)
                for event in events:
                    alert = _message(orjson.loads(event.body), proto.Alert())
                    yield proto.AlertEvent(id=event.cursor, kind=_ALERT, alert=alert)
                if not events and subscriber.dropped:
                    yield proto.AlertEvent(kind=DROPPED, reason=subscriber.dropped)
                    return
        finally:
            services.hub.unsubscribe(subscriber)

    async def _admit(self, context: grpc.aio.ServicerContext) -> None:
        """Raises Refusal unless the caller has a key, within its rate."""
        headers = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
        await self._services.admit(headers, {}, context.peer().rpartition(":")[0])


@asynccontextmanager
async def grpc_beside(services: Services) -> AsyncIterator[int]:
    """gRPC on the port of the settings; the port it got. Raises ServiceError."""
    settings = services.settings
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_body_kib * 1024),
            ("grpc.so_reuseport", 0),
        ]
    )
    stubs.add_WiredeskServicer_to_server(WiredeskServicer(services), server)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    place = f"{host}:{settings.grpc_port}"
    try:
        if settings.tls_key_file is None or settings.tls_certificate_file is None:
            port = server.add_insecure_port(place)
        else:
            pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
            port = server.add_secure_port(place, grpc.ssl_server_credentials([pair]))
    except (RuntimeError, OSError) as error:
        raise ServiceError(f"gRPC cannot be served on {place}: {error}") from error
    await server.start()
    log.info("gRPC on %s:%d", host, port)
    try:
        yield port
    finally:
        await server.stop(grace=settings.shutdown_s)


@asynccontextmanager
async def _refusals(context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
    """Turns what REST says with a status into gRPC's codes."""
    try:
        yield
    except Refusal as error:
        await context.abort(_CODES.get(error.status, grpc.StatusCode.UNKNOWN), str(error))
    except InferenceError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.detail)
    except ServiceError as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))


def _message(fields: Mapping[str, Any], message: Any) -> Any:
    """The message with the fields of a record; bytes are set as they are."""
    octets = {name: value for name, value in fields.items() if isinstance(value, bytes)}
    ParseDict({k: v for k, v in fields.items() if k not in octets and v is not None}, message)
    for name, value in octets.items():
        setattr(message, name, value)
    return message
