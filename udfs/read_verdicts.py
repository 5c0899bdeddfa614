"""Editors' commands: those that moderate, each to the case of its comment."""

from collections.abc import Iterator

from pyflink.common import Row, Time, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, ProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.audience.cases import Gate, address, gate_bytes, gate_from
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.registry import open_registry
from schemas.topics import EDITORIAL_CONTROL
from udfs.comment_rows import DECIDED, JOB
from udfs.read_topic import ReadTopic
from udfs.state_ttl import expiring


def verdict_type() -> TypeInformation:
    """(gate, command): the command id at whose gate a command waits, and its bytes."""
    return Types.ROW_NAMED(
        ["gate", "command"], [Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
    )


class ReadVerdicts(ReadTopic[EditorialCommand]):
    """Commands of editorial.control of kind `moderate` and `undo` go on as `verdict_type`, those
    for other jobs end here.
    """

    topic = EDITORIAL_CONTROL
    job = JOB

    def read(
        self,
        record: EditorialCommand,
        value: Row,
        ctx: ProcessFunction.Context,
    ) -> list[Row]:
        if record.kind == "moderate":
            return [Row(record.command_id, value[1])]
        if record.kind == "undo" and record.undoes:
            return [Row(record.undoes, value[1])]
        return []


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
        described = ValueStateDescriptor("gate", Types.PICKLED_BYTE_ARRAY())
        described.enable_time_to_live(expiring(Time.seconds(self._memory_s)))
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
