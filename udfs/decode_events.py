"""Records of user.events to signals, by whether they need their article."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from models.profiles import signals
from schemas.dead_letter import Delivery
from schemas.errors import Reason, RecordError
from schemas.topics import USER_EVENTS
from schemas.user_event import UserEvent
from udfs.gauges import expose
from udfs.read_topic import Out, ReadTopic

JOB = "profiles"


def signal_type() -> TypeInformation:
    """(user key, article id, packed Signal, packed ArticleFacts): an event on its way."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["user_key", "article_id", "signal", "facts"],
        [Types.STRING(), Types.STRING(), octets, octets],
    )


def direct_tag() -> OutputTag:
    """Side output of events that need no article, `signal_type`."""
    return OutputTag("direct", signal_type())


@dataclass
class DecodeStats:
    """What the operator has done since it was opened."""

    events: int = 0
    dead_letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))


class DecodeEvents(ReadTopic[UserEvent]):
    """Decodes user.events. Out: `signal_type`; events that need no article leave by `direct_tag`.

    A row's timestamp is taken from the context: thread mode converts no Instant (PyFlink 2.3).
    """

    topic = USER_EVENTS
    job = JOB

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        super().__init__(registry_url=registry_url, registry_auth=registry_auth)
        self._direct = direct_tag()

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
        row = Row(found.user_key, found.article_id, signals.pack(found), None)
        return [row if found.needs_article else (self._direct, row)]

    def delivery(self, value: Row, ctx: ProcessFunction.Context) -> Delivery:
        key, payload, topic, partition, offset, _ = value
        return Delivery(key, payload, topic, partition, offset, ctx.timestamp())

    def count_dead(self, error: RecordError) -> None:
        self._stats.dead_letters[error.reason] += 1
