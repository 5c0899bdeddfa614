"""Queued comments and moderators' commands to the state of each case."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.audience.cases import Case, Outcome, decide, packed, queue, supersede, unpacked
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import EDITORIAL_AUDIT, EDITORIAL_CONTROL, MODERATION_QUEUE
from udfs.comment_rows import DECIDED, JOB, QUEUED
from udfs.gauges import Numbers, expose
from udfs.route_outcomes import kafka_record_type
from udfs.state_ttl import expiring
from udfs.wall_clock import wall_clock_ms


def audit_tag() -> OutputTag:
    """Side output of editorial.audit, `kafka_record_type`."""
    return OutputTag("audit", kafka_record_type())


@dataclass
class CaseStats(Numbers):
    """What the operator has done since it was opened."""

    items: int = 0
    applied: int = 0
    repeated: int = 0
    refused: int = 0


class DecideCases(KeyedProcessFunction):
    """Keyed by comment_id. State: cases.Case as msgpack, for `memory_s`. No timers.

    In: `case_event_type`. Out: Row(key, value) of moderation.queue, one for each change. Side
    output: editorial.audit, one for each command.
    """

    def __init__(
        self, *, memory_s: int, registry_url: str | None, registry_auth: str | None
    ) -> None:
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._audit = audit_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._items = RecordCodec(MODERATION_QUEUE, registry)
        self._commands = RecordCodec(EDITORIAL_CONTROL, registry)
        self._entries = RecordCodec(EDITORIAL_AUDIT, registry)
        described = ValueStateDescriptor("case", Types.PICKLED_BYTE_ARRAY())
        described.enable_time_to_live(expiring(Time.seconds(self._memory_s)))
        self._case = runtime_context.get_state(described)
        self._stats = CaseStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        stored = self._case.value()
        before = unpacked(bytes(stored)) if stored else Case()
        found = self._outcome(before, value)
        if found.case != before:
            self._case.update(packed(found.case))
        if found.item is not None:
            self._stats.items += 1
            yield Row(found.item.comment_id.encode(), self._items.encode(found.item))
        if found.audit is not None:
            outcome = found.audit.outcome
            setattr(self._stats, outcome, getattr(self._stats, outcome) + 1)
            entry = self._entries.encode(found.audit)
            yield self._audit, Row(found.audit.command_id.encode(), entry)

    def _outcome(self, case: Case, event: Row) -> Outcome:
        _, kind, at_ms, deleted, payload = event
        if kind == QUEUED:
            return queue(case, self._items.decode(bytes(payload)))
        if kind == DECIDED:
            command = self._commands.decode(bytes(payload))
            return decide(case, command, job=JOB, at_ms=wall_clock_ms())
        return supersede(case, at_ms, deleted=deleted, at_ms=wall_clock_ms())
