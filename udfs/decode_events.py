"""Records of user.events to signals, by whether they need their article."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from models.profiles import signals
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter, Delivery
from schemas.errors import Reason, RecordError
from schemas.registry import open_registry
from schemas.topics import DEAD_LETTERS, USER_EVENTS
from udfs.gauges import expose
from udfs.route_outcomes import dead_letters_tag

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


class DecodeEvents(ProcessFunction):
    """In: Row(key, value, topic, partition, offset, timestamp) of user.events. Out: `signal_type`.

    No key, no state, no timers. Events that need no article leave by `direct_tag`, what cannot be
    used by `dead_letters_tag`.
    """

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)
        self._direct = direct_tag()
        self._dead = dead_letters_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._events = RecordCodec(USER_EVENTS, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)
        self._stats = DecodeStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        arrived_ms = ctx.timestamp()
        self._stats.events += 1
        try:
            found = signals.signal(
                self._events.decode(value[1]),
                arrived_ms=arrived_ms,
                partition=value[3],
                offset=value[4],
            )
        except RecordError as error:
            self._stats.dead_letters[error.reason] += 1
            delivery = Delivery(value[0], value[1], value[2], value[3], value[4], arrived_ms)
            yield self._dead, _letter(self._letters, delivery, error)
            return
        row = Row(found.user_key, found.article_id, signals.pack(found), None)
        yield row if found.needs_article else (self._direct, row)


def _letter(letters: RecordCodec[DeadLetter], delivery: Delivery, error: RecordError) -> Row:
    letter = DeadLetter.of(delivery, error, job=JOB, failed_ms=time.time_ns() // 1_000_000)
    return Row(letter.origin.encode(), letters.encode(letter))
