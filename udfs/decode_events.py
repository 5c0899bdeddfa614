"""Records of user.events to signals, by whether they need their article."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from models.profiles import passage, signals
from schemas.errors import Reason, RecordError
from schemas.topics import USER_EVENTS
from schemas.user_event import UserEvent
from udfs.gauges import expose
from udfs.read_topic import Out, ReadTopic

JOB = "profiles"


def passing_type() -> TypeInformation:
    """(shard of the reader, event as `models.profiles.passage` packs it)."""
    return Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def meeting_type() -> TypeInformation:
    """(article id, packed Signal)."""
    return Types.ROW([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def meeting_tag() -> OutputTag:
    """Side output of events that need their article, `meeting_type`."""
    return OutputTag("meeting", meeting_type())


@dataclass
class DecodeStats:
    """What the operator has done since it was opened."""

    events: int = 0
    dead_letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))


class DecodeEvents(ReadTopic[UserEvent]):
    """Decodes user.events. Out: `passing_type`; what needs its article leaves by `meeting_tag`.

    A row's timestamp is taken from the context: thread mode converts no Instant (PyFlink 2.3).
    """

    topic = USER_EVENTS
    job = JOB

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        super().__init__(registry_url=registry_url, registry_auth=registry_auth)
        self._meeting = meeting_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        super().open(runtime_context)
        self._stats = DecodeStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        self._stats.events += 1
        return super().process_element(value, ctx)

    def read(self, record: UserEvent, value: Row, ctx: ProcessFunction.Context) -> list[Out]:
        found = signals.signal(
            record, arrived_ms=ctx.timestamp(), partition=value[3], offset=value[4]
        )
        packed = signals.pack(found)
        if found.needs_article:
            return [(self._meeting, Row(found.article_id, packed))]
        return [Row(passage.shard(found.user_key), passage.pack(packed, None))]

    def count_dead(self, error: RecordError) -> None:
        self._stats.dead_letters[error.reason] += 1
