"""Who is asking, and the cookie of a session; the pages for logging in are the console's."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from serving.access import COOKIE, Session
from serving.asking import Reader

router = APIRouter(tags=["login"])

LOGINS_PER_MINUTE = 20
"""Attempts from one address."""


class Me(BaseModel):
    """Who is asking; `csrf` goes into the header X-CSRF-Token of every change."""

    name: str
    role: str
    via: str
    csrf: str | None


@router.get("/v1/me")
async def me(visitor: Reader) -> Me:
    """Who the server takes you for."""
    return Me(name=visitor.name, role=visitor.role, via=visitor.via, csrf=visitor.csrf)


def set_cookie(answer: Response, session: Session, *, secure: bool) -> None:
    """The session's cookie: no script reads it, and no other site's form sends it.

    Lax, so that a link in a mail opens the console; every change shows the session's token besides.
    """
    answer.set_cookie(
        COOKIE,
        session.token,
        expires=session.expires_at,
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )
