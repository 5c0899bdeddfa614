"""Server-sent events and WebSocket: alerts, stories and what editors do, as it happens."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Depends, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from serving.asking import Parts, reader, visitor_of
from serving.errors import Forbidden, Refusal
from serving.routes.filters import Desks, Entities, Languages, MinScore
from serving.services import Services, services_of
from serving.streams import DROPPED, RESET, Wish, notice, read_cursor, wish

router = APIRouter(prefix="/v1/streams", tags=["streams"])

Kind = Literal["alert", "story", "command", "audit", "mood", "moderation", "signal"]
Kinds = Annotated[list[Kind], Query(description="What to hear of.")]

_RETRY_MS = 2_000
_EVENT_STREAM = "text/event-stream"
_POLICY_VIOLATION, _TRY_AGAIN = 1008, 1013


@router.get(
    "",
    response_class=StreamingResponse,
    dependencies=[Depends(reader)],
    responses={200: {"content": {_EVENT_STREAM: {"schema": {"type": "string"}}}}},
)
async def events(
    services: Parts,
    kind: Kinds = ["alert", "story"],  # noqa: B006  FastAPI copies it
    desk: Desks = (),
    language: Languages = (),
    entity: Entities = (),
    min_score: MinScore = 0,
    last_event_id: Annotated[str | None, Header(max_length=2_000)] = None,
    since: Annotated[
        str | None, Query(max_length=2_000, description="As the header Last-Event-ID.")
    ] = None,
) -> StreamingResponse:
    """Server-sent events. An event's id is where to go on: send it back as Last-Event-ID.

    `reset` says that what was missed is gone: load everything anew. `dropped` comes last, to a
    subscriber that was too slow, or when the server goes down.
    """
    asked = wish(kind, desk, language, entity, min_score)
    last_id = last_event_id if last_event_id is not None else since
    _require_sound(last_id)
    services.require_room()
    return StreamingResponse(
        sse(services, asked, last_id),
        media_type=_EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def sse(services: Services, asked: Wish, last_id: str | None) -> AsyncIterator[bytes]:
    """The lines of an event stream, until the subscriber goes or is let go."""
    yield b"retry: %d\n\n" % _RETRY_MS
    beat_s = services.settings.heartbeat_s
    while not await services.caught_up(beat_s):
        yield b": the topics are being read\n\n"
    subscriber, lost = services.hub.subscribe(asked, last_id)
    try:
        if lost:
            yield notice(RESET, services.hub.cursor, reason="what was missed is no longer here")
        elif last_id is None:
            yield notice("ready", services.hub.cursor)
        while True:
            events = await subscriber.take(beat_s)
            if events:
                yield b"".join(event.sse for event in events)
            elif subscriber.dropped:
                yield notice(DROPPED, "", reason=subscriber.dropped).partition(b"\n")[2]
                return
            else:
                yield b": still here\n\n"
    finally:
        services.hub.unsubscribe(subscriber)


async def messages(services: Services, asked: Wish, last_id: str | None) -> AsyncIterator[str]:
    """The same as JSON texts; a beat is {"event": "beat"}."""
    async for lines in sse(services, asked, last_id):
        for event in lines.decode().split("\n\n"):
            if text := as_message(event):
                yield text


@router.websocket("/ws")
async def socket(
    socket: WebSocket,
    kind: Kinds = ["alert", "story"],  # noqa: B006
    desk: Desks = (),
    language: Languages = (),
    entity: Entities = (),
    min_score: MinScore = 0,
    since: Annotated[str | None, Query(max_length=2_000)] = None,
) -> None:
    """The same events as JSON messages {"id", "event", "data"}; `since` is the last id."""
    services = services_of(socket)
    try:
        _require_same_origin(socket)
        await visitor_of(socket)
        _require_sound(since)
        services.require_room()
    except Refusal as error:
        await socket.close(_POLICY_VIOLATION, str(error)[:120])
        return
    await socket.accept()
    asked = wish(kind, desk, language, entity, min_score)
    try:
        async for message in messages(services, asked, since):
            await socket.send_text(message)
        await socket.close(_TRY_AGAIN)
    except WebSocketDisconnect:
        return


def as_message(event: str) -> str:
    """An event of a stream as JSON; a comment becomes a beat, `retry` nothing.

    >>> as_message('id: a=1\\nevent: alert\\ndata: {}'), as_message(': still here')
    ('{"id":"a=1","event":"alert","data":{}}', '{"event":"beat"}')
    """
    if event.startswith(":"):
        return '{"event":"beat"}'
    fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
    if "data" not in fields:
        return ""
    known = f'"id":{orjson.dumps(fields["id"]).decode()},' if fields.get("id") else ""
    return f'{{{known}"event":"{fields["event"]}","data":{fields["data"]}}}'


def _require_sound(last_id: str | None) -> None:
    """Raises BadCursor for what is no id of ours."""
    if last_id is not None:
        read_cursor(last_id)


def _require_same_origin(socket: WebSocket) -> None:
    """A page of another site may not listen with our cookie. Raises Forbidden."""
    origin = socket.headers.get("origin")
    if origin is None or origin in services_of(socket).settings.origins:
        return
    if urlsplit(origin).netloc != socket.headers.get("host"):
        raise Forbidden(f"pages of {origin[:100]} may not listen here")
