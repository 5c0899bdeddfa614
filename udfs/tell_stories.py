"""Stories as they stand, told at most once a second."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor

from models.breaking import commands, told
from models.breaking.told import Told
from models.packing import unpack
from models.stories import neighbourhood
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry
from schemas.registry import open_registry
from schemas.story import StoryBurst, StoryScore
from schemas.topics import EDITORIAL_AUDIT, STORIES
from udfs.gauges import expose
from udfs.lifeline import end_with_task_manager
from udfs.read_commands import audit_tag

END_OF_INPUT = 2**63 - 1
"""Event time that every stream reaches when it ends, and no other does."""


@dataclass
class TellStats:
    """What the operator has done since it was opened."""

    heard: int = 0
    told: int = 0


class TellStories(KeyedProcessFunction):
    """Joins what neighbourhoods, desks and editors say of a story. Keyed by story.

    In: `addressed_type`, kind news, gone, scored, burst or command. Out: Row(key, value) of
    stories. Side output: answers to commands.

    State: `Told`, for `memory_s` seconds from its last change. Timers: a changed story is told when
    `every_ms` of processing time have passed, with all that came by then, or when the input ends.
    """

    def __init__(
        self,
        *,
        every_ms: int,
        pin_ms: int,
        memory_s: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._every_ms = every_ms
        self._pin_ms = pin_ms
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._audit = audit_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        registry = open_registry(*self._registry)
        self._stories = RecordCodec(STORIES, registry)
        self._entries = RecordCodec(EDITORIAL_AUDIT, registry)
        state = ValueStateDescriptor("told", Types.PRIMITIVE_ARRAY(Types.BYTE()))
        state.enable_time_to_live(StateTtlConfig.new_builder(Time.seconds(self._memory_s)).build())
        self._told = runtime_context.get_state(state)
        self._stats = TellStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[OutputTag, Row]]:
        _, kind, payload = value
        self._stats.heard += 1
        packed = self._told.value()
        state = told.from_bytes(bytes(packed)) if packed else None
        waits = state is not None and state.changed
        state, answer = self._step(state, kind, bytes(payload))
        if answer is not None:
            yield self._audit, Row(answer.command_id.encode(), self._entries.encode(answer))
        if state is None:
            return
        self._told.update(told.to_bytes(state))
        if state.changed and not waits:
            service = ctx.timer_service()
            due_ms = service.current_processing_time() + self._every_ms
            service.register_processing_time_timer(due_ms)
            service.register_event_time_timer(END_OF_INPUT)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        packed = self._told.value()
        state = told.from_bytes(bytes(packed)) if packed else Told()
        if not state.changed:
            return
        story_id = ctx.get_current_key()
        record = told.record(story_id, state)
        state.changed = False
        ctx.timer_service().delete_event_time_timer(END_OF_INPUT)
        self._told.update(told.to_bytes(state))
        if record is not None:
            self._stats.told += 1
            yield Row(story_id.encode(), self._stories.encode(record))

    def _step(
        self, state: Told | None, kind: str, payload: bytes
    ) -> tuple[Told | None, AuditEntry | None]:
        if kind == "command":
            given = commands.from_bytes(payload)
            wall_ms = time.time_ns() // 1_000_000
            return state, told.command(state, given, pin_ms=self._pin_ms, wall_ms=wall_ms)
        state = state or Told()
        if kind == "news":
            told.hear(state, neighbourhood.from_bytes(payload))
        elif kind == "gone":
            told.become(state, payload.decode())
        elif kind == "scored":
            told.score(state, StoryScore.model_validate(unpack(payload)))
        else:
            told.judge(state, StoryBurst.model_validate(unpack(payload)))
        return state, None
