"""Events meet their articles."""

from collections.abc import Sequence

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedCoProcessFunction, RuntimeContext
from pyflink.datastream.state import (
    ListStateDescriptor,
    ValueStateDescriptor,
)

from models.profiles import facts, passage, signals
from models.profiles.facts import ArticleFacts, Placement
from udfs.state_ttl import expiring


class JoinArticles(KeyedCoProcessFunction):
    """Keyed by article. First input: packed Signals; second: packed ArticleFacts and Placements;
    out: `passing_type`.

    State: the article's facts, with the story it was placed in, `keep_s` seconds after either was
    last told; that story for as long where the placement came first; the events that came before
    the article, in pickled plain values. They wait `wait_ms` of the topics' time (event-time timer
    on their arrival) for the article and then go on without. Nothing waits for a placement: the
    event that meets an article costs one access of state. No side outputs.
    """

    def __init__(self, *, keep_s: int, wait_ms: int) -> None:
        self._keep_s = keep_s
        self._wait_ms = wait_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        known = ValueStateDescriptor("facts", Types.PICKLED_BYTE_ARRAY())
        placed = ValueStateDescriptor("placed", Types.STRING())
        for descriptor in (known, placed):
            descriptor.enable_time_to_live(expiring(Time.seconds(self._keep_s)))
        self._known = runtime_context.get_state(known)
        self._placed = runtime_context.get_state(placed)
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
        told = facts.unpack_told(value)
        packed = self._known.value()
        before = None if packed is None else facts.unpack(packed)
        if isinstance(told, Placement):
            self._place(told.story_id, before)
            return ()
        if before is None or before.enriched_ms <= told.enriched_ms:
            story_id = self._placed.value() if before is None else before.story_id
            packed = facts.pack(told._replace(story_id=story_id))
            self._known.update(packed)
        return self._released(packed)

    def on_timer(self, timestamp: int, ctx: KeyedCoProcessFunction.OnTimerContext) -> Sequence[Row]:
        return self._released(None)

    def _place(self, story_id: str, before: ArticleFacts | None) -> None:
        if before is None:
            self._placed.update(story_id)
        elif before.story_id != story_id:
            self._known.update(facts.pack(before._replace(story_id=story_id)))

    def _released(self, known: bytes | None) -> Sequence[Row]:
        waiting = [_passing(found, known) for found in self._waiting.get()]
        self._waiting.clear()
        return waiting


def _passing(found: bytes, known: bytes | None) -> Row:
    shard = passage.shard(signals.unpack(found).user_key)
    return Row(shard, passage.pack([found], known))
