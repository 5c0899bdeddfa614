"""Pages of articles: fetched in the turn of their host, read, and sent."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from ingest import robots
from ingest.addresses import host_of
from ingest.articles import Articles
from ingest.counts import Counts
from ingest.failures import FetchError
from ingest.page.declared import robots_directives
from ingest.page.extract import NoPage, Page, extract
from ingest.running import Running
from ingest.state import State, Waiting
from ingest.turns import Turns
from ingest.web import Web
from ingest.workers import Unreadable

log = logging.getLogger("wiredesk.ingest")

ATTEMPTS = 3
"""Then an article is sent with what its source says."""

_RETRY_S = 20.0
_MOST_RETRY_S = 900.0

PageKey = tuple[str, str]
"""Source and key of the entry, as the state has them."""


class Pages:
    """Entries that wait for their page; the state holds them, so that no crash loses one.

    turns  when each is fetched
    """

    def __init__(
        self,
        sources: Mapping[str, Running],
        turns: Turns[PageKey],
        *,
        web: Web,
        state: State,
        articles: Articles,
        counts: Counts,
        clock: Callable[[], int],
    ) -> None:
        self._sources = sources
        self._turns = turns
        self._web = web
        self._state = state
        self._articles = articles
        self._counts = counts
        self._clock = clock

    def resume(self) -> None:
        """Go on with what waited when the last process ended."""
        for source, key, url, due_ms in self._state.waiting():
            if source in self._sources:
                self._turns.plan((source, key), host_of(url), due_ms)

    def want(self, waiting: Waiting) -> None:
        """One more page to fetch; inside of a transaction."""
        if self._state.wait(waiting):
            self._plan(waiting, waiting.due_ms)

    async def fetch(self, key: PageKey) -> None:
        """Fetch and read the page of an entry, and send it; or later, if that may help."""
        waiting = self._state.waiting_item(*key)
        if waiting is None:
            return
        page: Page | None = None
        entry = waiting.entry
        try:
            page = await self._page(entry.url)
        except FetchError as error:
            self._counts.failed[f"page_{error.reason}"] += 1
            if not error.is_final and waiting.attempts + 1 < ATTEMPTS:
                self._put_off(waiting, error.retry_after_s)
                return
        except (NoPage, Unreadable) as error:
            self._counts.failed["page_unreadable"] += 1
            log.info("%s: %s", entry.url, error)
        at_ms = self._clock()
        with self._state.transaction():
            self._articles.put(self._sources[key[0]], entry, page, at_ms, page_tried=True)
            self._state.done_waiting(waiting)

    async def _page(self, url: str) -> Page:
        answer = await self._web.get(url, {"Accept": "text/html, */*;q=0.1"})
        self._counts.pages += 1
        page = await self._web.compute(extract, answer.content, answer.url, answer.charset)
        directives = robots_directives(robots.header_directives(answer.headers))
        return replace(page, robots=page.robots | directives)

    def _put_off(self, waiting: Waiting, retry_after_s: float) -> None:
        wait_s = max(_RETRY_S * 3.0**waiting.attempts, min(retry_after_s, _MOST_RETRY_S))
        due_ms = self._clock() + int(wait_s * 1000)
        self._state.wait_longer(waiting.source, waiting.key, due_ms)
        self._plan(waiting, due_ms)

    def _plan(self, waiting: Waiting, due_ms: int) -> None:
        self._turns.plan((waiting.source, waiting.key), host_of(waiting.entry.url), due_ms)
