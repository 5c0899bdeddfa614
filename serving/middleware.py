"""Around every request: an id, a line in the log, a measurement, limits and headers."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics
from serving.problems import problem

access_log = logging.getLogger("serving.access")

REQUEST_ID = "x-request-id"
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; media-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer; the console's pages hold to them."""

_HSTS = "max-age=31536000"


class TooLarge(HTTPException):
    """A request's body is larger than its path takes."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"at most {most:,} bytes are taken here")


class Envelope:
    """Pure ASGI: answers stream through untouched."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body: int,
        max_push: int,
        push_path: str,
        is_https: bool,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body = max_body
        self._max_push = max_push
        self._push_path = push_path
        self._headers = HEADERS | ({"Strict-Transport-Security": _HSTS} if is_https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _SOUND_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = request_id
        started_s = time.perf_counter()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(MutableHeaders(scope=message), request_id)
            await send(message)

        most = self._max_push if scope["path"] == self._push_path else self._max_body
        length = headers.get("content-length", "0")
        try:
            if not length.isdigit() or int(length) > most:
                raise TooLarge(most)
            await self._app(scope, _bounded(receive, most), send_on)
        except TooLarge as error:
            if status == 0:
                answer = problem(error.status_code, error.detail, request_id)
                await answer(scope, receive, send_on)
        finally:
            self._note(scope, status, time.perf_counter() - started_s)

    def _complete(self, answer: MutableHeaders, request_id: str) -> None:
        """Add what every answer has."""
        answer[REQUEST_ID] = request_id
        for name, value in self._headers.items():
            answer.setdefault(name, value)
        answer.setdefault("Cache-Control", "no-store")

    def _note(self, scope: Scope, status: int, spent_s: float) -> None:
        """Count and log an answer."""
        method, path = scope["method"], scope["path"]
        route = getattr(scope.get("route"), "path", "unrouted")
        self._metrics.answered(method, route, status, spent_s)
        access_log.info(
            "%s %s %d",
            method,
            path,
            status,
            extra={
                "request_id": scope["request_id"],
                "method": method,
                "path": path,
                "status": status,
                "ms": round(spent_s * 1000, 2),
                "address": (scope.get("client") or ("",))[0],
                "who": scope.get("visitor", ""),
            },
        )


def _bounded(receive: Receive, most: int) -> Receive:
    """Receive, until more came than is taken."""
    seen = 0

    async def receive_on() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise TooLarge(most)
        return message

    return receive_on
