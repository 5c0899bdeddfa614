"""Subscriptions of sources at their hubs; `websub` has the rules."""

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import asdict

from ingest import websub
from ingest.counts import Counts
from ingest.failures import FetchError
from ingest.state import State
from ingest.web import Web
from ingest.websub import Subscription, WebSubSettings

log = logging.getLogger("wiredesk.ingest")


class Hubs:
    """Who tells us when which source has something new: `websub.Subscriber`.

    settings  how hubs reach us; None where they do not: then nobody is asked to
    ask       asks a source at once
    """

    def __init__(
        self,
        settings: WebSubSettings | None,
        *,
        web: Web,
        state: State,
        counts: Counts,
        clock: Callable[[], int],
        ask: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._web = web
        self._state = state
        self._counts = counts
        self._clock = clock
        self._ask = ask
        self._subscriptions = {
            source: Subscription(**kept) for source, kept in state.subscriptions().items()
        }
        self._asking: set[asyncio.Task[None]] = set()

    def subscription_of(self, token: str) -> tuple[str, Subscription] | None:
        """The source and subscription that a callback's address belongs to."""
        for source, subscription in self._subscriptions.items():
            if hmac.compare_digest(subscription.token.encode(), token.encode()):
                return source, subscription
        return None

    def keep_subscription(self, source: str, subscription: Subscription) -> None:
        """A source's subscription from now on."""
        self._subscriptions[source] = subscription
        self._state.keep_subscription(source, asdict(subscription))

    def ask_now(self, source: str) -> None:
        """A hub says that there is something new."""
        self._counts.told += 1
        self._ask(source)

    def now_ms(self) -> int:
        """The clock."""
        return self._clock()

    def tell_of(self, source: str) -> bool:
        """Whether a hub tells us when a source has something new."""
        subscription = self._subscriptions.get(source)
        if self._settings is None or subscription is None:
            return False
        return subscription.holds(self._clock())

    def subscribe(self, source: str, hub: str, topic: str) -> None:
        """Ask a source's hub, if it has one and it is time to."""
        if self._settings is None:
            return
        wanted = websub.renewed(self._subscriptions.get(source), hub, topic, self._clock())
        if wanted is not None:
            self.keep_subscription(source, wanted)
            task = asyncio.create_task(self._ask_hub(source, wanted, self._settings))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def cancel(self) -> list[asyncio.Task[None]]:
        """End what is under way; it is asked again after `websub.RETRY_MS`."""
        for task in self._asking:
            task.cancel()
        return list(self._asking)

    async def _ask_hub(self, source: str, wanted: Subscription, settings: WebSubSettings) -> None:
        try:
            await self._web.post(wanted.hub, websub.form(wanted, settings))
        except FetchError as error:
            self._counts.failed[f"hub_{error.reason}"] += 1
            log.warning("%s: its hub: %s", source, error)
