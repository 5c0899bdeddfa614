"""The two ways of the demo: its records sent to Kafka, or its articles served as feeds."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cli.connection import Connection
from cli.demo_account import Account, plan
from cli.demo_outcome import Outcome
from cli.demo_patience import LAST_ANSWER_S, Patience, Trouble
from cli.demo_screen import Screen
from cli.demo_sending import sending
from local import reader_keys
from local.demo import corpus, traffic
from local.stack import Stack
from models.keyring import read_keyring
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle
from schemas.errors import ServiceError
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    AUDIENCE_SENTIMENT,
    COMMENTS_ENRICHED,
    DEAD_LETTERS,
    MODERATION_QUEUE,
    STORIES_DEMAND,
    USERS_EMBEDDINGS,
)

if TYPE_CHECKING:
    from kafka import KafkaConsumer

    from cli.reading import KafkaRecord

_WATCHED = (
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    ALERTS_BREAKING,
    COMMENTS_ENRICHED,
    AUDIENCE_SENTIMENT,
    MODERATION_QUEUE,
    STORIES_DEMAND,
    USERS_EMBEDDINGS,
)
_POLL_MS = 100


def replay(
    connection: Connection, running: Stack, speed: float, trouble: Trouble, out: Console
) -> tuple[Account, Outcome]:
    """Send everything, and wait until all of it has come out."""
    account, outcome = _expected(running)
    codecs = {topic.name: connection.codec(topic) for topic in _WATCHED}
    with connection.consumer() as consumer:
        _watch(consumer)
        with (
            sending(account, outcome, connection, speed) as sender,
            Screen(out, account, outcome) as screen,
        ):
            patience = Patience(account, outcome, trouble)
            while not account.complete or outcome.missing or not patience.settled:
                patience.check(sender.done)
                for record in _polled(consumer):
                    if article := _taken(record, codecs, account, outcome):
                        screen.add(article)
                        sender.warm.set()
                screen.refresh()
            sender.done.result()
    return account, outcome


def ingest(connection: Connection, speed: float, trouble: Trouble) -> Outcome:
    """Ingest the articles from feeds of our own, and wait for the alert."""
    from cli.ingest import demo as ingest_demo

    outcome = Outcome((), time.time_ns() // 1_000_000)
    with ThreadPoolExecutor(1) as pool, connection.consumer() as consumer:
        ended = Event()
        watching = pool.submit(_watch_alerts, connection, consumer, outcome, ended)
        try:
            ingest_demo(speed=speed, bootstrap=connection.bootstrap, settings=None)
            deadline = time.monotonic() + LAST_ANSWER_S
            while outcome.alert is None and not watching.done():
                if time.monotonic() > deadline:
                    raise ServiceError(f"no alert came within {LAST_ANSWER_S} s; {trouble()}")
                time.sleep(_POLL_MS / 1000)
        finally:
            ended.set()
        watching.result()
    return outcome


def _expected(running: Stack) -> tuple[Account, Outcome]:
    """What is sent from now on, and what must come of it."""
    began_ms = time.time_ns() // 1_000_000
    base_ms = began_ms - corpus.SPAN_MS
    ring = read_keyring(reader_keys.ensure(reader_keys.pseudonyms_file(running.state_dir)))
    traffic_sent = traffic.planned(base_ms, ring.newest)
    return Account(plan(base_ms), began_ms), Outcome(traffic_sent, began_ms)


def _watch(consumer: "KafkaConsumer") -> None:
    """What comes from now on, and all alerts: an earlier run's may still stand."""
    from cli.reading import End, seek

    ends = seek(consumer, tuple(topic.name for topic in _WATCHED), End())
    consumer.seek_to_beginning(*(p for p in ends if p.topic == ALERTS_BREAKING.name))


def _watch_alerts(
    connection: Connection, consumer: "KafkaConsumer", outcome: Outcome, ended: Event
) -> None:
    from cli.reading import Beginning, seek

    codec = connection.codec(ALERTS_BREAKING)
    seek(consumer, (ALERTS_BREAKING.name,), Beginning())
    while not ended.is_set():
        for record in _polled(consumer):
            if record.value is not None:
                outcome.take(codec.decode(record.value))


def _polled(consumer: "KafkaConsumer") -> "Iterator[KafkaRecord]":
    for records in consumer.poll(_POLL_MS).values():
        yield from records


def _taken(
    record: "KafkaRecord", codecs: dict[str, Any], account: Account, outcome: Outcome
) -> EnrichedArticle | None:
    """Count what came; an enriched article of this demo is given back."""
    if record.topic == USERS_EMBEDDINGS.name:
        outcome.take_reader((record.key or b"").decode())
    elif record.value is not None:
        match codecs[record.topic].decode(record.value):
            case EnrichedArticle() as article:
                return article if account.take_article(article) else None
            case DeadLetter() as letter:
                account.take_letter(letter)
            case other:
                outcome.take(other)
    return None
