"""`wiredesk tail`: the records of a topic as JSON lines."""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.reading import (
    Beginning,
    End,
    KafkaRecord,
    Newest,
    Since,
    Start,
    moment_ms,
    read_on,
    read_to_end,
    seek,
)
from cli.topics import complete_topic, known_topic
from schemas.errors import SetupError, UndecodableRecord
from schemas.topics import Topic

if TYPE_CHECKING:
    from kafka import KafkaConsumer

    from schemas.codec import RecordCodec

err = Console(stderr=True)

RECENT = 10
"""Records shown first when neither --from nor --limit says otherwise."""

_LINE_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""Characters that JSON leaves as they are, but that readers of lines may break at."""


class EmbeddingForm(StrEnum):
    """How an embedding is printed."""

    NONE = "none"
    BASE64 = "base64"
    FLOATS = "floats"


def tail(
    topic: Annotated[
        str,
        typer.Argument(help="For example articles.enriched.", autocompletion=complete_topic),
    ],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            help="beginning, end (only what comes from now on), or a time: 2026-03-01T12:00Z. "
            "Default: the newest records, as many as --limit, else 10.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many records. Default: never.")
    ] = None,
    follow: Annotated[
        bool, typer.Option(help="Wait for more at the end, or stop there.", show_default=True)
    ] = True,
    key: Annotated[str | None, typer.Option(help="Only records with this key.")] = None,
    fields: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these fields; language.code reaches inside."),
    ] = None,
    embedding: Annotated[
        EmbeddingForm, typer.Option(help="Embeddings: left out, base64 of float16, or numbers.")
    ] = EmbeddingForm.BASE64,
    read_committed: Annotated[
        bool,
        typer.Option(
            "--read-committed/--read-uncommitted",
            help="Leave out, or show, what a transaction has not committed.",
        ),
    ] = True,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Print decoded records as JSON lines, the newest ones first found, then what arrives.

    Bytes: an embedding is base64 of float16 little-endian. Any other field of bytes (the value
    and key of a dead letter) is printed as FIELD_text when it is UTF-8, else as FIELD_base64.

    A record that cannot be decoded is a line with error, reason, topic, partition, offset,
    timestamp_ms, key and size.
    """
    known = known_topic(topic)
    wanted, begin = _wanted(fields, known), _start(start, limit)
    connection = connect(bootstrap, settings)
    codec = connection.codec(known)
    with connection.consumer(read_committed=read_committed) as consumer:
        records = _records(consumer, known, begin, follow=follow)
        if key is not None:
            records = (record for record in records if record.key == key.encode())
        shown = islice(records, limit)
        _print_lines(json_line(pick(as_json(record, codec, embedding), wanted)) for record in shown)


def as_json(
    record: KafkaRecord,
    codec: "RecordCodec[Any]",
    embedding: EmbeddingForm = EmbeddingForm.BASE64,
) -> dict[str, Any]:
    """A record as JSON can hold it; what cannot be decoded says so under `error`."""
    try:
        decoded = codec.decode(record.value)
    except UndecodableRecord as error:
        return {
            "error": error.detail,
            "reason": str(error.reason),
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp,
            "key": None if record.key is None else record.key.decode(errors="backslashreplace"),
            "size": len(record.value or b""),
        }
    shown: dict[str, Any] = {}
    for name, value in decoded.model_dump().items():
        if name == "embedding":
            shown |= _embedding(value, embedding)
        elif isinstance(value, bytes):
            shown |= readable_bytes(name, value)
        else:
            shown[name] = value
    return shown


def readable_bytes(name: str, value: bytes) -> dict[str, str]:
    """Bytes as text when they are UTF-8, else as base64; the name of the field says which.

    >>> readable_bytes("value", b"hello"), readable_bytes("value", b"\\xff")
    ({'value_text': 'hello'}, {'value_base64': '/w=='})
    """
    try:
        return {f"{name}_text": value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def pick(shown: dict[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """Only the wanted fields, in that order; all when none is named, or for an error.

    >>> pick({"a": 1, "b": {"c": 2}}, ["b.c", "a"])
    {'b.c': 2, 'a': 1}
    """
    wanted = list(wanted)
    if not wanted or "error" in shown:
        return shown
    picked: dict[str, Any] = {}
    for path in wanted:
        value: Any = shown
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        picked[path] = value
    return picked


def json_line(shown: dict[str, Any]) -> str:
    """One line of JSON, whatever the texts hold."""
    return json.dumps(shown, ensure_ascii=False).translate(_LINE_BREAKS)


def _embedding(value: bytes | None, form: EmbeddingForm) -> dict[str, Any]:
    if form is EmbeddingForm.NONE:
        return {}
    if value is None:
        return {"embedding": None}
    if form is EmbeddingForm.BASE64:
        return {"embedding": base64.b64encode(value).decode()}
    import numpy as np

    return {"embedding": [round(float(x), 6) for x in np.frombuffer(value, "<f2")]}


def _wanted(fields: str | None, topic: Topic[Any]) -> list[str]:
    """The names in --fields; raises SetupError for one that the record does not have."""
    names = [name.strip() for name in (fields or "").split(",") if name.strip()]
    fields_there = topic.record_type.model_fields
    known = [
        *fields_there,
        *(f"{name}_{form}" for name in ("value", "key") for form in ("text", "base64")),
    ]
    for name in names:
        if name.partition(".")[0] not in known:
            raise SetupError(
                f"{topic.name} has no field {name!r}; it has {', '.join(fields_there)}"
            )
    return names


def _start(start: str | None, limit: int | None) -> Start:
    if start is None:
        return Newest(limit or RECENT)
    places: dict[str, Callable[[], Start]] = {"beginning": Beginning, "end": End}
    return places[start]() if start in places else Since(moment_ms(start))


def _records(
    consumer: "KafkaConsumer", topic: Topic[Any], start: Start, *, follow: bool
) -> Iterator[KafkaRecord]:
    ends = seek(consumer, (topic.name,), start)
    if isinstance(start, Newest):
        found = sorted(read_to_end(consumer, ends), key=lambda record: record.timestamp)
        yield from found[-start.count :]
    elif not follow:
        yield from read_to_end(consumer, ends)
    if follow:
        if isinstance(start, Newest):
            for partition, end in ends.items():
                consumer.seek(partition, end)
        if err.is_terminal:
            err.print(f"[dim]waiting for records on {topic.name}; Ctrl-C ends[/]")
        yield from read_on(consumer)


def _print_lines(lines: Iterable[str]) -> None:
    """UTF-8 whatever the locale; a closed pipe or Ctrl-C ends it quietly."""
    out = sys.stdout.buffer
    try:
        for line in lines:
            out.write(line.encode() + b"\n")
            out.flush()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Python flushes stdout once more at its end; give it a place to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
