"""What all addresses share: who looks at a page, what stands around it, a form that was sent."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from serving.access import Visitor
from serving.asking import address_of
from serving.console import decisions, moderation, pages, wall
from serving.console.actions import Form
from serving.console.decisions import Decisions
from serving.errors import Denied
from serving.services import Services, services_of

LIVE = "x-live"
"""On a request by the console's script: it wants 401, not a login page."""


class NotLoggedIn(Exception):
    """Nobody we know wants to see a page; the message says why."""


async def seen_by(request: Request) -> Visitor:
    """Who looks at a page. Raises NotLoggedIn; Denied, when the console's script asks."""
    services = services_of(request)
    try:
        visitor = await services.admit(request.headers, request.cookies, address_of(request))
    except Denied as denied:
        if LIVE in request.headers:
            raise
        raise NotLoggedIn(str(denied)) from denied
    request.scope["visitor"] = visitor.name
    return visitor


Seen = Annotated[Visitor, Depends(seen_by)]
Chosen = Annotated[str, Query(max_length=200)]


async def frame(services: Services, visitor: Visitor, decided: Decisions) -> dict[str, Any]:
    """What stands on every page: how much waits, what is away, what can be taken back."""
    standings = [wall.standing(alert, decided) for alert in services.wall.newest_alerts()]
    entries = [
        moderation.entry(item, decided.moderation.get(item.comment_id))
        for item in services.wall.moderation.values()
    ]
    troubles = [sentence(said) for said in (await services.problems()).values()]
    return {
        "waiting": sum(standing.waiting for standing in standings),
        "queued": sum(entry.state == "queued" for entry in entries),
        "troubles": troubles,
        "undo": decisions.last_to_undo(decided, visitor.name, services.now_ms()),
    }


def sentence(said: str) -> str:
    """With a capital and a full stop.

    >>> sentence("Kafka is away")
    'Kafka is away.'
    """
    return f"{said[:1].upper()}{said[1:]}".rstrip(".") + "."


async def trouble(
    request: Request, services: Services, visitor: Visitor, status: int, detail: str
) -> Response:
    """A page that says what did not work."""
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    context = await frame(services, visitor, decided) | {
        "title": "That did not work",
        "detail": sentence(detail),
    }
    return pages.page(request, "trouble.html", visitor, context, status)


async def form_of(request: Request) -> Form:
    """The form that was sent, files left out."""
    submitted = await request.form()
    fields: dict[str, list[str]] = {}
    for name, value in submitted.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
    return Form(fields)
