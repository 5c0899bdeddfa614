"""Ways to tell someone of an alert: webhooks, Slack, Teams, mail."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import aiosmtplib

from ingest import guard
from ingest.resolver import GuardedResolver
from schemas.alert import Alert
from serving import messages, signing
from serving.errors import BadTarget
from serving.messages import Kind
from serving.settings import ServeSettings, SmtpSecurity
from serving.streams import Wish

AT_ONCE = 50
"""Connections to subscribers, of all of them together."""

_ENOUGH = 500
"""Of an error, in characters."""


class NotDelivered(Exception):
    """A try has failed; `gone` when the subscriber wants no more."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why[:_ENOUGH])
        self.gone = gone


@dataclass(frozen=True)
class Subscription:
    """Who is told of which alerts, and where."""

    id: str
    kind: Kind
    target: str
    secret: str | None
    wish: Wish
    created_ms: int


class Channel(Protocol):
    """A way to tell someone."""

    async def tell(self, subscription: Subscription, alert: Alert) -> None:
        """Raises NotDelivered."""


class Webhooks:
    """POST to an address, never to a private one, never after a redirect."""

    def __init__(
        self, settings: ServeSettings, console: str, session: aiohttp.ClientSession
    ) -> None:
        self._allow_private = settings.webhook_private
        self._console = console
        self._session = session

    async def tell(self, subscription: Subscription, alert: Alert) -> None:
        """Raises NotDelivered."""
        if not self._allow_private:
            require_public_literal(subscription.target)
        content = _BODIES[subscription.kind](alert, self._console)
        body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json"}
        if subscription.secret:
            message_id = messages.message_id(subscription.id, alert)
            headers |= signing.headers(
                subscription.secret, message_id, body, now_s=round(time.time())
            )
        try:
            async with self._session.post(
                subscription.target, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except guard.Refused as error:
            raise NotDelivered(_PRIVATE) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(str(error) or type(error).__name__) from error
        if not 200 <= status < 300:
            raise NotDelivered(f"answered with status {status}", gone=status == 410)


class Mail:
    """Mail by SMTP."""

    def __init__(self, settings: ServeSettings, console: str) -> None:
        self._settings = settings
        self._console = console

    async def tell(self, subscription: Subscription, alert: Alert) -> None:
        """Raises NotDelivered."""
        s = self._settings
        mail = messages.as_mail(
            alert,
            self._console,
            sender=s.smtp_from,
            to=subscription.target,
            known_as=messages.message_id(subscription.id, alert),
        )
        try:
            await aiosmtplib.send(
                mail,
                hostname=s.smtp_host,
                port=s.smtp_port,
                username=s.smtp_username,
                password=s.secret("smtp_password"),
                use_tls=s.smtp_security is SmtpSecurity.TLS,
                start_tls=s.smtp_security is SmtpSecurity.STARTTLS,
                timeout=s.webhook_timeout_s,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotDelivered(str(error) or type(error).__name__) from error


@asynccontextmanager
async def channels(settings: ServeSettings, console: str) -> AsyncIterator[dict[Kind, Channel]]:
    """The ways to tell someone that the settings allow."""
    connector = aiohttp.TCPConnector(
        limit=AT_ONCE,
        resolver=GuardedResolver(allow_private=settings.webhook_private),
        force_close=True,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=settings.webhook_timeout_s),
        headers={"User-Agent": "Wiredesk"},
        trust_env=False,
    ) as session:
        webhooks = Webhooks(settings, console, session)
        found: dict[Kind, Channel] = dict.fromkeys(_BODIES, webhooks)
        if settings.smtp_host:
            found["mail"] = Mail(settings, console)
        yield found


def check_target(kind: Kind, target: str) -> None:
    """Raises BadTarget for what is no place of its kind."""
    if kind == "mail":
        name, at, host = target.rpartition("@")
        if not (name and at and "." in host) or messages.one_line(target).split() != [target]:
            raise BadTarget(f"{target[:100]!r} is no address of mail")
        return
    if messages.web_address(target) != target or not target.startswith(("https://", "http://")):
        raise BadTarget(f"{target[:100]!r} is no address of the web")


def require_public_literal(target: str) -> None:
    """Raises NotDelivered for an address that is written as a private one; names are resolved
    by the guarded resolver.
    """
    address = guard.literal(urlsplit(target).hostname or "")
    if address and not guard.is_public(address):
        raise NotDelivered(_PRIVATE)


NO_MAIL = "mail is not set up here: smtp_host is not set"
_PRIVATE = "it is a private address; webhook_private lets it be called"

_BODIES: Mapping[Kind, Callable[[Alert, str], dict[str, Any]]] = {
    "webhook": messages.as_webhook,
    "slack": messages.as_slack,
    "teams": messages.as_teams,
}
