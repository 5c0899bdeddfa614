"""What is said when a request cannot be answered: RFC 9457, never a stack trace."""

import logging
import math
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.errors import ServiceError
from serving.errors import Denied, Refusal, TooOften, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY = {"Retry-After": "5"}


def problem(
    status: int, detail: str, request_id: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An answer that says what is wrong."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Turn the exceptions of handlers into problems."""

    @app.exception_handler(Refusal)
    async def refusal(request: Request, error: Refusal) -> JSONResponse:
        return problem(error.status, str(error), _id(request), _headers(error))

    @app.exception_handler(ServiceError)
    async def away(request: Request, error: ServiceError) -> JSONResponse:
        return problem(503, str(error), _id(request), _RETRY)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(422, f"{where}: {first['msg']}", _id(request))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, str(error.detail), _id(request), headers)

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        log.error("a defect answered %s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "the server has a defect; its log tells", _id(request))


def _headers(error: Refusal) -> dict[str, str] | None:
    match error:
        case Denied():
            return {"WWW-Authenticate": "Bearer"}
        case TooOften():
            return {"Retry-After": str(math.ceil(error.wait_s))}
        case Unavailable():
            return _RETRY
        case _:
            return None


def _id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))
