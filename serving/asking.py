"""Dependencies of the handlers: who asks, and what they may."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from serving.access import CSRF_HEADER, Visitor, require_csrf
from serving.services import Services, services_of
from serving.settings import Role

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def address_of(connection: HTTPConnection) -> str:
    """The address a request comes from; uvicorn has read the trusted proxies' headers."""
    return connection.client.host if connection.client else ""


async def visitor_of(connection: HTTPConnection) -> Visitor:
    """Who sent a request, within the rate; a change by cookie has shown its token.

    Raises Denied, Forbidden or TooOften.
    """
    services = services_of(connection)
    visitor = await services.admit(connection.headers, connection.cookies, address_of(connection))
    if connection.scope["type"] == "http" and connection.scope["method"] not in _SAFE:
        require_csrf(visitor, connection.headers.get(CSRF_HEADER))
    connection.scope["visitor"] = visitor.name
    return visitor


async def reader(visitor: Annotated[Visitor, Depends(visitor_of)]) -> Visitor:
    """Anyone whom we know."""
    return visitor


async def editor(visitor: Annotated[Visitor, Depends(visitor_of)]) -> Visitor:
    """An editor or admin. Raises Forbidden."""
    visitor.require(Role.EDITOR)
    return visitor


async def admin(visitor: Annotated[Visitor, Depends(visitor_of)]) -> Visitor:
    """An admin. Raises Forbidden."""
    visitor.require(Role.ADMIN)
    return visitor


async def services_for(connection: HTTPConnection) -> Services:
    """The services of the application. FastAPI would give a plain function a thread, each time."""
    return services_of(connection)


Reader = Annotated[Visitor, Depends(reader)]
Editor = Annotated[Visitor, Depends(editor)]
Admin = Annotated[Visitor, Depends(admin)]
Parts = Annotated[Services, Depends(services_for)]
