"""What a consumer sees: everything on a topic since the reader was made, with the time it came."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition


class TopicReader:
    """Reads the records of a topic whose keys begin with `prefix`, in a thread.

    Read-committed, from the end on, by librdkafka: a client that the product does not use.
    """

    def __init__(self, kafka: str, topic: str, prefix: str = "") -> None:
        self._prefix = prefix.encode()
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"reader-{uuid4()}",
                "enable.auto.commit": False,
                "log_level": 0,  # a broker that restarts is part of the test
                "isolation.level": "read_committed",
                "fetch.message.max.bytes": 16 << 20,
            }
        )
        numbers = self._consumer.list_topics(topic, 10).topics[topic].partitions
        self._consumer.assign([self._end(TopicPartition(topic, number)) for number in numbers])
        self.records: list[tuple[float, bytes, bytes]] = []
        self._stopped = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _end(self, partition: TopicPartition) -> TopicPartition:
        _, end = self._consumer.get_watermark_offsets(partition, 10)
        return TopicPartition(partition.topic, partition.partition, end)

    def _read(self) -> None:
        while not self._stopped:
            for message in self._consumer.consume(500, 0.05):
                if message.error() is None and message.key().startswith(self._prefix):
                    self.records.append((time.time(), message.key(), message.value()))

    def longest_silence_s(self, since: float) -> float:
        """The longest time without a record after a moment."""
        moments = [since, *(at for at, _, _ in list(self.records) if at > since)]
        return max(later - earlier for earlier, later in pairwise(moments))

    def keys(self) -> list[str]:
        return [key.decode() for _, key, _ in list(self.records)]

    def wait(self, satisfied: Callable[[], bool], timeout_s: float) -> None:
        """Raises AssertionError when nothing satisfies in time."""
        deadline = time.monotonic() + timeout_s
        while not satisfied():
            assert time.monotonic() < deadline, f"after {timeout_s} s: {len(self.records)} records"
            time.sleep(0.05)

    def close(self) -> None:
        self._stopped = True
        self._thread.join()
        self._consumer.close()
