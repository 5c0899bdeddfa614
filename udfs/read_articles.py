"""Enriched articles to the slot that knows their stories."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from models.breaking.commands import JOB
from models.stories.partition import slot
from models.stories.received import received, to_bytes
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle
from schemas.errors import Reason, RecordError, RejectedArticle
from schemas.registry import open_registry
from schemas.topics import ARTICLES_ENRICHED, DEAD_LETTERS
from udfs.deliveries import delivery_of
from udfs.gauges import expose
from udfs.lifeline import end_with_task_manager
from udfs.route_outcomes import dead_letters_tag


def addressed_type() -> TypeInformation:
    """(key, kind, payload): something on its way to the operator's key; the kind names its form."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(["key", "kind", "payload"], [Types.STRING(), Types.STRING(), octets])


@dataclass
class ReadStats:
    """What the operator has done since it was opened."""

    articles: int = 0
    without_embedding: int = 0
    dead_letters: int = 0


class ReadArticles(ProcessFunction):
    """Decodes enriched articles. Out: `addressed_type`, kind article. No state, no timers.

    In: Row(key, value, topic, partition, offset, timestamp) of articles.enriched. Side output: dead
    letters, for bytes that are no article and for articles dated beyond `future_ms`.
    """

    def __init__(
        self,
        *,
        ahead_ms: int,
        future_ms: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._ahead_ms = ahead_ms
        self._future_ms = future_ms
        self._registry = (registry_url, registry_auth)
        self._dead = dead_letters_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        registry = open_registry(*self._registry)
        self._articles = RecordCodec(ARTICLES_ENRICHED, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)
        self._stats = ReadStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        self._stats.articles += 1
        try:
            yield self._addressed(self._articles.decode(value[1]))
        except RecordError as error:
            self._stats.dead_letters += 1
            yield self._dead, self._letter(value, error)

    def _addressed(self, decoded: EnrichedArticle) -> Row:
        ahead_ms = decoded.published_ms - decoded.ingested_ms
        if ahead_ms > self._future_ms:
            raise RejectedArticle(
                Reason.PUBLISHED_IN_FUTURE,
                f"published_ms lies {ahead_ms} ms after its arrival; at most {self._future_ms}",
            )
        article = received(decoded, ahead_ms=self._ahead_ms)
        self._stats.without_embedding += not article.embedding
        return Row(slot(article.language), "article", to_bytes(article))

    def _letter(self, value: Row, error: RecordError) -> Row:
        now_ms = time.time_ns() // 1_000_000
        letter = DeadLetter.of(delivery_of(value), error, job=JOB, failed_ms=now_ms)
        return Row(letter.origin.encode(), self._letters.encode(letter))
