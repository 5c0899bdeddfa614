"""Tells open pages that something has changed."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from serving.asking import Parts
from serving.console.routes.frame import seen_by
from serving.services import KINDS, Services
from serving.streams import Wish

HEARTBEAT_S = 10.0

router = APIRouter(include_in_schema=False)


@router.get("/console/events", dependencies=[Depends(seen_by)])
async def events(services: Parts) -> Response:
    """Tells that something changed; what, the page fetches."""
    return StreamingResponse(
        _changes(services),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(services: Services) -> AsyncIterator[bytes]:
    wish = Wish(kinds=frozenset(KINDS.values()))
    subscriber, _ = services.hub.subscribe(wish, None)
    try:
        yield b"retry: 1000\nevent: hello\ndata: -\n\n"
        while subscriber.dropped is None:
            taken = await subscriber.take(HEARTBEAT_S)
            yield b"event: changed\ndata: -\n\n" if taken else b"event: alive\ndata: -\n\n"
    finally:
        services.hub.unsubscribe(subscriber)
