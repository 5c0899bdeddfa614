"""Alerts to subscribers: webhooks and mail, each state of an alert once, tried until it is dead.

What is to be delivered is in the database before anything is sent, and each try is claimed there:
two servers, or one that starts again, do not tell anyone twice. Each subscriber has a task of its
own: one that is slow delays nobody else.
"""

import asyncio
import json
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import aiosmtplib
from sqlalchemy import select, update

from ingest import guard
from ingest.web import GuardedResolver
from schemas.alert import Alert
from schemas.errors import ServiceError
from serving import messages, signing, tables
from serving.errors import BadTarget, NotFound
from serving.history import History
from serving.messages import Kind
from serving.metrics import Metrics
from serving.settings import ServeSettings, SmtpSecurity
from serving.streams import Wish

log = logging.getLogger(__name__)

FRESH_MS = 60 * 60_000
"""An alert that was raised longer ago is told to nobody: the server was away too long."""

_AT_ONCE = 50
_LOOK_AGAIN_S = 1.0
_REREAD_S = 5.0
"""Subscriptions that the command line or another server has made or ended are known so soon."""
_LONGEST_PAUSE_S = 3600.0
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


class Deliveries:
    """The subscriptions, what waits for them, and the tasks that deliver it."""

    def __init__(
        self,
        history: History,
        channels: Mapping[Kind, Channel],
        settings: ServeSettings,
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        self._history = history
        self._channels = channels
        self._attempts = settings.webhook_attempts
        self._first_retry_s = settings.webhook_first_retry_s
        self._claim_ms = round(settings.webhook_timeout_s * 3000)
        self._metrics = metrics
        self._clock = clock
        self._subscriptions: dict[str, Subscription] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._closing = False

    async def open(self) -> None:
        """Read the subscriptions. Raises ServiceError."""
        subscriptions = tables.subscriptions
        rows = await self._history.rows(
            select(subscriptions).where(subscriptions.c.ended_ms.is_(None))
        )
        self._subscriptions = {row["id"]: _subscription(row) for row in rows}

    def all(self) -> list[Subscription]:
        """The subscriptions, the oldest first."""
        return sorted(self._subscriptions.values(), key=lambda s: s.created_ms)

    async def subscribe(self, kind: Kind, target: str, wish: Wish, *, by: str) -> Subscription:
        """A new subscription; a webhook's secret is made here. Raises BadTarget."""
        if kind not in self._channels:
            raise BadTarget(_NO_MAIL)
        check_target(kind, target)
        made = Subscription(
            id=secrets.token_hex(8),
            kind=kind,
            target=target,
            secret=signing.new_secret() if kind == "webhook" else None,
            wish=wish,
            created_ms=self._clock(),
        )
        row = asdict(made) | {"wish": _as_json(wish), "created_by": by, "ended_ms": None}
        await self._history.add(tables.subscriptions, [row])
        self._subscriptions[made.id] = made
        return made

    async def unsubscribe(self, subscription_id: str) -> bool:
        """End a subscription; whether there was one."""
        if self._subscriptions.pop(subscription_id, None) is None:
            return False
        await self._set(tables.subscriptions, subscription_id, ended_ms=self._clock())
        return True

    async def test(self, subscription_id: str) -> None:
        """Tell a subscriber of an alert that says that it is none; once, and at once.

        Raises NotFound, or NotDelivered.
        """
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None:
            raise NotFound(f"there is no subscription {subscription_id}")
        if (channel := self._channels.get(subscription.kind)) is None:
            raise NotDelivered(_NO_MAIL)
        await channel.tell(subscription, messages.test_alert(self._clock()))

    async def alerts(self, alerts: Sequence[Alert]) -> None:
        """States of alerts that have just come: write down who is to be told."""
        now_ms = self._clock()
        rows = [
            {
                "subscription_id": subscription.id,
                "alert_id": alert.alert_id,
                "sequence": alert.sequence,
                "state": "waiting",
                "attempts": 0,
                "next_ms": now_ms,
                "created_ms": now_ms,
            }
            for alert in alerts
            for subscription in self._subscriptions.values()
            if alert.raised_ms >= max(now_ms - FRESH_MS, subscription.created_ms)
            and subscription.wish.takes("alert", alert)
        ]
        await self._history.add(tables.deliveries, rows)
        if rows:
            self._woken.set()

    def close(self) -> None:
        """Begin nothing more; `run` ends after the tries that are under way."""
        self._closing = True
        self._woken.set()

    async def run(self) -> None:
        """Deliver what waits, until `close`."""
        read_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            while not self._closing:
                if time.monotonic() - read_s > _REREAD_S:
                    read_s = time.monotonic()
                    await self._reread()
                for subscription_id in await self._due():
                    subscription = self._subscriptions.get(subscription_id)
                    if subscription is not None and subscription_id not in self._busy:
                        task = tasks.create_task(self._work_off(subscription))
                        self._busy[subscription_id] = task
                try:
                    async with asyncio.timeout(_LOOK_AGAIN_S):
                        await self._woken.wait()
                except TimeoutError:
                    continue
                self._woken.clear()

    async def shown(self, subscription_id: str, limit: int) -> list[dict[str, Any]]:
        """What was and is to be delivered to a subscription, the newest first."""
        found = tables.deliveries
        return await self._history.rows(
            select(found)
            .where(found.c.subscription_id == subscription_id)
            .order_by(found.c.id.desc())
            .limit(limit)
        )

    async def revive(self, delivery_id: int) -> bool:
        """Try a dead one again; whether it was dead."""
        found = tables.deliveries
        async with self._history.transaction() as connection:
            done = await connection.execute(
                update(found)
                .where(found.c.id == delivery_id, found.c.state == "dead")
                .values(state="waiting", attempts=0, next_ms=self._clock(), ended_ms=None)
            )
        self._woken.set()
        return bool(done.rowcount)

    async def _reread(self) -> None:
        """The subscriptions as the database has them now; as they were while it is away."""
        try:
            await self.open()
        except ServiceError as error:
            log.error("subscriptions are not read: %s", error)

    async def _due(self) -> list[str]:
        """Subscribers for whom something waits; none while the database is away."""
        found = tables.deliveries
        query = (
            select(found.c.subscription_id)
            .where(found.c.state == "waiting", found.c.next_ms <= self._clock())
            .distinct()
            .limit(_AT_ONCE)
        )
        try:
            return [row["subscription_id"] for row in await self._history.rows(query)]
        except ServiceError as error:
            log.error("nothing is delivered: %s", error)
            return []

    async def _work_off(self, subscription: Subscription) -> None:
        """Deliver all that is due to one subscriber, the oldest first."""
        found = tables.deliveries
        try:
            rows = await self._history.rows(
                select(found)
                .where(
                    found.c.subscription_id == subscription.id,
                    found.c.state == "waiting",
                    found.c.next_ms <= self._clock(),
                )
                .order_by(found.c.id)
                .limit(_AT_ONCE)
            )
            for row in rows:
                if not self._closing and await self._claim(row):
                    await self._deliver(subscription, row)
        except ServiceError as error:  # the claim runs out, then it is tried again
            log.error("a delivery to %s was not written down: %s", subscription.id, error)
        finally:
            self._busy.pop(subscription.id, None)

    async def _claim(self, row: Mapping[str, Any]) -> bool:
        """Keep others from the same try; whether it is ours."""
        found = tables.deliveries
        async with self._history.transaction() as connection:
            done = await connection.execute(
                update(found)
                .where(
                    found.c.id == row["id"],
                    found.c.state == "waiting",
                    found.c.next_ms == row["next_ms"],
                )
                .values(next_ms=self._clock() + self._claim_ms)
            )
        return bool(done.rowcount)

    async def _deliver(self, subscription: Subscription, row: Mapping[str, Any]) -> None:
        attempts = row["attempts"] + 1
        states = await self._history.alert_states(row["alert_id"])
        alert = next((a for a in states if a.sequence == row["sequence"]), None)
        try:
            if alert is None:
                raise NotDelivered("the history has forgotten the alert")
            await self._channels[subscription.kind].tell(subscription, alert)
        except NotDelivered as error:
            dead = error.gone or attempts >= self._attempts
            self._metrics.deliveries.labels(subscription.kind, "dead" if dead else "retried").inc()
            log.warning("delivery %s, try %s: %s", row["id"], attempts, error)
            await self._set(
                tables.deliveries,
                row["id"],
                state="dead" if dead else "waiting",
                attempts=attempts,
                next_ms=self._clock() + self._pause_ms(attempts),
                ended_ms=self._clock() if dead else None,
                error=str(error),
            )
            if error.gone:
                await self.unsubscribe(subscription.id)
            return
        self._metrics.deliveries.labels(subscription.kind, "delivered").inc()
        await self._set(
            tables.deliveries,
            row["id"],
            state="delivered",
            attempts=attempts,
            ended_ms=self._clock(),
            error=None,
        )

    def _pause_ms(self, attempts: int) -> int:
        """Doubled each time, with jitter: subscribers that failed together do not come back so."""
        pause_s = min(self._first_retry_s * 2.0 ** (attempts - 1), _LONGEST_PAUSE_S)
        return round(pause_s * random.uniform(0.8, 1.2) * 1000)

    async def _set(self, table: Any, row_id: Any, **values: Any) -> None:
        async with self._history.transaction() as connection:
            await connection.execute(update(table).where(table.c.id == row_id).values(**values))


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
        limit=_AT_ONCE,
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


_NO_MAIL = "mail is not set up here: smtp_host is not set"
_PRIVATE = "it is a private address; webhook_private lets it be called"

_BODIES: Mapping[Kind, Callable[[Alert, str], dict[str, Any]]] = {
    "webhook": messages.as_webhook,
    "slack": messages.as_slack,
    "teams": messages.as_teams,
}


def _subscription(row: Mapping[str, Any]) -> Subscription:
    return Subscription(
        id=row["id"],
        kind=row["kind"],
        target=row["target"],
        secret=row["secret"],
        wish=_from_json(row["wish"]),
        created_ms=row["created_ms"],
    )


def _as_json(wish: Wish) -> dict[str, Any]:
    return {
        "desks": sorted(wish.desks),
        "languages": sorted(wish.languages),
        "entities": sorted(wish.entities),
        "min_score": wish.min_score,
    }


def _from_json(found: Mapping[str, Any]) -> Wish:
    return Wish(
        kinds=frozenset({"alert"}),
        desks=frozenset(found["desks"]),
        languages=frozenset(found["languages"]),
        entities=frozenset(found["entities"]),
        min_score=found["min_score"],
    )
