"""Alerts to subscribers: webhooks and mail, each state of an alert once, tried until it is dead.

What is to be delivered is in the database before anything is sent, and each try is claimed there:
two servers, or one that starts again, do not tell anyone twice. Each subscriber has a task of its
own: one that is slow delays nobody else.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select, update

from schemas.alert import Alert
from schemas.errors import ServiceError
from serving import messages, signing, tables
from serving.channels import NO_MAIL, Channel, NotDelivered, Subscription, check_target
from serving.errors import BadTarget, NotFound
from serving.history import History
from serving.messages import Kind
from serving.metrics import Metrics
from serving.settings import ServeSettings
from serving.streams import Wish

log = logging.getLogger(__name__)

FRESH_MS = 60 * 60_000
"""An alert that was raised longer ago is told to nobody: the server was away too long."""

_AT_ONCE = 50
"""Deliveries looked at in one go."""
_LOOK_AGAIN_S = 1.0
_REREAD_S = 5.0
"""Subscriptions that the command line or another server has made or ended are known so soon."""
_LONGEST_PAUSE_S = 3600.0


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
            raise BadTarget(NO_MAIL)
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
            raise NotDelivered(NO_MAIL)
        await channel.tell(subscription, messages.test_alert(self._clock()))

    async def alerts(self, alerts: Sequence[Alert]) -> None:
        """States of alerts that have just come: write down who is to be told.

        Who was told of an alert is told how it goes on, whatever its score falls to.
        """
        now_ms = self._clock()
        fresh = [alert for alert in alerts if alert.raised_ms >= now_ms - FRESH_MS]
        if not (fresh and self._subscriptions):
            return
        following = await self._following(fresh)
        rows = []
        for alert in fresh:
            for subscription in self._subscriptions.values():
                if alert.raised_ms < subscription.created_ms:
                    continue
                pair = (subscription.id, alert.alert_id)
                if pair not in following and not subscription.wish.takes("alert", alert):
                    continue
                following.add(pair)
                rows.append(
                    {
                        "subscription_id": subscription.id,
                        "alert_id": alert.alert_id,
                        "sequence": alert.sequence,
                        "state": "waiting",
                        "attempts": 0,
                        "next_ms": now_ms,
                        "created_ms": now_ms,
                    }
                )
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

    async def _following(self, alerts: Sequence[Alert]) -> set[tuple[str, str]]:
        """Subscriptions with the alerts that they were told of before."""
        found = tables.deliveries.c
        told = select(found.subscription_id, found.alert_id).where(
            found.alert_id.in_({alert.alert_id for alert in alerts})
        )
        rows = await self._history.rows(told.distinct())
        return {(row["subscription_id"], row["alert_id"]) for row in rows}

    async def _due(self) -> list[str]:
        """Subscribers for whom something waits; none while the database is away."""
        if not self._subscriptions:
            return []
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
