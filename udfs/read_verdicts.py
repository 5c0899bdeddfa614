"""Editors' commands: those that moderate, each to the case of its comment."""

import time
from collections.abc import Iterator

from pyflink.common import Row, Time, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction, RuntimeContext
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor

from models.audience.cases import Gate, address, gate_bytes, gate_from
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.editorial import EditorialCommand
from schemas.errors import UndecodableRecord
from schemas.registry import open_registry
from schemas.topics import DEAD_LETTERS, EDITORIAL_CONTROL
from udfs.comment_rows import DECIDED, JOB
from udfs.deliveries import delivery_of
from udfs.route_outcomes import dead_letters_tag


def verdict_type() -> TypeInformation:
    """(gate, command): the command id at whose gate a command waits, and its bytes."""
    return Types.ROW_NAMED(
        ["gate", "command"], [Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
    )


class ReadVerdicts(ProcessFunction):
    """Commands of kind `moderate` and `undo` go on as `verdict_type`, those for other jobs end
    here; what cannot be read leaves by side output. No state, no timers.

    In: Row(key, value, topic, partition, offset, timestamp) of editorial.control.
    """

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)
        self._tag = dead_letters_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._commands = RecordCodec(EDITORIAL_CONTROL, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)

    def process_element(
        self, value: Row, ctx: ProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        delivery = delivery_of(value)
        try:
            command: EditorialCommand = self._commands.decode(delivery.value)
        except UndecodableRecord as error:
            failed_ms = time.time_ns() // 1_000_000
            letter = DeadLetter.of(delivery, error, job=JOB, failed_ms=failed_ms)
            yield self._tag, Row(letter.origin.encode(), self._letters.encode(letter))
            return
        if command.kind == "moderate":
            yield Row(command.command_id, delivery.value)
        elif command.kind == "undo" and command.undoes:
            yield Row(command.undoes, delivery.value)


class AddressVerdicts(KeyedProcessFunction):
    """Keyed by command id, an undo by the id that it takes back. No timers.

    In: `verdict_type`. Out: `case_event_type`, kind decided. State: cases.Gate as msgpack, for
    `memory_s`.
    """

    def __init__(
        self, *, memory_s: int, registry_url: str | None, registry_auth: str | None
    ) -> None:
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._commands = RecordCodec(EDITORIAL_CONTROL, open_registry(*self._registry))
        described = ValueStateDescriptor("gate", Types.PRIMITIVE_ARRAY(Types.BYTE()))
        described.enable_time_to_live(
            StateTtlConfig.new_builder(Time.seconds(self._memory_s)).build()
        )
        self._gate = runtime_context.get_state(described)

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        payload = bytes(value[1])
        command = self._commands.decode(payload)
        stored = self._gate.value()
        before = gate_from(bytes(stored)) if stored else Gate()
        gate, heard = address(before, command, payload)
        if gate != before:
            self._gate.update(gate_bytes(gate))
        for comment_id, each in heard:
            yield Row(comment_id, DECIDED, command.issued_ms, False, each)
