"""Nothing is lost when something dies, and under exactly-once nothing comes twice."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest
from kafka import KafkaProducer
from redis import Redis
from topic_reader import TopicReader

from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW

pytestmark = pytest.mark.e2e

SEND_RATE = 100
BETWEEN_FAULTS = 500
"""Articles that must come through before the next fault."""

RECOVERY_S = 120


def pids(enrich, name: str) -> list[int]:
    return [p.pid for p in enrich.stack().processes if p.name.startswith(name)]


def python_workers(enrich) -> list[psutil.Process]:
    return [
        child
        for pid in pids(enrich, "taskmanager")
        for child in psutil.Process(pid).children(recursive=True)
        if child.name().startswith("python")
    ]


def kill_working_taskmanager(enrich) -> None:
    workers = python_workers(enrich)
    jvm = next(
        parent for parent in workers[0].parents() if parent.pid in pids(enrich, "taskmanager")
    )
    jvm.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, f"orphaned Python workers: {alive}"
    enrich.heal()


def kill_python_worker(enrich) -> None:
    for worker in python_workers(enrich):
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


def kill_redis(enrich) -> None:
    host, port = enrich.redis.split(":")
    with Redis(host, int(port)) as client:
        client.config_set("appendfsync", "no")  # what it answers is written, not held by a sync
    os.kill(*pids(enrich, "redis"), signal.SIGKILL)
    time.sleep(3)
    enrich.heal()


def restart_broker(enrich) -> None:
    (pid,) = pids(enrich, "kafka")
    broker = psutil.Process(pid)
    broker.terminate()
    broker.wait(30)
    enrich.heal()


FAULTS: dict[str, Callable] = {
    "TaskManager killed": kill_working_taskmanager,
    "Python worker killed": kill_python_worker,
    "Redis killed": kill_redis,
    "broker restarted": restart_broker,
}


class Sender(threading.Thread):
    """Sends articles at a steady rate, whatever dies, until it is told to stop."""

    def __init__(self, kafka: str, run: str) -> None:
        super().__init__(daemon=True)
        self._kafka = kafka
        self._run = run
        self._stopped = threading.Event()
        self.keys: list[str] = []
        self.confirmed = 0

    def stop(self) -> None:
        self._stopped.set()
        self.join(300)

    def run(self) -> None:
        codec = RecordCodec(ARTICLES_RAW)
        producer = KafkaProducer(
            bootstrap_servers=self._kafka, acks="all", delivery_timeout_ms=300_000
        )
        started, pending = time.monotonic(), []
        while not self._stopped.is_set():
            number = len(pending)
            time.sleep(max(0.0, started + number / SEND_RATE - time.monotonic()))
            now_ms = time.time_ns() // 1_000_000
            key = f"{self._run}-{number}"
            article = Article(
                article_id=key,
                source="courier.example",
                title=f"Report {number} from the harbour",
                body=f"Ship number {number} left the harbour with {number * 7} tonnes of grain.",
                published_ms=now_ms,
                fetched_ms=now_ms,
            )
            value = codec.encode(article)
            pending.append(producer.send(ARTICLES_RAW.name, key=key.encode(), value=value))
            self.keys.append(key)
        for sent in pending:
            sent.get(300)
        self.confirmed = len(pending)
        producer.close()


def wait_for_more(reader: TopicReader, seen: int) -> int:
    """How many articles came through, once it is `BETWEEN_FAULTS` more than `seen`."""
    reader.wait(lambda: len(set(reader.keys())) >= seen + BETWEEN_FAULTS, RECOVERY_S)
    return len(set(reader.keys()))


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_nothing_is_lost_whatever_dies(enrich_job, delivery, record_property):
    enrich = enrich_job(delivery=delivery)
    run = f"{delivery}-{time.time_ns()}"
    reader = TopicReader(enrich.kafka, ARTICLES_ENRICHED.name, run)
    sender = Sender(enrich.kafka, run)
    sender.start()
    enriched = 0
    for name, fault in FAULTS.items():
        enriched = wait_for_more(reader, enriched)
        failed = time.time()
        fault(enrich)
        enriched = wait_for_more(reader, len(set(reader.keys())))
        silence = reader.longest_silence_s(failed)
        record_property(name, f"{silence:.1f} s")
        print(f"{delivery}: {name}: longest silence {silence:.1f} s")
    sender.stop()
    sent = len(sender.keys)
    assert sender.confirmed == sent
    reader.wait(lambda: len(set(reader.keys())) >= sent, RECOVERY_S)
    time.sleep(5)
    reader.close()
    seen = Counter(reader.keys())
    assert set(seen) == set(sender.keys)
    duplicates = sum(seen.values()) - sent
    print(f"{delivery}: 0 of {sent} missing, {duplicates} duplicates")
    if delivery == "exactly_once":
        assert duplicates == 0
    host, port = enrich.redis.split(":")
    redis = Redis(host, int(port))
    missing = [key for key in sender.keys if not redis.exists(f"article:{key}")]
    assert not missing, f"{len(missing)} articles are not in Redis"
