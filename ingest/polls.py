"""One poll of a source: asks it, takes what is new, and says when it is asked again."""

import logging
from collections.abc import Callable
from dataclasses import asdict

from ingest import moments, schedule, watch
from ingest.articles import Articles
from ingest.counts import Counts
from ingest.entry import Entry
from ingest.failures import FetchError, Reason
from ingest.hubs import Hubs
from ingest.normalise import wants_page
from ingest.outbox import Outbox
from ingest.pages import Pages
from ingest.read.feed import NotAFeed
from ingest.running import Running
from ingest.sources.source import Memory, Polled
from ingest.state import State, Waiting, key_of
from ingest.watch import Watched
from ingest.web import Web
from ingest.workers import Unreadable
from schemas.errors import SetupError

log = logging.getLogger("wiredesk.ingest")

_GONE_S = 24 * 3600.0


class Polls:
    """Asks sources; all that follows from a poll is one transaction."""

    def __init__(
        self,
        *,
        web: Web,
        state: State,
        articles: Articles,
        pages: Pages,
        outbox: Outbox,
        hubs: Hubs,
        counts: Counts,
        clock: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._web = web
        self._state = state
        self._articles = articles
        self._pages = pages
        self._outbox = outbox
        self._hubs = hubs
        self._counts = counts
        self._clock = clock
        self._chance = chance
        self._again: set[str] = set()

    def ask_again(self, source: str) -> None:
        """Ask a source that is being asked once more, at once: it may have missed what is new."""
        self._again.add(source)

    async def poll(self, running: Running) -> int:
        """Ask a source; when it is due again."""
        memory = self._state.source(running.settings.label)[0]
        self._counts.polls += 1
        try:
            polled = await running.source.poll(self._web, memory, now_ms=self._clock())
        except FetchError as error:
            gone = error.reason is Reason.GONE
            wait_s = _GONE_S if gone else error.retry_after_s
            return self._failed(running, memory, error.reason, str(error), wait_s)
        except NotAFeed as error:
            return self._failed(running, memory, error.reason, str(error))
        except Unreadable as error:
            return self._failed(running, memory, "unreadable", str(error))
        except SetupError as error:
            return self._failed(running, memory, "setup", str(error))
        return self._took(running, polled)

    def _failed(
        self,
        running: Running,
        memory: Memory,
        reason: str,
        detail: str,
        retry_after_s: float = 0.0,
    ) -> int:
        self._counts.failed[reason] += 1
        log.warning("%s: %s (%s)", running.settings.label, detail, reason)
        running.rhythm = schedule.after_failure(running.rhythm)
        before = running.watched
        running.watched = watch.after_failure(before)
        with self._state.transaction():
            return self._settle(running, memory, before, new=0, retry_after_s=retry_after_s)

    def _took(self, running: Running, polled: Polled) -> int:
        """What the source keeps, and what follows from its items."""
        at_ms, name = self._clock(), running.settings.label
        most = running.settings.max_items
        self._counts.unchanged += not polled.changed
        self._counts.faults.update(polled.faults)
        entries = list(polled.entries)
        before = running.watched
        with self._state.transaction():
            fresh = self._state.fresh(name, entries)
            memory = polled.memory
            if len(fresh) > most:
                fresh = fresh[:most]
                memory = {k: v for k, v in memory.items() if k in ("url", "newest")}
            self._state.touch(name, [key_of(entry) for entry in entries], at_ms)
            for entry in fresh:
                self._take(running, entry, at_ms, first_look=before.last_new_ms == 0)
            running.rhythm = schedule.after_answer(
                running.rhythm, running.limits, new=len(fresh), now_ms=at_ms, asked_s=polled.asked_s
            )
            running.watched = watch.after_poll(running.watched, new=len(fresh), now_ms=at_ms)
            due_ms = self._settle(running, memory, before, new=len(fresh))
        self._counts.entries += len(fresh)
        self._hubs.subscribe(name, str(memory.get("hub", "")), str(memory.get("topic", "")))
        return due_ms

    def _take(self, running: Running, entry: Entry, at_ms: int, *, first_look: bool) -> None:
        """An entry that is new: left out, sent, or sent when its page was read."""
        name, s = running.settings.label, running.settings
        if first_look and _is_older(entry, at_ms - int(s.backfill_h * 3_600_000)):
            self._state.take(name, entry, None, now_ms=at_ms)
            self._counts.faults["older_than_backfill"] += 1
        elif entry.url and (s.text == "page" or (s.text == "auto" and wants_page(entry))):
            self._pages.want(Waiting(name, key_of(entry), entry, due_ms=at_ms))
        else:
            self._articles.put(running, entry, None, at_ms)

    def _settle(
        self,
        running: Running,
        memory: Memory,
        before: Watched,
        *,
        new: int,
        retry_after_s: float = 0.0,
    ) -> int:
        """Signals, when the source is due again, and all that is kept of it."""
        at_ms, name = self._clock(), running.settings.label
        running.watched, raised = watch.signals(
            name, before, running.watched, new=new, now_ms=at_ms
        )
        for one in raised:
            self._outbox.put_signal(one, at_ms)
        wait_s = schedule.wait_s(
            running.rhythm, running.limits, chance=self._chance(), retry_after_s=retry_after_s
        )
        if self._hubs.tell_of(name):
            wait_s = max(wait_s, running.limits.most_s)
        due_ms = at_ms if name in self._again else at_ms + int(wait_s * 1000)
        self._again.discard(name)
        self._state.keep_source(name, memory, running.rhythm, due_ms, asdict(running.watched))
        return due_ms


def _is_older(entry: Entry, than_ms: int) -> bool:
    when = entry.updated or entry.published
    return when is not None and moments.instant_ms(when) < than_ms
