"""Editors' commands to those who apply them, each once."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Time, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.breaking import commands
from models.breaking.commands import JOB, Place, Seen
from models.stories.partition import SLOTS
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.registry import open_registry
from schemas.topics import EDITORIAL_AUDIT, EDITORIAL_CONTROL
from udfs.addressing import Post, addressed_type
from udfs.gauges import Numbers, expose
from udfs.read_topic import ReadTopic
from udfs.route_outcomes import kafka_record_type
from udfs.state_ttl import expiring
from udfs.wall_clock import wall_clock_ms


def keyed_command_type() -> TypeInformation:
    """(key, command): the command id at whose gate a command waits, and its bytes."""
    return Types.ROW_NAMED(
        ["key", "command"], [Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
    )


def audit_tag() -> OutputTag:
    """Side output of answers to commands, `kafka_record_type`."""
    return OutputTag("audit", kafka_record_type())


def commands_tag(place: Place) -> OutputTag:
    """Side output of commands for a place, `addressed_type`, kind command."""
    return OutputTag(f"commands-{place}", addressed_type())


class ReadCommands(ReadTopic[EditorialCommand]):
    """Decodes editorial.control. Out: `keyed_command_type`."""

    topic = EDITORIAL_CONTROL
    job = JOB

    def read(self, record: EditorialCommand, value: Row, ctx: ProcessFunction.Context) -> list[Row]:
        return [Row(commands.gate_key(record), record.model_dump_json().encode())]


@dataclass
class CommandStats(Numbers):
    """What the operator has done since it was opened."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0


class AcceptCommands(KeyedProcessFunction):
    """Lets each command through once. Keyed by command id, an undo by the id that it takes back.

    State: the command and its undos, for `memory_s` seconds. Out: nothing; side outputs: commands
    for each place, and answers to those that were refused or given before.
    """

    def __init__(
        self,
        *,
        desks: list[str],
        memory_s: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._desks = desks
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._audit = audit_tag()
        self._places = {place: commands_tag(place) for place in Place}

    def open(self, runtime_context: RuntimeContext) -> None:
        seen = ValueStateDescriptor("seen", Types.PICKLED_BYTE_ARRAY())
        seen.enable_time_to_live(expiring(Time.seconds(self._memory_s)))
        self._seen = runtime_context.get_state(seen)
        self._entries = RecordCodec(EDITORIAL_AUDIT, open_registry(*self._registry))
        self._stats = CommandStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: bytes, ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[OutputTag, Row]]:
        packed = self._seen.value()
        accepted = commands.accept(
            commands.seen_from_bytes(packed) if packed else Seen(),
            EditorialCommand.model_validate_json(bytes(value)),
            desks=self._desks,
            slots=SLOTS,
            at_ms=wall_clock_ms(),
        )
        self._seen.update(commands.seen_to_bytes(accepted.seen))
        for answer in accepted.answers:
            self._stats.repeated += answer.outcome == "repeated"
            self._stats.refused += answer.outcome == "refused"
            yield self._audit, Row(answer.command_id.encode(), self._entries.encode(answer))
        self._stats.accepted += bool(accepted.addressed)
        posts = {place: Post() for place in self._places}
        for each in accepted.addressed:
            post = posts[each.place]
            add = post.add_about if each.place is Place.TELLING else post.add
            add(each.key, "command", commands.to_bytes(each))
        for place, post in posts.items():
            for record in post.records():
                yield self._places[place], record
