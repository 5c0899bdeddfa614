"""WebSub: hubs tell us when a feed has something new (W3C Recommendation, 23 January 2018).

A hub's message makes the feed be asked at once. What the hub sends along is not read: a hub can
say when, never what. While a subscription holds, the feed is otherwise asked as seldom as its
settings allow.

| Message to our callback | Outcome |
|---|---|
| verification of what we asked for | the challenge comes back, the lease begins |
| verification of anything else, an unknown path | 404 |
| denial | the subscription ends; asked again after `RETRY_MS` |
| news with the right signature | 202, the feed is asked now |
| news with a wrong signature or none | 202, nothing else (section 8 of the specification) |
| more than `MOST_BYTES` | 413 |
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urljoin

from aiohttp import web

from schemas.errors import SetupError

RETRY_MS = 3_600_000
"""A hub that did not verify is asked again after so long."""

RENEW_BEFORE = 0.25
"""Share of the lease that is left when it is renewed."""

MOST_BYTES = 2 * 1024 * 1024

_LINK = re.compile(r"<([^>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";]*)\"?", re.I)
_HASHES = {"sha1", "sha256", "sha384", "sha512"}


@dataclass(frozen=True)
class WebSubSettings:
    """How hubs reach us.

    callback  public address that leads to `listen`, ends in /
    listen    host:port
    lease_s   what we ask for; the hub decides
    """

    callback: str
    listen: str = "127.0.0.1:8085"
    lease_s: int = 5 * 24 * 3600


@dataclass(frozen=True)
class Subscription:
    """A source's subscription.

    token     last part of the callback's address, unguessable
    until_ms  end of the lease; 0 while the hub has not verified it
    """

    hub: str
    topic: str
    token: str
    secret: str
    asked_ms: int
    verified_ms: int = 0
    until_ms: int = 0

    def holds(self, now_ms: int) -> bool:
        """Whether the hub tells us what is new."""
        return now_ms < self.until_ms


def renewed(past: Subscription | None, hub: str, topic: str, now_ms: int) -> Subscription | None:
    """The subscription to ask the hub for now; None when there is nothing to ask.

    hub, topic  as the feed names them; an empty hub: it has none
    """
    if not hub or not topic:
        return None
    if past is None or (past.hub, past.topic) != (hub, topic):
        return Subscription(hub, topic, secrets.token_urlsafe(24), secrets.token_hex(32), now_ms)
    lease_ms = past.until_ms - past.verified_ms
    due_ms = past.until_ms - RENEW_BEFORE * lease_ms if past.until_ms else 0
    if now_ms < max(due_ms, past.asked_ms + RETRY_MS):
        return None
    return replace(past, asked_ms=now_ms)


def verified(past: Subscription, lease_s: int, now_ms: int) -> Subscription:
    """After the hub's verification."""
    return replace(past, verified_ms=now_ms, until_ms=now_ms + lease_s * 1000)


def form(subscription: Subscription, settings: WebSubSettings) -> dict[str, str]:
    """What is posted to the hub."""
    return {
        "hub.mode": "subscribe",
        "hub.topic": subscription.topic,
        "hub.callback": settings.callback + subscription.token,
        "hub.secret": subscription.secret,
        "hub.lease_seconds": str(settings.lease_s),
    }


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether `X-Hub-Signature` is that of the body.

    >>> is_signed("s", b"news", "sha1=0"), is_signed("s", b"news", "md5=0")
    (False, False)
    """
    method, _, given = header.partition("=")
    if method not in _HASHES:
        return False
    expected = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())


def announced(headers: Mapping[str, str], base: str) -> tuple[str, str]:
    """Hub and topic of a Link header, each empty without.

    >>> announced({"link": '<https://hub.example/>; rel="hub", </rss>; rel=self'}, "https://a.example/x")
    ('https://hub.example/', 'https://a.example/rss')
    """
    found: dict[str, str] = {}
    for address, parameters in _LINK.findall(headers.get("link", "")):
        if match := _REL.search(parameters):
            for relation in match[1].lower().split():
                found.setdefault(relation, urljoin(base, address))
    return found.get("hub", ""), found.get("self", "")


class Subscriber(Protocol):
    """Who keeps the subscriptions; see `hubs.Hubs`."""

    def subscription_of(self, token: str) -> tuple[str, Subscription] | None: ...

    def keep_subscription(self, source: str, subscription: Subscription) -> None: ...

    def ask_now(self, source: str) -> None: ...

    def now_ms(self) -> int: ...


def callback(subscriber: Subscriber) -> web.Application:
    """The server that hubs speak to."""

    async def verification(request: web.Request) -> web.Response:
        found = subscriber.subscription_of(request.match_info["token"])
        query = request.query
        if found is None or query.get("hub.topic") != found[1].topic:
            raise web.HTTPNotFound
        source, subscription = found
        if query.get("hub.mode") == "denied":
            ended = replace(subscription, until_ms=0, asked_ms=subscriber.now_ms())
            subscriber.keep_subscription(source, ended)
            return web.Response()
        challenge, lease = query.get("hub.challenge", ""), query.get("hub.lease_seconds", "")
        if query.get("hub.mode") != "subscribe" or not challenge or not lease.isdigit():
            raise web.HTTPNotFound
        lease_s = min(int(lease), 10 * 365 * 24 * 3600)
        subscriber.keep_subscription(source, verified(subscription, lease_s, subscriber.now_ms()))
        return web.Response(text=challenge)

    async def news(request: web.Request) -> web.Response:
        found = subscriber.subscription_of(request.match_info["token"])
        if found is None:
            raise web.HTTPNotFound
        source, subscription = found
        body = await request.read()
        if is_signed(subscription.secret, body, request.headers.get("X-Hub-Signature", "")):
            subscriber.ask_now(source)
        return web.Response(status=202)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_get("/{token}", verification)
    app.router.add_post("/{token}", news)
    return app


@asynccontextmanager
async def listening(subscriber: Subscriber, settings: WebSubSettings) -> AsyncIterator[int]:
    """Answers hubs; the port, where 0 was asked for the one that was free. Raises SetupError."""
    host, _, port = settings.listen.rpartition(":")
    runner = web.AppRunner(callback(subscriber), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, int(port)).start()
        except OSError as error:
            raise SetupError(f"[websub] cannot listen on {settings.listen}: {error}") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
