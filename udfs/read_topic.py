"""Records of one Kafka topic to what a job makes of them; what cannot be used to dead-letters."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from pyflink.common import Row
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter, Delivery
from schemas.errors import RecordError
from schemas.record import Record
from schemas.registry import Registry, open_registry
from schemas.topics import DEAD_LETTERS, Topic
from udfs.deliveries import delivery_of
from udfs.route_outcomes import dead_letters_tag
from udfs.wall_clock import wall_clock_ms

R = TypeVar("R", bound=Record)

Out = Row | tuple[OutputTag, Row]
"""What goes on, or what leaves by a side output."""


class Letters:
    """What a job cannot use, as it leaves by the side output of dead letters."""

    def __init__(self, job: str, registry: Registry | None) -> None:
        self._job = job
        self._tag = dead_letters_tag()
        self._encode = RecordCodec(DEAD_LETTERS, registry).encode

    def letter(self, delivery: Delivery, error: RecordError) -> Out:
        """The dead letter of a delivery that `error` ended."""
        failed_ms = wall_clock_ms()
        letter = DeadLetter.of(delivery, error, job=self._job, failed_ms=failed_ms)
        return self._tag, Row(letter.origin.encode(), self._encode(letter))


class ReadTopic(ProcessFunction, Generic[R]):
    """Base of the operators that decode a topic. No key, no state, no timers.

    In: Row(key, value, topic, partition, offset, timestamp). Out: whatever `read` makes of each
    record. Side output: a dead letter for bytes that are no record, and for a record that `read`
    refuses with a RecordError. A subclass says which topic it reads, for which job.
    """

    topic: ClassVar[Topic]
    job: ClassVar[str]

    def __init__(self, *, registry_url: str | None, registry_auth: str | None) -> None:
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._decode = RecordCodec(self.topic, registry).decode
        self._letters = Letters(self.job, registry)

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        try:
            return self.read(self._decode(value[1]), value, ctx)
        except RecordError as error:
            self.count_dead(error)
            return [self._letters.letter(delivery_of(value, ctx.timestamp()), error)]

    @abstractmethod
    def read(self, record: R, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        """What a record becomes. Not a generator: what it raises is caught while it is called."""

    def count_dead(self, error: RecordError) -> None:
        """Called for each dead letter."""
