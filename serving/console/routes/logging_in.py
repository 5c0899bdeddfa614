"""Sessions by a key or by a link that works once."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from serving.access import COOKIE, CSRF_HEADER, Visitor, require_csrf
from serving.asking import Parts, address_of
from serving.console import pages
from serving.console.actions import FormError
from serving.console.routes.frame import Chosen, Seen, form_of, sentence
from serving.errors import Denied, TooOften
from serving.routes.login import LOGINS_PER_MINUTE, set_cookie
from serving.services import Services

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login_page(request: Request, next: Chosen = "") -> Response:
    """A form for an API key."""
    return _login(request, back=next)


@router.post("/login")
async def log_in_by_key(request: Request, services: Parts) -> Response:
    """A session for whoever has an API key."""
    form = await form_of(request)
    back = form.text("next") or ""
    try:
        services.limits.take(f"login {address_of(request)}", LOGINS_PER_MINUTE)
        known = await services.access.bearer(form.required("key", "the key"))
    except (Denied, FormError, TooOften) as error:
        return _login(request, str(error), back=back, status=401)
    session, visitor = await services.access.open_session(known.name, known.role)
    return await _logged_in(request, services, session, visitor, back)


@router.get("/login/{token}")
async def link_page(request: Request, token: str) -> Response:
    """A button: whoever only looks at the link, a mail scanner for one, does not use it up."""
    return _login(request, token=token)


@router.post("/login/{token}")
async def log_in_by_link(request: Request, services: Parts, token: str) -> Response:
    """Use a link up."""
    try:
        services.limits.take(f"login {address_of(request)}", LOGINS_PER_MINUTE)
        session, visitor = await services.access.log_in(token)
    except (Denied, TooOften) as error:
        return _login(request, str(error), status=401)
    return await _logged_in(request, services, session, visitor, "")


@router.post("/logout")
async def log_out(request: Request, services: Parts, visitor: Seen) -> Response:
    """End the session."""
    form = await form_of(request)
    require_csrf(visitor, request.headers.get(CSRF_HEADER) or form.text("csrf"))
    await services.access.log_out(request.cookies.get(COOKIE, ""))
    await services.act(visitor, "log_out", "console", "done", "", request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


async def _logged_in(
    request: Request, services: Services, session: Any, visitor: Visitor, back: str
) -> Response:
    await services.act(visitor, "log_in", "console", "done", "", request)
    answer = RedirectResponse(back if _is_ours(back) else "/console", 303)
    set_cookie(answer, session, secure=services.settings.is_https)
    return answer


def _is_ours(path: str) -> bool:
    """Whether a path leads to the console, and nowhere else.

    >>> _is_ours("/console?open=s1"), _is_ours("//evil.example/console"), _is_ours("/login")
    (True, False, False)
    """
    return path == "/console" or path.startswith(("/console/", "/console?"))


def _login(
    request: Request, trouble: str = "", token: str = "", back: str = "", status: int = 200
) -> Response:
    context: Mapping[str, Any] = {
        "trouble": sentence(trouble) if trouble else "",
        "token": token,
        "back": back,
        "waiting": 0,
        "queued": 0,
        "troubles": [],
    }
    return pages.page(request, "login.html", None, context, status)
