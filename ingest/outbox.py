"""From what was read to Kafka: articles and signals into the outbox, the outbox to Kafka."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from ingest.counts import Counts
from ingest.state import Outgoing, State
from ingest.watch import Signal
from schemas.article import Article
from schemas.errors import ServiceError
from schemas.quality_signal import QualitySignal
from schemas.topics import ARTICLES_RAW, QUALITY_SIGNALS

log = logging.getLogger("wiredesk.ingest")

Encode = Callable[[Article], bytes]

_BATCH = 500
_FULL = 50_000
_RETRY_S = 5.0
_ENVELOPE_BYTES = 4096
"""What Kafka adds to a record, at most."""


class Deliverer(Protocol):
    """Takes batches of the outbox; see `deliver.Delivery`."""

    def begin(self) -> int: ...

    def send(self, batch: Sequence[Outgoing]) -> int: ...


class Outbox:
    """Records that are to be sent, in the state; they leave by `deliver`.

    encode  an article as Kafka gets it
    signal  likewise what the watch on sources raises; None where it is only logged
    """

    def __init__(
        self,
        state: State,
        deliverer: Deliverer,
        counts: Counts,
        *,
        encode: Encode,
        signal: Callable[[QualitySignal], bytes] | None,
    ) -> None:
        self._state = state
        self._deliverer = deliverer
        self._counts = counts
        self._encode = encode
        self._encode_signal = signal
        self._filled = asyncio.Event()
        self._last = False

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that sources are better left alone."""
        return self._state.outbox_count() >= _FULL

    def put(self, article: Article) -> None:
        """One more article to send; inside of a transaction."""
        article, value = self._encoded(article)
        self._counts.articles += 1
        self._counts.versions += "version" in article.metadata
        self._state.put(ARTICLES_RAW.name, article.article_id.encode(), value)
        self._filled.set()

    def put_signal(self, raised: Signal, at_ms: int) -> None:
        """Something to look at, for people and for Kafka; inside of a transaction."""
        log.warning("%s: %s: %s", raised.source, raised.kind, raised.detail)
        self._counts.signals[raised.kind] += 1
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

    async def deliver(self) -> None:
        """Empty it, over and over; after `finish` once more, then return. Raises ServiceError
        only then: before, Kafka is asked again.
        """
        begun = False
        while True:
            batch = self._state.outgoing(_BATCH)
            if not batch:
                if self._last:
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            try:
                if not begun:
                    self._state.arrived(await asyncio.to_thread(self._deliverer.begin))
                    begun = True
                    continue
                self._state.arrived(await asyncio.to_thread(self._sent, batch))
                self._counts.delivered += len(batch)
            except ServiceError as error:
                begun = False
                if self._last:
                    raise
                log.error("%s; the outbox holds %d records", error, self._state.outbox_count())
                await asyncio.sleep(_RETRY_S)

    def finish(self) -> None:
        """Nothing more will be put in."""
        self._last = True
        self._filled.set()

    def _sent(self, batch: Sequence[Outgoing]) -> int:
        """Send a batch that no crash can take back; in a thread."""
        self._state.sync()
        return self._deliverer.send(batch)

    def _encoded(self, article: Article) -> tuple[Article, bytes]:
        """The article as Kafka takes it: a body that is too long is cut."""
        value = self._encode(article)
        while len(value) > ARTICLES_RAW.max_message_bytes - _ENVELOPE_BYTES and article.body:
            self._counts.faults["body_cut"] += 1
            article = article.model_copy(update={"body": article.body[: len(article.body) // 2]})
            value = self._encode(article)
        return article, value
