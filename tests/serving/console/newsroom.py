"""The server without Kafka: what is sent to a topic comes back at once, as if read from it."""

from collections.abc import Sequence
from pathlib import Path

from newsroom_records import (
    HOUR_MS,
    alert,
    demo,
    enriched,
    held_comments,
    mood,
    placements,
    silent_source,
)

from models.topics import concepts
from schemas.codec import RecordCodec
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.topics import TOPICS
from serving.assembly import assembled
from serving.history import History
from serving.kafka import Arrived
from serving.services import Services
from serving.settings import ServeSettings


class LoopBack:
    """A producer whose records the server reads back; `away` makes it refuse."""

    def __init__(self) -> None:
        self.sent: list[Record] = []
        self.away = False
        self.services: Services | None = None

    async def send(self, topic: str, _: bytes, value: bytes) -> None:
        if self.away:
            raise ServiceError("Kafka did not take it: it is away")
        record = RecordCodec(TOPICS[topic]).decode(value)
        self.sent.append(record)
        assert self.services is not None
        await take(self.services, [record])

    async def close(self) -> None:
        """Nothing to let go of."""


async def opened(folder: Path, **given: object) -> tuple[Services, LoopBack]:
    """Services with a database of their own."""
    settings = ServeSettings.model_validate({"analyze": False} | given)
    history = History(f"sqlite:///{folder}/serve.sqlite")
    await history.open()
    producer = LoopBack()
    services = assembled(settings, history=history, producer=producer)
    producer.services = services
    return services, producer


async def take(services: Services, records: Sequence[Record]) -> None:
    """Let records come from their topics."""
    names = {topic.record_type: topic.name for topic in TOPICS.values()}
    at = [Arrived(names[type(record)], 0, n, 0, record) for n, record in enumerate(records)]
    await services.take(at)


BROKE = ("marenholm", "orchard-lane")
"""Stories of the demo that raise an alert."""


def morning(now_ms: int, *only: str) -> list[Record]:
    """The demo's news as the jobs could tell of it until now; `only` some stories, for speed."""
    base_ms = now_ms - 2 * HOUR_MS
    topics = concepts.read()
    grouped, stories = demo(base_ms, *only)
    records: list[Record] = []
    for story, news in zip(stories, grouped.values(), strict=True):
        records += [enriched(article, base_ms, topics) for article in news]
        records += [story, *placements(story, news, base_ms)]
    by_name = {story.story_id: story for story in stories}
    for name, states in zip(BROKE, (("opened", "escalated"), ("opened",)), strict=True):
        told = by_name[f"s-{name}"]
        records += [
            alert(told, grouped[name], state, place + 1) for place, state in enumerate(states)
        ]
        records.append(mood(told, now_ms))
    return records + held_comments(now_ms) + [silent_source(now_ms)]
