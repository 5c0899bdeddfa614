"""Kafka for an event loop: one thread reads, one client sends."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from schemas.broker import explained
from schemas.codec import RecordCodec
from schemas.errors import KafkaAway, ServiceError, UndecodableRecord
from schemas.record import Record
from schemas.topics import MAX_REQUEST_BYTES, Topic

log = logging.getLogger(__name__)

_POLL_MS = 200
_LOOK_AGAIN_S = 10.0
_BACKOFF_S = (0.5, 1, 2, 5)
_DELIVERED_MS = 8_000
_BLOCKED_MS = 4_000


@dataclass(frozen=True)
class Arrived:
    """A decoded record and its place in Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    record: Record


@dataclass(frozen=True)
class Reading:
    """A topic to read, from `since_ms` on; None: all of it."""

    topic: Topic[Any]
    since_ms: int | None


@dataclass
class ReaderState:
    """How reading goes, for health and metrics; written by the thread, read by anyone.

    problem  why nothing is read just now
    """

    problem: str | None = "not read yet"
    caught_up: bool = False
    records: int = 0
    undecodable: int = 0
    lag: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


class TopicReader:
    """Reads topics in a thread, and hands what it decodes to an event loop, batch by batch.

    deliver  called on the loop with each batch, and awaited: a slow loop slows the reading, and
             nothing piles up

    Reads without a group, from where `readings` say; after Kafka was away it goes on where it was.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        readings: Sequence[Reading],
        codec: Callable[[Topic[Any]], RecordCodec[Any]],
        deliver: Callable[[list[Arrived]], Awaitable[None]],
    ) -> None:
        self._connection = dict(connection)
        self._readings = readings
        self._make_codec = codec
        self._codecs: dict[str, RecordCodec[Any]] = {}
        self._deliver = deliver
        self._positions: dict[TopicPartition, int] = {}
        self._stop = threading.Event()
        self.state = ReaderState()
        self.caught_up = asyncio.Event()
        """Set on the loop once everything that was there at the start has been delivered."""

    def start(self) -> None:
        """Begin; call it on the loop that takes the batches."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="topics", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 5)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._read_on()
                failures = 0
            except (KafkaError, OSError, ServiceError) as error:
                self.state.problem = _problem(error)
                log.warning("%s", self.state.problem)
                self._stop.wait(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1

    def _read_on(self) -> None:
        with self._consumer() as consumer:
            ends = self._assign(consumer)
            looked_s = time.monotonic()
            while not self._stop.is_set():
                batch = consumer.poll(_POLL_MS) if self._positions else self._idle()
                self.state.problem = None
                self._hand_over(batch)
                for partition in batch:
                    self._positions[partition] = consumer.position(partition)
                if not self.state.caught_up and all(
                    consumer.position(partition) >= end for partition, end in ends.items()
                ):
                    self.state.caught_up = True
                    self._loop.call_soon_threadsafe(self.caught_up.set)
                if time.monotonic() - looked_s > _LOOK_AGAIN_S:
                    looked_s = time.monotonic()
                    self._measure(consumer)
                    if self.state.missing:
                        ends = self._assign(consumer)

    def _consumer(self) -> KafkaConsumer:
        """Raises ServiceError where Kafka is away or does not let us in."""
        with explained(self._connection):
            return KafkaConsumer(
                **self._connection,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_partition_fetch_bytes=MAX_REQUEST_BYTES,
                allow_auto_create_topics=False,
            )

    def _idle(self) -> dict[TopicPartition, Any]:
        """Wait as long as a poll does: no topic is there yet."""
        self._stop.wait(_POLL_MS / 1000)
        return {}

    def _assign(self, consumer: KafkaConsumer) -> dict[TopicPartition, int]:
        """Read every partition that there is, from where we were or are to begin."""
        found: list[tuple[TopicPartition, int | None]] = []
        self.state.missing = []
        for reading in self._readings:
            numbers = consumer.partitions_for_topic(reading.topic.name)
            if not numbers:
                self.state.missing.append(reading.topic.name)
                continue
            found += [
                (TopicPartition(reading.topic.name, number), reading.since_ms)
                for number in sorted(numbers)
            ]
        partitions = [partition for partition, _ in found]
        consumer.assign(partitions)
        if not partitions:
            return {}
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        since = {p: moment for p, moment in found if moment is not None}
        dated = consumer.offsets_for_times(since) if since else {}
        for partition, moment in found:
            known = self._positions.get(partition)
            if known is None or not first[partition] <= known <= end[partition]:
                begin = dated.get(partition)
                known = (
                    first[partition]
                    if moment is None
                    else begin.offset
                    if begin
                    else end[partition]
                )
            self._positions[partition] = known
            consumer.seek(partition, known)
        return dict(end)

    def _measure(self, consumer: KafkaConsumer) -> None:
        lag: dict[str, int] = {}
        for partition, end in consumer.end_offsets(list(self._positions)).items():
            behind = max(0, end - self._positions[partition])
            lag[partition.topic] = lag.get(partition.topic, 0) + behind
        self.state.lag = lag

    def _hand_over(self, batch: Mapping[TopicPartition, Sequence[Any]]) -> None:
        arrived = [
            found
            for records in batch.values()
            for record in records
            if (found := self._decoded(record)) is not None
        ]
        if arrived and not self._stop.is_set():
            taken = asyncio.run_coroutine_threadsafe(_awaited(self._deliver(arrived)), self._loop)
            while not self._stop.is_set():
                try:
                    taken.result(timeout=1)
                    return
                except TimeoutError:
                    continue

    def _decoded(self, record: Any) -> Arrived | None:
        """A record, None for one that is none: the job's dead letters tell of those."""
        if record.value is None:  # a tombstone
            return None
        codec = self._codecs.get(record.topic)
        if codec is None:
            topic = next(r.topic for r in self._readings if r.topic.name == record.topic)
            codec = self._codecs[record.topic] = self._make_codec(topic)
        self.state.records += 1
        try:
            decoded = codec.decode(record.value)
        except UndecodableRecord as error:
            self.state.undecodable += 1
            log.warning("%s/%s/%s: %s", record.topic, record.partition, record.offset, error)
            return None
        return Arrived(record.topic, record.partition, record.offset, record.timestamp, decoded)


async def _awaited(coming: Awaitable[None]) -> None:
    await coming


def _problem(error: Exception) -> str:
    """Why nothing is read, for people."""
    refused = isinstance(error, ServiceError) and not isinstance(error, KafkaAway)
    return str(error) if refused else f"Kafka is away: {error or type(error).__name__}"


class TopicProducer:
    """Sends records and waits until Kafka has them; connects when it is first needed."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._connection = dict(connection)
        self._producer: KafkaProducer | None = None
        self._opening = threading.Lock()

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Returns when Kafka has the record. Raises ServiceError."""
        await asyncio.to_thread(self._send, topic, key, value)

    async def close(self) -> None:
        """Let go of Kafka."""
        if self._producer is not None:
            await asyncio.to_thread(self._producer.close, 2)

    def _send(self, topic: str, key: bytes, value: bytes) -> None:
        try:
            sent = self._open().send(topic, value, key)
            sent.get(timeout=(_DELIVERED_MS + _BLOCKED_MS) / 1000)
        except (KafkaError, OSError) as error:
            raise ServiceError(f"Kafka did not take it: {error or type(error).__name__}") from error

    def _open(self) -> KafkaProducer:
        with self._opening:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **self._connection,
                    acks="all",
                    linger_ms=0,
                    max_request_size=MAX_REQUEST_BYTES,
                    max_block_ms=_BLOCKED_MS,
                    delivery_timeout_ms=_DELIVERED_MS,
                    request_timeout_ms=_BLOCKED_MS,
                    allow_auto_create_topics=False,
                )
            return self._producer
