"""What `wiredesk erase --user` does: the job forgets a reader, then everything is searched."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import typer
from redis import Redis
from rich.console import Console
from rich.table import Table

from cli.connection import Connection
from cli.reading import Beginning, read_to_end, seek
from schemas.errors import ServiceError, UndecodableRecord
from schemas.redis_keys import profile_key
from schemas.topics import DEAD_LETTERS, USER_EVENTS, USERS_EMBEDDINGS, Topic
from schemas.user_event import UserEvent

if TYPE_CHECKING:
    from kafka import TopicPartition

out = Console()
err = Console(stderr=True)

_POLL_MS = 200


@dataclass(frozen=True)
class Place:
    """Where was looked, what was found, and whether that may be."""

    name: str
    found: str
    clean: bool


def erase_reader(
    connection: Connection, client: Redis, keys: Collection[str], *, wait_s: float
) -> None:
    """Have the job forget the reader of some pseudonyms, and tell what is left where.

    A reader of whom nothing was known is told of: whoever names the wrong key ring finds nobody,
    and nothing left. Raises ServiceError when the job does not answer, or a profile is left.
    """
    connection.require_topic(USERS_EMBEDDINGS.name)
    if not is_known(connection, client, keys):
        typer.echo(
            f"nothing was known of {', '.join(keys)}: was this reader sent with another key ring? "
            "Name it with --keyring",
            err=True,
        )
    with connection.consumer() as consumer:
        ends = seek(consumer, (USERS_EMBEDDINGS.name,), Beginning())
    _ask(connection, keys)
    with err.status("waiting for the job profiles"):
        _await_tombstones(connection, keys, ends, wait_s)
        _await_redis(client, keys, wait_s)
    places = [Place("state of the job", "cleared: it answered with a tombstone", clean=True)]
    places += [_in_redis(client, keys), *_in_topics(connection, keys)]
    table = Table(box=None, pad_edge=False)
    for heading in ("looked in", "found", ""):
        table.add_column(heading, overflow="fold")
    for place in places:
        table.add_row(place.name, place.found, "ok" if place.clean else "NOT CLEAN")
    out.print(table)
    if not all(place.clean for place in places):
        raise ServiceError("something of the reader is left")


def is_known(connection: Connection, client: Redis, keys: Collection[str]) -> bool:
    """Whether Redis or a topic has anything of a reader, but that they were to be forgotten."""
    if client.exists(*(profile_key(key) for key in keys)):
        return True
    wanted = {key.encode() for key in keys}
    codec = connection.codec(USER_EVENTS)
    with connection.consumer() as consumer:
        topics = (USERS_EMBEDDINGS.name, USER_EVENTS.name)
        for record in read_to_end(consumer, seek(consumer, topics, Beginning())):
            if record.key not in wanted or record.value is None:
                continue
            try:
                if (
                    record.topic == USERS_EMBEDDINGS.name
                    or codec.decode(record.value).kind != "erase"
                ):
                    return True
            except UndecodableRecord:
                return True
    return False


def _ask(connection: Connection, keys: Collection[str]) -> None:
    from ingest.send import ArticleSender

    codec = connection.codec(USER_EVENTS)
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for key in keys:
            event = UserEvent(
                event_id=f"erase-{uuid4()}",
                user_key=key,
                kind="erase",
                ts_ms=time.time_ns() // 1_000_000,
                consent=False,
            )
            sender.send_raw(key.encode(), codec.encode(event), topic=USER_EVENTS.name)


def _await_tombstones(
    connection: Connection,
    keys: Collection[str],
    ends: dict["TopicPartition", int],
    wait_s: float,
) -> None:
    """Until the job has answered for every key. Raises ServiceError."""
    missing = {key.encode() for key in keys}
    deadline = time.monotonic() + wait_s
    with connection.consumer() as consumer:
        consumer.assign(list(ends))
        for partition, end in ends.items():
            consumer.seek(partition, end)
        while missing:
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"the job profiles did not answer within {wait_s:g} s; the request stays on "
                    f"{USER_EVENTS.name}, and is done when the job runs"
                )
            for records in consumer.poll(_POLL_MS).values():
                missing -= {record.key for record in records if record.value is None}


def _await_redis(client: Redis, keys: Collection[str], wait_s: float) -> None:
    """Until the job's next pipeline has come; what is there after that, the table tells."""
    deadline = time.monotonic() + wait_s
    names = [profile_key(key) for key in keys]
    while client.exists(*names) and time.monotonic() < deadline:
        time.sleep(_POLL_MS / 1000)


def _in_redis(client: Redis, keys: Collection[str]) -> Place:
    """Every key of Redis that names the reader, whoever wrote it."""
    named = [
        name for name in client.scan_iter(count=1000) if any(key.encode() in name for key in keys)
    ]
    found = ", ".join(name.decode(errors="replace") for name in named) or "nothing"
    return Place("Redis, all keys", found, clean=not named)


def _in_topics(connection: Connection, keys: Collection[str]) -> list[Place]:
    """The records that name the reader, in every topic whose key or value may."""
    wanted = [key.encode() for key in keys]
    places = []
    with connection.consumer() as consumer:
        for topic in (USERS_EMBEDDINGS, USER_EVENTS, DEAD_LETTERS):
            values, newest_has_value = 0, dict.fromkeys(wanted, False)
            for record in read_to_end(consumer, seek(consumer, (topic.name,), Beginning())):
                for key in wanted:
                    if key == record.key or key in (record.value or b""):
                        values += record.value is not None
                        newest_has_value[key] = record.value is not None
            places.append(told(topic, values, live=any(newest_has_value.values())))
    return places


def told(topic: Topic, records: int, *, live: bool) -> Place:
    """What a topic holds of the reader.

    live  the newest record of one of the keys has a value
    """
    if topic is USERS_EMBEDDINGS:
        newest = "a profile is the newest record" if live else "a tombstone is the newest record"
        within = timedelta(milliseconds=topic.compacted_within_ms or 0)
        rest = f"; {records} older, encrypted, compacted away within {within}" if records else ""
        return Place(topic.name, newest + rest, clean=not live)
    gone = datetime.now(UTC) + timedelta(milliseconds=topic.retention_ms)
    found = f"{records} records, gone by {gone:%Y-%m-%d %H:%M} UTC" if records else "nothing"
    return Place(topic.name, found, clean=True)
