"""Events meet their articles."""

from collections.abc import Iterator

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedCoProcessFunction, RuntimeContext
from pyflink.datastream.state import (
    ListStateDescriptor,
    ValueStateDescriptor,
)

from models.profiles import facts, signals
from udfs.state_ttl import compacted


class JoinArticles(KeyedCoProcessFunction):
    """Keyed by article. First input: `signal_type`; second: `facts_type`; out: `signal_type`.

    State, in pickled plain values: the article's facts, `keep_s` seconds after it was last
    enriched; the events that came before it. They wait `wait_ms` of the topics' time (event-time
    timer on their arrival) for the article and then go on without. No side outputs.
    """

    def __init__(self, *, keep_s: int, wait_ms: int) -> None:
        self._keep_s = keep_s
        self._wait_ms = wait_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        known = ValueStateDescriptor("facts", Types.PICKLED_BYTE_ARRAY())
        known.enable_time_to_live(compacted(Time.seconds(self._keep_s)))
        self._known = runtime_context.get_state(known)
        self._waiting = runtime_context.get_list_state(
            ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY())
        )

    def process_element1(self, value: Row, ctx: KeyedCoProcessFunction.Context) -> Iterator[Row]:
        known = self._known.value()
        if known is not None:
            yield Row(value[0], value[1], value[2], known)
            return
        found = bytes(value[2])
        self._waiting.add((value[0], value[1], found))
        arrived_ms = signals.unpack(found).arrived_ms
        ctx.timer_service().register_event_time_timer(arrived_ms + self._wait_ms)

    def process_element2(self, value: Row, ctx: KeyedCoProcessFunction.Context) -> Iterator[Row]:
        packed = bytes(value[1])
        before = self._known.value()
        if before is None or facts.unpack(before).enriched_ms <= facts.unpack(packed).enriched_ms:
            self._known.update(packed)
        yield from self._release(packed)

    def on_timer(self, timestamp: int, ctx: KeyedCoProcessFunction.OnTimerContext) -> Iterator[Row]:
        yield from self._release(None)

    def _release(self, known: bytes | None) -> Iterator[Row]:
        for user_key, article_id, found in self._waiting.get():
            yield Row(user_key, article_id, found, known)
        self._waiting.clear()
