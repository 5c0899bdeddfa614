"""Polling sources: asks each when it is due, fetches pages, fills the outbox, empties it.

One source is one task, one page is one; `turns` says when, so that whatever a source does, it holds
up nobody else.
"""

import asyncio
import logging
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial

from ingest.articles import Articles
from ingest.counts import Counts
from ingest.hubs import Hubs
from ingest.mastheads import Mastheads
from ingest.outbox import Deliverer, Encode, Outbox
from ingest.pages import PageKey, Pages
from ingest.polls import Polls
from ingest.running import Running
from ingest.sources.source import SourceSettings
from ingest.state import State
from ingest.turns import K, Turn, Turns
from ingest.watch import Watched
from ingest.web import Web
from ingest.websub import WebSubSettings
from schemas.errors import SetupError, WiredeskError
from schemas.quality_signal import QualitySignal

log = logging.getLogger("wiredesk.ingest")

Clock = Callable[[], int]
"""Milliseconds since 1970."""

_SOONEST_S, _LATEST_S = 0.02, 1.0
"""Between two looks at what is due."""

_FORGET_EVERY_S = 6 * 3600.0
_AFTER_BUG_MS = 300_000


def now_ms() -> int:
    """The clock."""
    return time.time_ns() // 1_000_000


class Ingest:
    """Everything between a file of sources and Kafka.

    sources  their settings; those not enabled are left out
    encode    an article as Kafka gets it
    signal    likewise what the watch on sources raises; None where it is only logged
    hubs      how WebSub's hubs reach us; None where they do not
    """

    def __init__(
        self,
        sources: Sequence[SourceSettings],
        *,
        web: Web,
        state: State,
        mastheads: Mastheads,
        encode: Encode,
        deliverer: Deliverer,
        clock: Clock = now_ms,
        chance: Callable[[], float] = random.random,
        signal: Callable[[QualitySignal], bytes] | None = None,
        hubs: WebSubSettings | None = None,
    ) -> None:
        self._state = state
        self._clock = clock
        self._chance = chance
        self._sources: dict[str, Running] = {}
        self._poll_turns, self._page_turns = _turns(web)
        self._tasks: set[asyncio.Task[None]] = set()
        self._polling: set[str] = set()
        self._wake = asyncio.Event()
        self._broken: sqlite3.Error | None = None
        self.counts = Counts()
        self._outbox = Outbox(state, deliverer, self.counts, encode=encode, signal=signal)
        self.hubs = Hubs(
            hubs, web=web, state=state, counts=self.counts, clock=clock, ask=self._ask_now
        )
        articles = Articles(state, self._outbox, mastheads, self.counts)
        self._pages = Pages(
            self._sources,
            self._page_turns,
            web=web,
            state=state,
            articles=articles,
            counts=self.counts,
            clock=clock,
        )
        self._polls = Polls(
            web=web,
            state=state,
            articles=articles,
            pages=self._pages,
            outbox=self._outbox,
            hubs=self.hubs,
            counts=self.counts,
            clock=clock,
            chance=chance,
        )
        for settings in sources:
            if settings.enabled:
                self._add(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop; what has begun is broken off: the state still holds it."""
        async with _tasks() as group:
            group.create_task(self._outbox.deliver())
            keeping = group.create_task(self._keep_house())
            self._pages.resume()
            stopping = asyncio.create_task(stop.wait())
            try:
                while not stop.is_set():
                    self._raise_broken()
                    await self._step(stopping, poll_again=True)
            finally:
                stopping.cancel()
            await self._break_off()
            keeping.cancel()
            self._outbox.finish()

    async def run_once(self) -> None:
        """Poll each source once, fetch every page, deliver all of it."""
        async with _tasks() as group:
            group.create_task(self._outbox.deliver())
            self._pages.resume()
            for name, running in self._sources.items():
                self._poll_turns.plan(name, running.host, self._clock())
            while len(self._poll_turns) or len(self._page_turns):
                self._raise_broken()
                await self._step(poll_again=False)
            self._outbox.finish()

    def _add(self, settings: SourceSettings) -> None:
        name = settings.label
        _, rhythm, due_ms, kept = self._state.source(name)
        running = Running.of(settings, rhythm, Watched.of(kept))
        self._sources[name] = running
        # A first look at many sources is spread over a tenth of their interval.
        spread_ms = int(self._chance() * settings.limits.first_s * 100)
        self._poll_turns.plan(name, running.host, due_ms or self._clock() + spread_ms)

    def _ask_now(self, source: str) -> None:
        """Ask a source at once, whatever was planned."""
        if source in self._polling:
            self._polls.ask_again(source)
        elif source in self._sources:
            self._poll_turns.plan(source, self._sources[source].host, self._clock())
            self._wake.set()

    async def _step(self, *until: "asyncio.Task[bool]", poll_again: bool) -> None:
        """Begin what is due; return when something may be due again, or `until` is over."""
        at_ms, full = self._clock(), self._outbox.is_full
        if not full:
            for turn in self._poll_turns.begin(at_ms):
                self._begin(self._poll_turns, turn, self._poll(turn, again=poll_again))
        for page in self._page_turns.begin(at_ms):
            self._begin(self._page_turns, page, self._pages.fetch(page.key))
        self._wake.clear()
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait(
            {waking, *until},
            timeout=_LATEST_S if full else self._wait_s(at_ms),
            return_when=asyncio.FIRST_COMPLETED,
        )
        waking.cancel()

    def _wait_s(self, at_ms: int) -> float:
        """Seconds until something is due, within reason: clocks are set."""
        nexts = [self._poll_turns.next_ms(), self._page_turns.next_ms()]
        ahead_s = min(((each - at_ms) / 1000 for each in nexts if each is not None), default=1.0)
        return min(max(ahead_s, _SOONEST_S), _LATEST_S)

    async def _poll(self, turn: Turn[str], *, again: bool) -> None:
        """Ask a source in its turn, and plan the next one if there is to be one."""
        running = self._sources[turn.key]
        self.counts.late_ms += turn.late_ms
        self._polling.add(turn.key)
        due_ms = self._clock() + _AFTER_BUG_MS
        try:
            due_ms = await self._polls.poll(running)
        finally:
            self._polling.discard(turn.key)
            if again:
                self._poll_turns.plan(turn.key, running.host, due_ms)

    def _begin(self, turns: Turns[K], turn: Turn[K], work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, turns, turn))

    def _ended(self, turns: Turns[K], turn: Turn[K], task: "asyncio.Task[None]") -> None:
        """A poll or page is done. If it failed, then with what nobody foresaw: a bug of ours or of
        a library. One source's bug must not end the others' work; a state that fails ends all.
        """
        self._tasks.discard(task)
        turns.end(turn, self._clock())
        self._wake.set()
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, sqlite3.Error):
            self._broken = error
        log.error("%s: %s: %s", turn.key, type(error).__name__, error, exc_info=error)
        self.counts.failed["internal"] += 1

    async def _break_off(self) -> None:
        """End what is under way: what it would have brought is still waiting in the state."""
        tasks = [*self._tasks, *self.hubs.cancel()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._raise_broken()

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise SetupError(f"the state can no longer be written: {self._broken}")

    async def _keep_house(self) -> None:
        while True:
            self._state.forget(self._clock())
            await asyncio.sleep(_FORGET_EVERY_S)


def _turns(web: Web) -> tuple[Turns[str], Turns[PageKey]]:
    """Of polls and of pages: they share the connections, a half for polls, a quarter for pages, the
    rest for those of either that are slow.
    """
    connections, per_host = web.settings.connections, web.settings.per_host
    half, quarter, eighth = (max(1, connections // share) for share in (2, 4, 8))
    return (
        Turns(at_once=half, slow=eighth, per_host=per_host),
        Turns(at_once=quarter, slow=eighth, per_host=per_host),
    )


@asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of tasks; of several failures the first that was foreseen is raised, by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        foreseen = errors.subgroup(WiredeskError)
        if foreseen is None:
            raise
        raise foreseen.exceptions[0] from errors
