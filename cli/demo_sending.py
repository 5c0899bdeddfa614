"""The demo's records on their way to Kafka, each when it is due."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from cli.connection import Connection
from cli.demo_account import Account, Planned
from cli.demo_outcome import Outcome
from schemas.topics import COMMENTS_RAW, USER_EVENTS

if TYPE_CHECKING:
    from ingest.send import ArticleSender


@dataclass(frozen=True)
class Sending:
    """A thread that sends the first article, and waits for `warm` before it sends the rest."""

    done: "Future[None]"
    warm: Event


@contextmanager
def sending(
    account: Account, outcome: Outcome, connection: Connection, speed: float
) -> Iterator[Sending]:
    """Send everything meanwhile; nothing more once the block ends."""
    from ingest.send import ArticleSender

    warm, stopped = Event(), Event()
    with (
        ArticleSender(connection.client(), registry=connection.registry()) as sender,
        ThreadPoolExecutor(1) as pool,
    ):
        done = pool.submit(_send, account, outcome, sender, connection, speed, warm, stopped)
        try:
            yield Sending(done, warm)
        finally:
            stopped.set()
            warm.set()


def _send(
    account: Account,
    outcome: Outcome,
    sender: "ArticleSender",
    connection: Connection,
    speed: float,
    warm: Event,
    stopped: Event,
) -> None:
    """Send the first article, and when the jobs are warm, the rest on its own time."""
    first, *rest = account.planned
    _send_one(sender, first)
    account.sent = 1
    warm.wait()
    began = time.monotonic() - first.offset_ms / 1000 / speed
    codecs = {topic.name: connection.codec(topic) for topic in (COMMENTS_RAW, USER_EVENTS)}
    for due in sorted([*rest, *outcome.sent], key=lambda each: each.offset_ms):
        if stopped.wait(max(0.0, began + due.offset_ms / 1000 / speed - time.monotonic())):
            return
        if isinstance(due, Planned):
            _send_one(sender, due)
            account.sent += 1
        else:
            value = codecs[due.topic].encode(due.record) if due.record else None
            sender.send_raw(due.key.encode(), value, topic=due.topic)
    sender.flush()


def _send_one(sender: "ArticleSender", record: Planned) -> None:
    if record.article is None:
        sender.send_raw(record.key.encode(), record.value)
    else:
        now_ms = time.time_ns() // 1_000_000
        sender.send(record.article.model_copy(update={"fetched_ms": now_ms}))
