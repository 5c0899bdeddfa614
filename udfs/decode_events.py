"""Records of user.events to signals, by whether they need their article."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from models.profiles import passage, signals
from schemas.codec import RecordCodec
from schemas.errors import Reason, RecordError
from schemas.registry import open_registry
from schemas.topics import USER_EVENTS
from udfs.deliveries import gathered_deliveries
from udfs.gauges import Numbers, expose
from udfs.read_topic import Letters, Out

JOB = "profiles"


def passing_type() -> TypeInformation:
    """(shard of the readers, events as `models.profiles.passage` packs them)."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(["shard", "events"], [Types.INT(), octets])


def meeting_type() -> TypeInformation:
    """(article id, packed Signal)."""
    return Types.ROW([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def meeting_tag() -> OutputTag:
    """Side output of events that need their article, `meeting_type`."""
    return OutputTag("meeting", meeting_type())


@dataclass
class DecodeStats(Numbers):
    """What the operator has done since it was opened."""

    events: int = 0
    dead_letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))


class DecodeEvents(ProcessFunction):
    """Decodes user.events, the records of a moment at once. No key, no state, no timers.

    In: Row(partition, keys, values, offsets, times of arrival), each but the first a list. Out:
    `passing_type`; what needs its article leaves by `meeting_tag`, what cannot be used by
    `dead_letters_tag`.
    """

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)
        self._meeting = meeting_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._decode = RecordCodec(USER_EVENTS, registry).decode
        self._letters = Letters(JOB, registry)
        self._stats = DecodeStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        out: list[Out] = []
        passing: dict[int, list[bytes]] = {}
        for each in gathered_deliveries(value, USER_EVENTS.name):
            self._stats.events += 1
            try:
                found = signals.signal(
                    self._decode(each.value),
                    arrived_ms=each.timestamp_ms,
                    partition=each.partition,
                    offset=each.offset,
                )
            except RecordError as error:
                self._stats.dead_letters[error.reason] += 1
                out.append(self._letters.letter(each, error))
                continue
            packed = signals.pack(found)
            if found.needs_article:
                out.append((self._meeting, Row(found.article_id, packed)))
            else:
                passing.setdefault(passage.shard(found.user_key), []).append(packed)
        out += [Row(shard, passage.pack(events, None)) for shard, events in passing.items()]
        return out
