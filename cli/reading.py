"""Reading topics from a place on, as far as they reach now or for ever."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from schemas.errors import ServiceError, SetupError

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

_POLL_MS = 200
_MARKERS_FACTOR = 2
"""Under exactly-once, every record may be followed by a transaction marker."""


class KafkaRecord(Protocol):
    """What is used of kafka-python's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Beginning:
    """From the oldest record."""


@dataclass(frozen=True)
class End:
    """Only what arrives from now on."""


@dataclass(frozen=True)
class Newest:
    """From about the newest `count` records of each partition on."""

    count: int


@dataclass(frozen=True)
class Since:
    """From the first record with this Kafka timestamp or a later one, milliseconds."""

    timestamp_ms: int


Start = Beginning | End | Newest | Since


def moment_ms(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time (UTC where no zone is given) or of such a number.

    >>> moment_ms("2026-03-02T07:00Z"), moment_ms("1772434800000")
    (1772434800000, 1772434800000)
    """
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SetupError(
            f"{text!r} is no time; expected for example 2026-03-01T12:00Z, or milliseconds "
            "since 1970"
        ) from error
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def seek(
    consumer: "KafkaConsumer", topics: Sequence[str], start: Start
) -> dict["TopicPartition", int]:
    """Place a consumer on every partition of some topics; where each partition ends now.

    Raises ServiceError when a topic is not there.
    """
    from kafka import TopicPartition

    partitions = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise ServiceError(f"topic {topic} is not there; `wiredesk topics create` makes it")
        partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(partitions)
    first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for partition, offset in _offsets(consumer, start, first, end).items():
        consumer.seek(partition, offset)
    return dict(end)


def read_to_end(
    consumer: "KafkaConsumer", ends: dict["TopicPartition", int]
) -> Iterator[KafkaRecord]:
    """Every record up to the offsets in `ends`, partition by partition as they come."""
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for partition, records in consumer.poll(_POLL_MS).items():
            yield from (record for record in records if record.offset < ends[partition])


def read_on(consumer: "KafkaConsumer", *, idle_s: float | None = None) -> Iterator[KafkaRecord]:
    """Records as they arrive, for ever, or until none came for `idle_s`."""
    heard = time.monotonic()
    while idle_s is None or time.monotonic() - heard < idle_s:
        for records in consumer.poll(_POLL_MS).values():
            yield from records
            heard = time.monotonic()


def _offsets(
    consumer: "KafkaConsumer", start: Start, first: dict[Any, int], end: dict[Any, int]
) -> dict["TopicPartition", int]:
    match start:
        case Beginning():
            return first
        case End():
            return end
        case Newest(count):
            return {p: max(first[p], end[p] - _MARKERS_FACTOR * count) for p in end}
        case Since(timestamp_ms):
            found = consumer.offsets_for_times(dict.fromkeys(end, timestamp_ms))
            return {p: found[p].offset if found.get(p) else end[p] for p in end}
