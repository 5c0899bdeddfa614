"""A desk, and news and commands that it hears."""

from models.breaking import scorer
from models.breaking.desk import DeskAtWork
from models.breaking.desks import Desk
from models.breaking.outcome import Outcome
from models.breaking.watching import Terms
from models.stories import telling
from models.stories.cluster import WIDTH
from models.stories.neighbourhood import News
from models.stories.received import Name, Received
from models.stories.telling import Telling
from schemas.alert import Alert
from schemas.editorial import AuditEntry, EditorialCommand

MINUTE_MS = 60_000
START_MS = 1_790_000_000_000 // 86_400_000 * 86_400_000
DESK = Desk("world", Outcome(10, 2.0), alerts_per_day=12.0, least_sources=3)
SCORER = scorer.read()
WALL_MS = 7
TERMS = Terms(model_versions={"scorer": "s", "calibrator": "c"})


class Story:
    """Pick-ups of one story as its neighbourhood tells them."""

    def __init__(self, story_id: str = "a0", entity: str = "Harbour") -> None:
        self.story_id = story_id
        self._entity = entity
        self._telling = Telling()

    def pickup(self, source: str, minute: float, *, arrived: float | None = None) -> News:
        at_ms = START_MS + round(minute * MINUTE_MS)
        arrived_ms = at_ms if arrived is None else START_MS + round(arrived * MINUTE_MS)
        article = Received(
            article_id=f"{self.story_id}-{source}",
            title=f"{self._entity} news",
            source=source,
            owner=None,
            url=f"https://{source}/",
            language="en",
            at_ms=at_ms,
            published_ms=at_ms,
            arrived_ms=arrived_ms,
            counts=True,
            content_hash=source,
            summary=None,
            names=(Name(self._entity, "place", None),),
            concepts=(),
            embedding=b"",
        )
        centre = telling.unit_vector(b"", WIDTH)
        self._telling.add(article, centre, is_copy=False)
        content = telling.to_bytes(self._telling.content(centre))
        return News(
            "pickup", self.story_id, arrived_ms, content, self._telling.first_ms, source, at_ms
        )

    def burst(self, count: int, start: float = 0.0, step: float = 1.0) -> list[News]:
        return [self.pickup(f"s{n}.example", start + n * step) for n in range(count)]


def heard(desk: DeskAtWork, news) -> list:
    return [out for one in news for out in desk.hear(one, WALL_MS)]


def alerts(outs) -> list[Alert]:
    return [out for out in outs if isinstance(out, Alert)]


def answers(outs) -> list[AuditEntry]:
    return [out for out in outs if isinstance(out, AuditEntry)]


def ordered(number: int, kind: str, minute: float = 0.0, **fields) -> EditorialCommand:
    issued_ms = START_MS + round(minute * MINUTE_MS)
    return EditorialCommand(
        command_id=f"c{number}", kind=kind, author="ada", issued_ms=issued_ms, **fields
    )
