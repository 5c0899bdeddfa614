"""Which story each article belongs to, as the moods hear of it."""

import time
from collections.abc import Iterator

from pyflink.common import Row
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.errors import UndecodableRecord
from schemas.registry import open_registry
from schemas.story import StoryArticle
from schemas.topics import DEAD_LETTERS, STORIES_ARTICLES
from udfs.comment_rows import JOB, PLACED
from udfs.deliveries import delivery_of
from udfs.route_outcomes import dead_letters_tag


class ReadPlacements(ProcessFunction):
    """Each placement goes on as `mood_event_type`, kind placed; what cannot be read leaves by side
    output. No state, no timers.

    In: Row(key, value, topic, partition, offset, timestamp) of stories.articles.
    """

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)
        self._tag = dead_letters_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._placements = RecordCodec(STORIES_ARTICLES, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        delivery = delivery_of(value)
        try:
            placed: StoryArticle = self._placements.decode(delivery.value)
        except UndecodableRecord as error:
            failed_ms = time.time_ns() // 1_000_000
            letter = DeadLetter.of(delivery, error, job=JOB, failed_ms=failed_ms)
            yield self._tag, Row(letter.origin.encode(), self._letters.encode(letter))
            return
        yield Row(placed.article_id, PLACED, "", 0, b"", placed.story_id)
