"""Enriched articles to the slots that know their stories."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyflink.common import Row
from pyflink.datastream import ProcessFunction, RuntimeContext

from models.breaking.commands import JOB
from models.stories.partition import slot
from models.stories.received import Received, received, to_bytes
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle
from schemas.errors import Reason, RecordError, RejectedArticle
from schemas.registry import open_registry
from schemas.topics import ARTICLES_ENRICHED
from udfs.addressing import Post
from udfs.deliveries import gathered_deliveries
from udfs.gauges import Numbers, expose
from udfs.read_topic import Letters, Out


@dataclass
class ReadStats(Numbers):
    """What the operator has done since it was opened."""

    articles: int = 0
    without_embedding: int = 0
    dead_letters: int = 0


class ReadArticles(ProcessFunction):
    """Decodes articles.enriched, the records of a moment at once; refuses articles dated beyond
    `future_ms`. No key, no state, no timers.

    In: Row(partition, keys, values, offsets, times of arrival), each but the first a list. Out:
    `addressed_type`, kind article, a slot each. Side output: a dead letter for what is refused and
    for bytes that are no article.
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

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._decode = RecordCodec(ARTICLES_ENRICHED, registry).decode
        self._letters = Letters(JOB, registry)
        self._stats = ReadStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        letters: list[Out] = []
        articles: list[Received] = []
        for each in gathered_deliveries(value, ARTICLES_ENRICHED.name):
            try:
                articles.append(self._admitted(self._decode(each.value)))
            except RecordError as error:
                letters.append(self._letters.letter(each, error))
        slots = Post()
        for article in articles:
            slots.add(slot(article.language), "article", to_bytes(article))
        self._stats.articles += len(articles) + len(letters)
        self._stats.without_embedding += sum(not article.embedding for article in articles)
        self._stats.dead_letters += len(letters)
        return [*letters, *slots.records()]

    def _admitted(self, record: EnrichedArticle) -> Received:
        """As stories read it. Raises RejectedArticle."""
        ahead_ms = record.published_ms - record.ingested_ms
        if ahead_ms > self._future_ms:
            raise RejectedArticle(
                Reason.PUBLISHED_IN_FUTURE,
                f"published_ms lies {ahead_ms} ms after its arrival; at most {self._future_ms}",
            )
        return received(record, ahead_ms=self._ahead_ms)
