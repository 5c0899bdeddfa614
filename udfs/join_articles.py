"""Events meet their articles."""

from collections.abc import Sequence

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedCoProcessFunction, RuntimeContext
from pyflink.datastream.state import (
    ListStateDescriptor,
    ValueStateDescriptor,
)

from models.profiles import facts, passage, signals
from udfs.state_ttl import expiring


class JoinArticles(KeyedCoProcessFunction):
    """Keyed by article. First input: packed Signals; second: packed ArticleFacts; out:
    `passing_type`.

    State, in pickled plain values: the article's facts, `keep_s` seconds after it was last
    enriched; the events that came before it. They wait `wait_ms` of the topics' time (event-time
    timer on their arrival) for the article and then go on without. No side outputs.
    """

    def __init__(self, *, keep_s: int, wait_ms: int) -> None:
        self._keep_s = keep_s
        self._wait_ms = wait_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        known = ValueStateDescriptor("facts", Types.PICKLED_BYTE_ARRAY())
        known.enable_time_to_live(expiring(Time.seconds(self._keep_s)))
        self._known = runtime_context.get_state(known)
        self._waiting = runtime_context.get_list_state(
            ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY())
        )

    def process_element1(self, value: bytes, ctx: KeyedCoProcessFunction.Context) -> Sequence[Row]:
        known = self._known.value()
        if known is not None:
            return [_passing(value, known)]
        self._waiting.add(value)
        arrived_ms = signals.unpack(value).arrived_ms
        ctx.timer_service().register_event_time_timer(arrived_ms + self._wait_ms)
        return ()

    def process_element2(self, value: bytes, ctx: KeyedCoProcessFunction.Context) -> Sequence[Row]:
        before = self._known.value()
        if before is None or facts.unpack(before).enriched_ms <= facts.unpack(value).enriched_ms:
            self._known.update(value)
        return self._released(value)

    def on_timer(self, timestamp: int, ctx: KeyedCoProcessFunction.OnTimerContext) -> Sequence[Row]:
        return self._released(None)

    def _released(self, known: bytes | None) -> Sequence[Row]:
        waiting = [_passing(found, known) for found in self._waiting.get()]
        self._waiting.clear()
        return waiting


def _passing(found: bytes, known: bytes | None) -> Row:
    shard = passage.shard(signals.unpack(found).user_key)
    return Row(shard, passage.pack(found, known))
