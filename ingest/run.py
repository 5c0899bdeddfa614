"""Polling sources: asks each when it is due, fetches pages, fills the outbox.

One source is one task, one host one line: whatever a source does, it holds up nobody else.
"""

import asyncio
import heapq
import hmac
import logging
import random
import sqlite3
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from ingest import moments, robots, schedule, watch, websub
from ingest.addresses import host_of
from ingest.entry import Entry
from ingest.mastheads import Mastheads
from ingest.normalise import NoText, Origin, normalise, wants_page
from ingest.page.declared import robots_directives
from ingest.page.extract import NoPage, Page, extract
from ingest.read.feed import NotAFeed
from ingest.schedule import Limits, Rhythm
from ingest.sources.source import Polled, Source, SourceSettings, source_class
from ingest.state import Outgoing, State, Waiting, key_of
from ingest.watch import Item, Signal, Watched
from ingest.web import FetchError, Reason, Web
from ingest.websub import Subscription, WebSubSettings
from ingest.workers import Unreadable
from schemas.article import Article
from schemas.errors import ServiceError, SetupError, WiredeskError
from schemas.quality_signal import QualitySignal
from schemas.topics import ARTICLES_RAW, QUALITY_SIGNALS

log = logging.getLogger("wiredesk.ingest")

PAGE_ATTEMPTS = 3
"""Then an article is sent with what its source says."""

_POLLS_AT_ONCE = 256
_BATCH = 500
_FULL_OUTBOX = 50_000
"""With so many unsent records sources are left alone."""

_PAGE_RETRY_S = 20.0
_DELIVERY_RETRY_S = 5.0
_FORGET_EVERY_S = 6 * 3600.0
_AFTER_BUG_MS = 300_000
_GONE_MS = 24 * 3600 * 1000
_SHORTEST_TEXT_WORDS = 20
"""A page with fewer words gave no text."""


class Deliverer(Protocol):
    """Takes batches of the outbox; see `deliver.Delivery`."""

    def begin(self) -> int: ...

    def send(self, batch: Sequence[Outgoing]) -> int: ...


Encode = Callable[[Article], bytes]
Clock = Callable[[], int]
"""Milliseconds since 1970."""


def now_ms() -> int:
    """The clock."""
    return time.time_ns() // 1_000_000


@dataclass
class Counts:
    """What happened so far; names as in `schemas`, causes by reason."""

    polls: int = 0
    unchanged: int = 0
    entries: int = 0
    articles: int = 0
    versions: int = 0
    pages: int = 0
    delivered: int = 0
    told: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """One line for people."""
        failures = ", ".join(f"{name} {n}" for name, n in self.failed.most_common(4))
        return (
            f"{self.polls:,} polls ({self.unchanged:,} unchanged), {self.pages:,} pages, "
            f"{self.articles:,} articles ({self.versions:,} of them new versions), "
            f"{self.delivered:,} delivered, {sum(self.failed.values()):,} failures"
            + (f" ({failures})" if failures else "")
        )


@dataclass
class _Running:
    """A source at work."""

    settings: SourceSettings
    source: Source
    origin: Origin
    limits: Limits
    rhythm: Rhythm
    watched: Watched


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
        self._web = web
        self._state = state
        self._mastheads = mastheads
        self._encode = encode
        self._deliverer = deliverer
        self._clock = clock
        self._chance = chance
        self._encode_signal = signal
        self._hubs = hubs
        self._subscriptions = {
            source: Subscription(**kept) for source, kept in state.subscriptions().items()
        }
        self._subscribing: set[asyncio.Task[None]] = set()
        self._sources: dict[str, _Running] = {}
        self._due: list[tuple[int, str]] = []
        self._due_ms: dict[str, int] = {}
        for settings in sources:
            if settings.enabled:
                self._add(settings)
        self._lines: dict[str, deque[tuple[str, str]]] = {}
        self._line_tasks: dict[str, asyncio.Task[None]] = {}
        self._later: list[tuple[int, str, str, str]] = []
        self._asked_again: set[str] = set()
        self._wake = asyncio.Event()
        self._filled = asyncio.Event()
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._broken: sqlite3.Error | None = None
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop; then finish what has begun."""
        async with _tasks() as group:
            delivering = asyncio.Event()
            group.create_task(self._deliver(delivering))
            keeping = group.create_task(self._keep_house())
            self._resume_lines()
            await self._poll_all(stop)
            await self._break_off()
            keeping.cancel()
            delivering.set()
            self._filled.set()

    async def run_once(self) -> None:
        """Poll each source once, fetch every page, deliver all of it."""
        async with _tasks() as group:
            delivering = asyncio.Event()
            group.create_task(self._deliver(delivering))
            self._resume_lines()
            for name in list(self._sources):
                self._start_poll(name)
            await self._finish()
            while self._later:
                await self._wake_later()
                await self._finish()
            delivering.set()
            self._filled.set()

    def _add(self, settings: SourceSettings) -> None:
        name = settings.label
        _, rhythm, due_ms, kept = self._state.source(name)
        self._sources[name] = _Running(
            settings=settings,
            source=source_class(settings.kind)(settings),
            origin=settings.origin,
            limits=settings.limits,
            rhythm=rhythm,
            watched=Watched.of(kept),
        )
        # A first look at many sources is spread over a tenth of their interval.
        spread_ms = int(self._chance() * settings.limits.first_s * 100)
        self._schedule(name, due_ms or self._clock() + spread_ms)

    def _schedule(self, name: str, due_ms: int) -> None:
        """When a source is asked next, whatever was planned before."""
        self._due_ms[name] = due_ms
        heapq.heappush(self._due, (due_ms, name))

    # polling

    async def _poll_all(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._raise_broken()
                wait_s = self._start_due()
                self._start_later()
                self._wake.clear()
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait(
                    {stopped, waking}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
        finally:
            stopped.cancel()

    def _start_due(self) -> float:
        """Start every poll that is due; seconds until there is something to do again."""
        at_ms = self._clock()
        full = self._state.outbox_count() >= _FULL_OUTBOX
        while self._due and self._due[0][0] <= at_ms and not full:
            if len(self._polling) >= _POLLS_AT_ONCE:
                return 0.05
            due_ms, name = heapq.heappop(self._due)
            if self._due_ms.get(name) == due_ms and name not in self._polling:
                del self._due_ms[name]
                self._start_poll(name)
        nexts = [line[0][0] for line in (self._due, self._later) if line]
        ahead_s = (min(nexts) - at_ms) / 1000 if nexts else 1.0
        return min(max(ahead_s, 0.02), 1.0)

    def _start_poll(self, name: str) -> None:
        task = asyncio.create_task(self._poll(name))
        self._polling[name] = task
        task.add_done_callback(lambda done: self._polled(name, done))

    def _polled(self, name: str, task: "asyncio.Task[None]") -> None:
        self._polling.pop(name, None)
        self._wake.set()
        self._report(name, task)
        if not task.cancelled() and task.exception():
            self._schedule(name, self._clock() + _AFTER_BUG_MS)

    async def _poll(self, name: str) -> None:
        running = self._sources[name]
        memory = self._state.source(name)[0]
        self.counts.polls += 1
        retry_after_s = 0.0
        try:
            polled = await running.source.poll(self._web, memory, now_ms=self._clock())
        except FetchError as error:
            retry_after_s = error.retry_after_s
            if error.reason is Reason.GONE:
                retry_after_s = _GONE_MS / 1000
            self._failed(running, error.reason, str(error), retry_after_s)
        except NotAFeed as error:
            self._failed(running, error.reason, str(error), 0.0)
        except Unreadable as error:
            self._failed(running, "unreadable", str(error), 0.0)
        except SetupError as error:
            self._failed(running, "setup", str(error), 0.0)
        else:
            self._took(running, polled)

    def _failed(self, running: _Running, reason: str, detail: str, retry_after_s: float) -> None:
        name = running.settings.label
        self.counts.failed[reason] += 1
        log.warning("%s: %s (%s)", name, detail, reason)
        running.rhythm = schedule.after_failure(running.rhythm)
        before = running.watched
        running.watched = watch.after_failure(before)
        memory = self._state.source(name)[0]
        with self._state.transaction():
            self._settle(running, memory, before, new=0, retry_after_s=retry_after_s)

    def _took(self, running: _Running, polled: Polled) -> None:
        """One transaction: what the source keeps, and what follows from its items."""
        at_ms, name = self._clock(), running.settings.label
        s = running.settings
        self.counts.unchanged += not polled.changed
        self.counts.faults.update(polled.faults)
        entries = list(polled.entries)
        first_look = running.watched.last_new_ms == 0
        before = running.watched
        with self._state.transaction():
            fresh = self._state.fresh(name, entries)
            memory = polled.memory
            if len(fresh) > s.max_items:
                fresh = fresh[: s.max_items]
                memory = {k: v for k, v in memory.items() if k in ("url", "newest")}
            self._state.touch(name, [key_of(entry) for entry in entries], at_ms)
            for entry in fresh:
                self._take_entry(running, entry, at_ms, first_look=first_look)
            running.rhythm = schedule.after_answer(
                running.rhythm, running.limits, new=len(fresh), now_ms=at_ms, asked_s=polled.asked_s
            )
            running.watched = watch.after_poll(running.watched, new=len(fresh), now_ms=at_ms)
            self._settle(running, memory, before, new=len(fresh))
        self.counts.entries += len(fresh)
        self._subscribe(name, str(memory.get("hub", "")), str(memory.get("topic", "")))

    def _take_entry(self, running: _Running, entry: Entry, at_ms: int, *, first_look: bool) -> None:
        name, s = running.settings.label, running.settings
        if first_look and _is_older(entry, at_ms - int(s.backfill_h * 3_600_000)):
            self._state.take(name, entry, None, now_ms=at_ms)
            self.counts.faults["older_than_backfill"] += 1
        elif entry.url and (s.text == "page" or (s.text == "auto" and wants_page(entry))):
            waiting = Waiting(name, key_of(entry), entry, due_ms=at_ms)
            if self._state.wait(waiting):
                self._line_up(host_of(entry.url), name, waiting.key)
        else:
            self._send(running, entry, None, at_ms)

    def _settle(
        self,
        running: _Running,
        memory: object,
        before: Watched,
        *,
        new: int,
        retry_after_s: float = 0.0,
    ) -> None:
        """Signals, the next poll, and all that is kept of a source."""
        at_ms, name = self._clock(), running.settings.label
        running.watched, raised = watch.signals(
            name, before, running.watched, new=new, now_ms=at_ms
        )
        for one in raised:
            self._raise_signal(one, at_ms)
        wait_s = schedule.wait_s(
            running.rhythm, running.limits, chance=self._chance(), retry_after_s=retry_after_s
        )
        if self._is_told(name):
            wait_s = max(wait_s, running.limits.most_s)
        due_ms = at_ms + int(wait_s * 1000)
        if name in self._asked_again:
            self._asked_again.discard(name)
            due_ms = at_ms
        self._state.keep_source(
            name,
            memory if isinstance(memory, dict) else {},
            running.rhythm,
            due_ms,
            asdict(running.watched),
        )
        self._schedule(name, due_ms)

    # WebSub, as `websub.Subscriber` wants it

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
        self.counts.told += 1
        if source in self._polling:
            self._asked_again.add(source)
        elif source in self._sources:
            self._schedule(source, self._clock())
            self._wake.set()

    def now_ms(self) -> int:
        """The clock."""
        return self._clock()

    def _is_told(self, name: str) -> bool:
        """Whether a hub tells us when a source has something new."""
        subscription = self._subscriptions.get(name)
        if self._hubs is None or subscription is None:
            return False
        return subscription.holds(self._clock())

    def _subscribe(self, name: str, hub: str, topic: str) -> None:
        """Ask a source's hub, if it has one and it is time to."""
        if self._hubs is None:
            return
        wanted = websub.renewed(self._subscriptions.get(name), hub, topic, self._clock())
        if wanted is not None:
            self.keep_subscription(name, wanted)
            task = asyncio.create_task(self._ask_hub(name, wanted, self._hubs))
            self._subscribing.add(task)
            task.add_done_callback(self._subscribing.discard)

    async def _ask_hub(self, name: str, wanted: Subscription, settings: WebSubSettings) -> None:
        try:
            await self._web.post(wanted.hub, websub.form(wanted, settings))
        except FetchError as error:
            self.counts.failed[f"hub_{error.reason}"] += 1
            log.warning("%s: its hub: %s", name, error)

    def _raise_signal(self, raised: Signal, at_ms: int) -> None:
        log.warning("%s: %s: %s", raised.source, raised.kind, raised.detail)
        self.counts.signals[raised.kind] += 1
        if self._encode_signal is None:
            return
        record = QualitySignal(
            kind=raised.kind,
            subject=raised.source,
            origin="ingest",
            observed=raised.observed,
            expected=raised.expected,
            detail=raised.detail,
            raised_ms=at_ms,
        )
        value = self._encode_signal(record)
        self._state.put(QUALITY_SIGNALS.name, record.key.encode(), value)
        self._filled.set()

    # pages

    def _resume_lines(self) -> None:
        """Put what waited when the last process ended into its lines."""
        for source, key, url, due_ms in self._state.waiting():
            if source not in self._sources:
                continue
            if due_ms <= self._clock():
                self._line_up(host_of(url), source, key)
            else:
                heapq.heappush(self._later, (due_ms, host_of(url), source, key))

    def _start_later(self) -> None:
        while self._later and self._later[0][0] <= self._clock():
            _, host, source, key = heapq.heappop(self._later)
            self._line_up(host, source, key)

    async def _wake_later(self) -> None:
        """Wait for the next retry of a page."""
        if self._later:
            await asyncio.sleep(max(0.0, (self._later[0][0] - self._clock()) / 1000))
        self._start_later()

    def _line_up(self, host: str, source: str, key: str) -> None:
        """One more page of a host; its line starts if it stands still."""
        self._lines.setdefault(host, deque()).append((source, key))
        if host not in self._line_tasks:
            task = asyncio.create_task(self._work_off(host))
            self._line_tasks[host] = task
            task.add_done_callback(lambda done: self._line_ended(host, done))

    def _line_ended(self, host: str, task: "asyncio.Task[None]") -> None:
        self._line_tasks.pop(host, None)
        self._report(f"pages of {host}", task)
        for source, key in self._lines.pop(host, ()):
            if not self._stopping:
                self._line_up(host, source, key)

    async def _work_off(self, host: str) -> None:
        line = self._lines[host]

        async def work() -> None:
            while line:
                source, key = line.popleft()
                waiting = self._state.waiting_item(source, key)
                if waiting is not None and source in self._sources:
                    await self._fetch_page(self._sources[source], waiting)

        at_once = min(self._web.settings.per_host, max(1, len(line)))
        await asyncio.gather(*(work() for _ in range(at_once)))

    async def _fetch_page(self, running: _Running, waiting: Waiting) -> None:
        page: Page | None = None
        entry = waiting.entry
        try:
            answer = await self._web.get(entry.url, {"Accept": "text/html, */*;q=0.1"})
            self.counts.pages += 1
            page = await self._web.compute(extract, answer.content, answer.url, answer.charset)
            directives = robots_directives(robots.header_directives(answer.headers))
            page = replace(page, robots=page.robots | directives)
        except FetchError as error:
            self.counts.failed[f"page_{error.reason}"] += 1
            if not error.is_final and waiting.attempts + 1 < PAGE_ATTEMPTS:
                self._try_later(waiting, error.retry_after_s)
                return
        except (NoPage, Unreadable) as error:
            self.counts.failed["page_unreadable"] += 1
            log.info("%s: %s", entry.url, error)
        at_ms = self._clock()
        with self._state.transaction():
            self._send(running, entry, page, at_ms, tried=True)
            self._state.done_waiting(waiting)

    def _try_later(self, waiting: Waiting, retry_after_s: float) -> None:
        wait_s = max(_PAGE_RETRY_S * 3.0**waiting.attempts, min(retry_after_s, 900.0))
        due_ms = self._clock() + int(wait_s * 1000)
        self._state.wait_longer(waiting.source, waiting.key, due_ms)
        host = host_of(waiting.entry.url)
        heapq.heappush(self._later, (due_ms, host, waiting.source, waiting.key))

    # sending

    def _send(
        self, running: _Running, entry: Entry, page: Page | None, at_ms: int, *, tried: bool = False
    ) -> None:
        """Into the outbox, unless it was sent before; inside of a transaction."""
        name = running.settings.label
        try:
            article = normalise(entry, running.origin, self._mastheads, fetched_ms=at_ms, page=page)
        except NoText:
            self.counts.faults["no_text"] += 1
            self._state.take(name, entry, None, now_ms=at_ms)
            return
        stated = entry.published or (page.published if page else None)
        words = None
        if tried:
            found = len(page.body.split()) if page else 0
            words = found if found >= _SHORTEST_TEXT_WORDS else 0
        running.watched = watch.after_item(
            running.watched,
            Item(
                future=_is_ahead(stated, at_ms, running.origin),
                words=words,
                language=article.language_hint or "",
            ),
        )
        sent = self._state.take(name, entry, article, now_ms=at_ms)
        if sent is None:
            return
        self.counts.articles += 1
        self.counts.versions += "version" in sent.metadata
        sent, value = self._encoded(sent)
        self._state.put(ARTICLES_RAW.name, sent.article_id.encode(), value)
        self._filled.set()

    def _encoded(self, article: Article) -> tuple[Article, bytes]:
        """The article as Kafka takes it: a body that is too long is cut."""
        value = self._encode(article)
        while len(value) > ARTICLES_RAW.max_message_bytes - 4096 and article.body:
            self.counts.faults["body_cut"] += 1
            article = article.model_copy(update={"body": article.body[: len(article.body) // 2]})
            value = self._encode(article)
        return article, value

    async def _deliver(self, last: asyncio.Event) -> None:
        """Empty the outbox, over and over; at the end once more, until it is empty."""
        begun = False
        while True:
            batch = self._state.outgoing(_BATCH)
            if not batch:
                if last.is_set():
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            try:
                if not begun:
                    self._state.arrived(await asyncio.to_thread(self._deliverer.begin))
                    begun = True
                    continue
                self._state.arrived(await asyncio.to_thread(self._deliverer.send, batch))
                self.counts.delivered += len(batch)
            except ServiceError as error:
                begun = False
                if last.is_set():
                    raise
                log.error("%s; the outbox holds %d records", error, self._state.outbox_count())
                await asyncio.sleep(_DELIVERY_RETRY_S)

    async def _finish(self) -> None:
        """Wait for polls and pages that have begun."""
        while self._polling or self._line_tasks:
            await asyncio.wait([*self._polling.values(), *self._line_tasks.values()])
            await asyncio.sleep(0)

    async def _break_off(self) -> None:
        """End what is under way: what it would have brought is still waiting in the state."""
        self._stopping = True
        tasks = [*self._polling.values(), *self._line_tasks.values(), *self._subscribing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._raise_broken()

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise SetupError(f"the state can no longer be written: {self._broken}")

    def _report(self, what: str, task: "asyncio.Task[None]") -> None:
        """Say that a task failed with what nobody foresaw: a bug of ours or of a library.

        One source's bug must not end the others' work; a state that fails ends everything.
        """
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, sqlite3.Error):
            self._broken = error
            self._wake.set()
        log.error("%s: %s: %s", what, type(error).__name__, error, exc_info=error)
        self.counts.failed["internal"] += 1

    async def _keep_house(self) -> None:
        while True:
            self._state.forget(self._clock())
            await asyncio.sleep(_FORGET_EVERY_S)


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


def _is_older(entry: Entry, than_ms: int) -> bool:
    when = entry.updated or entry.published
    return when is not None and moments.instant_ms(when) < than_ms


def _is_ahead(stated: datetime | None, at_ms: int, origin: Origin) -> bool:
    latest_ms = at_ms + moments.FUTURE_TOLERANCE_MS
    return stated is not None and moments.instant_ms(stated, origin.zone or UTC) > latest_ms
