"""Sending records to a topic, and noting when what a job makes of them is read from another."""

import gc
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from schemas.errors import ServiceError
from schemas.topics import Topic

AT_ONCE_MS = 5
PATIENT_MS = 100
"""How long the broker may hold a fetch back; asking every 5 ms costs the job a tenth."""

PATIENT_BYTES = 64 * 1024
"""What a patient reader lets it gather before."""

_STALLED_S = 120
POLL_MS = 50

Progress = Callable[[int], None]
"""Called with the number of records read so far."""


def untold(done: int) -> None:
    """Progress that nobody is told of."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from before a record is sent to when the one made of it is read."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> "Latency":
        """Of how long each record took."""
        p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
        return cls(float(p50), float(p95), float(p99))


class Received:
    """When each expected record was first read."""

    def __init__(self, expected: Collection[str], job: str, progress: Progress) -> None:
        self._expected = frozenset(expected)
        self._job = job
        self._progress = progress
        self._changed = threading.Condition()
        self._failure: Exception | None = None
        self.moments: dict[str, float] = {}

    def add(self, ids: Sequence[str], moment: float) -> None:
        """Note what was read at a moment."""
        with self._changed:
            for found in self._expected.intersection(ids):
                self.moments.setdefault(found, moment)
            self._changed.notify_all()
        self._progress(len(self.moments))

    def fail(self, error: Exception) -> None:
        """No more will be read."""
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def check(self) -> None:
        """Raises what reading raised."""
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Until every record has come. Raises ServiceError when none comes for long, and what
        reading raised.
        """
        with self._changed:
            while (before := len(self.moments)) < len(self._expected):
                moved = self._changed.wait_for(
                    lambda b=before: len(self.moments) > b or self._failure is not None,
                    _STALLED_S,
                )
                self.check()
                if not moved:
                    raise ServiceError(
                        f"{before} of {len(self._expected)} records came back, then none for "
                        f"{_STALLED_S} s; is the job {self._job} running?"
                    )

    def latency(self, sent: Mapping[str, float]) -> Latency:
        """How long each took, by the moments at which they were sent."""
        return Latency.of([(self.moments[each] - at) * 1000 for each, at in sent.items()])


@contextmanager
def reading(
    kafka: Mapping[str, Any],
    topic: Topic[Any],
    identify: Callable[[ConsumerRecord], str],
    expected: Collection[str],
    *,
    job: str,
    wait_ms: int,
    progress: Progress = untold,
) -> Iterator[Received]:
    """Reads what `job` writes to a topic in a thread, from its present end on.

    Python looks for garbage meanwhile in what is new alone: a look at all that was there takes a
    tenth of a second, which would be told as the job's.

    identify  the id by which a record is expected
    wait_ms   how long the broker may hold a fetch back
    """
    received = Received(expected, job, progress)
    consumer = from_end(kafka, topic, wait_ms=wait_ms)
    ended = threading.Event()

    def read() -> None:
        try:
            while not ended.is_set():
                for records in consumer.poll(POLL_MS).values():
                    received.add([identify(record) for record in records], time.time())
        except Exception as error:  # told where it is waited for, else at the end
            received.fail(error)

    thread = threading.Thread(target=read, daemon=True)
    gc.collect()
    gc.freeze()
    thread.start()
    try:
        yield received
    finally:
        ended.set()
        thread.join()
        gc.unfreeze()
        consumer.close()
    received.check()


def from_end(kafka: Mapping[str, Any], topic: Topic[Any], *, wait_ms: int) -> KafkaConsumer:
    """A consumer of all of a topic from its present end on.

    wait_ms  how long the broker may hold a fetch back
    """
    consumer = KafkaConsumer(
        **kafka,
        group_id=None,
        isolation_level="read_committed",
        fetch_max_wait_ms=wait_ms,
        fetch_min_bytes=PATIENT_BYTES if wait_ms >= PATIENT_MS else 1,
    )
    partitions = [TopicPartition(topic.name, n) for n in consumer.partitions_for_topic(topic.name)]
    consumer.assign(partitions)
    for partition, end in consumer.end_offsets(partitions).items():
        consumer.seek(partition, end)
    return consumer


def send(
    kafka: Mapping[str, Any],
    topic: Topic[Any],
    records: Sequence[tuple[str, bytes]],
    rate: float | None = None,
) -> dict[str, float]:
    """Send (key, value), `rate` a second or flat out; when each was handed over, by key."""
    producer = KafkaProducer(**kafka, linger_ms=0 if rate else 5)
    moments, started = {}, time.time()
    for number, (key, value) in enumerate(records):
        if rate:
            time.sleep(max(0.0, started + number / rate - time.time()))
        moments[key] = time.time()
        producer.send(topic.name, key=key.encode(), value=value)
    producer.flush()
    producer.close()
    return moments


def send_at_once(
    kafka: Mapping[str, Any], topic: Topic[Any], records: Sequence[tuple[str, bytes]]
) -> float:
    """Send (key, value) in one transaction; when all of them could be read, s since 1970.

    A backlog that is there before it is worked off: sending takes nothing from the job.
    """
    producer = KafkaProducer(**kafka, linger_ms=5, transactional_id=f"bench-{uuid4()}")
    producer.init_transactions()
    producer.begin_transaction()
    for key, value in records:
        producer.send(topic.name, key=key.encode(), value=value)
    producer.flush()
    started = time.time()
    producer.commit_transaction()
    producer.close()
    return started
