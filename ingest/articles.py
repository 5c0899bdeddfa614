"""Entries of a source to articles in the outbox."""

from datetime import UTC, datetime

from ingest import moments, watch
from ingest.counts import Counts
from ingest.entry import Entry
from ingest.mastheads import Mastheads
from ingest.normalise import NoText, Origin, normalise
from ingest.outbox import Outbox
from ingest.page.extract import Page
from ingest.running import Running
from ingest.state import State
from ingest.watch import Item

_SHORTEST_TEXT_WORDS = 20
"""A page with fewer words gave no text."""


class Articles:
    """Makes articles of entries and pages, and puts those that are new into the outbox."""

    def __init__(self, state: State, outbox: Outbox, mastheads: Mastheads, counts: Counts) -> None:
        self._state = state
        self._outbox = outbox
        self._mastheads = mastheads
        self._counts = counts

    def put(
        self,
        running: Running,
        entry: Entry,
        page: Page | None,
        at_ms: int,
        *,
        page_tried: bool = False,
    ) -> None:
        """Into the outbox, unless it was sent before; inside of a transaction."""
        name = running.settings.label
        try:
            article = normalise(entry, running.origin, self._mastheads, fetched_ms=at_ms, page=page)
        except NoText:
            self._counts.faults["no_text"] += 1
            self._state.take(name, entry, None, now_ms=at_ms)
            return
        stated = entry.published or (page.published if page else None)
        item = Item(
            future=_is_ahead(stated, at_ms, running.origin),
            words=_words(page) if page_tried else None,
            language=article.language_hint or "",
        )
        running.watched = watch.after_item(running.watched, item)
        sent = self._state.take(name, entry, article, now_ms=at_ms)
        if sent is not None:
            self._outbox.put(sent)


def _words(page: Page | None) -> int:
    found = len(page.body.split()) if page else 0
    return found if found >= _SHORTEST_TEXT_WORDS else 0


def _is_ahead(stated: datetime | None, at_ms: int, origin: Origin) -> bool:
    latest_ms = at_ms + moments.FUTURE_TOLERANCE_MS
    return stated is not None and moments.instant_ms(stated, origin.zone or UTC) > latest_ms
