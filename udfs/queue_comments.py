"""Candidates to the moderators' queue, within the budget."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.audience.queue import (
    HOUR_MS,
    Load,
    QueueRules,
    admit,
    item,
    packed,
    rank,
    unpacked,
)
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import COMMENTS_ENRICHED, MODERATION_QUEUE
from udfs.comment_rows import QUEUED
from udfs.gauges import Numbers, expose
from udfs.state_ttl import expiring


@dataclass
class QueueStats(Numbers):
    """What the operator has done since it was opened."""

    candidates: int = 0
    queued: int = 0
    over_budget: int = 0


class QueueComments(KeyedProcessFunction):
    """Keyed by desk/language. State: queue.Load as msgpack, for two hours. No timers.

    In: `candidate_type`. Out: `case_event_type`, kind queued. Who is not queued is counted, and on
    comments.enriched like everyone.
    """

    def __init__(
        self, *, rules: QueueRules, registry_url: str | None, registry_auth: str | None
    ) -> None:
        self._rules = rules
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._enriched = RecordCodec(COMMENTS_ENRICHED, registry)
        self._items = RecordCodec(MODERATION_QUEUE, registry)
        described = ValueStateDescriptor("load", Types.PICKLED_BYTE_ARRAY())
        described.enable_time_to_live(expiring(Time.milliseconds(2 * HOUR_MS)))
        self._load = runtime_context.get_state(described)
        self._stats = QueueStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        queue, at_ms, record = value
        policy = self._rules.policy(*queue.rsplit("/", 1))
        comment = self._enriched.decode(bytes(record))
        stored = self._load.value()
        load = unpacked(bytes(stored)) if stored else Load()
        decision = admit(load, at_ms, rank(comment, policy), policy)
        self._load.update(packed(decision.load))
        self._stats.candidates += 1
        if not decision.queued:
            self._stats.over_budget += 1
            return
        self._stats.queued += 1
        queued = item(comment, policy, threshold=decision.threshold, at_ms=at_ms)
        yield Row(comment.comment_id, QUEUED, at_ms, False, self._items.encode(queued))
