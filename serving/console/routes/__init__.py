"""The console's addresses. Every page is whole HTML; scripts fetch the same pages again."""

from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from serving.asking import Parts
from serving.console import pages
from serving.console.routes import deciding, live, logging_in, reports, stories
from serving.console.routes.frame import NotLoggedIn, Seen, trouble

_KEPT_S = 365 * 24 * 3600

elsewhere = APIRouter(include_in_schema=False)


@elsewhere.get("/console/{path:path}")
async def no_such_page(request: Request, services: Parts, visitor: Seen) -> Response:
    """Where an address leads that is none of the console's."""
    return await trouble(request, services, visitor, 404, "There is no such page")


def mount(app: FastAPI) -> None:
    """Add the console to the application."""
    for routes in (stories, deciding, reports, live, logging_in):
        app.include_router(routes.router)
    app.mount(f"{pages.STATIC_PATH}/{pages.build()}", Kept(directory=pages.STATIC))
    app.include_router(elsewhere)
    app.add_exception_handler(NotLoggedIn, _to_login)


class Kept(StaticFiles):
    """Files whose address changes with their content: browsers may keep them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = f"public, max-age={_KEPT_S}, immutable"
            await send(message)

        await super().__call__(scope, receive, send_on)


async def _to_login(request: Request, _: Exception) -> Response:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = {"next": asked} if request.method == "GET" else {}
    return RedirectResponse(f"/login?{urlencode(back)}", 303)
