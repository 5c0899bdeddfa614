"""A record that a job could not process."""

from dataclasses import dataclass

from schemas.errors import RecordError
from schemas.record import Record


@dataclass(frozen=True)
class Delivery:
    """A Kafka record as it was delivered: its bytes and where they came from."""

    key: bytes | None
    value: bytes | None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class DeadLetter(Record):
    """A record that a job could not process, whole, with where it came from and why."""

    value: bytes
    key: bytes | None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    job: str
    stage: str
    reason: str
    detail: str
    failed_ms: int

    @property
    def origin(self) -> str:
        """Key of the record on dead-letters: `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def of(
        cls, delivery: Delivery, error: RecordError, *, job: str, failed_ms: int
    ) -> "DeadLetter":
        """The dead letter of a delivery that `error` ended."""
        return cls(
            value=delivery.value or b"",
            key=delivery.key,
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            timestamp_ms=delivery.timestamp_ms,
            job=job,
            stage=error.stage,
            reason=str(error.reason),
            detail=error.detail,
            failed_ms=failed_ms,
        )
