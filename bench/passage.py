"""Records through a running job: sent to the topic it reads, awaited on the topic it writes."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord

from bench.reading import AT_ONCE_MS, PATIENT_MS, Progress, Received, reading, send, untold
from schemas.codec import RecordCodec
from schemas.record import Record
from schemas.topics import Topic


def by_key(record: ConsumerRecord) -> str:
    """The id in a record's key."""
    return record.key.decode()


@dataclass(frozen=True)
class Passage:
    """The way through a job.

    source, target  topics that it reads and writes
    id_field        of the records of `source`, their key
    identify        the id of the record that a read one was made of
    """

    kafka: Mapping[str, Any]
    job: str
    source: Topic[Any]
    target: Topic[Any]
    id_field: str
    identify: Callable[[ConsumerRecord], str] = by_key

    def per_second(self, batch: Sequence[Record], progress: Progress = untold) -> float:
        """Records a second, all sent at once; first sent to last read."""
        with self._reading(batch, progress, wait_ms=PATIENT_MS) as received:
            started = time.time()
            self.send(batch)
            received.wait()
        return len(batch) / (max(received.moments.values()) - started)

    def paced(
        self, batch: Sequence[Record], rate: float, progress: Progress = untold
    ) -> tuple[Received, dict[str, float]]:
        """What came of records that are sent at `rate` a second, and when each was sent."""
        with self._reading(batch, progress, wait_ms=AT_ONCE_MS) as received:
            sent = self.send(batch, rate)
            received.wait()
        return received, sent

    def send(self, batch: Sequence[Record], rate: float | None = None) -> dict[str, float]:
        """Send records, `rate` a second or flat out; when each was handed over."""
        codec = RecordCodec(self.source)
        records = [(self._id(record), codec.encode(record)) for record in batch]
        return send(self.kafka, self.source, records, rate)

    def _reading(
        self, batch: Sequence[Record], progress: Progress, *, wait_ms: int
    ) -> AbstractContextManager[Received]:
        return reading(
            self.kafka,
            self.target,
            self.identify,
            [self._id(record) for record in batch],
            job=self.job,
            wait_ms=wait_ms,
            progress=progress,
        )

    def _id(self, record: Record) -> str:
        return str(getattr(record, self.id_field))
