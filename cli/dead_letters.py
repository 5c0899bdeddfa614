"""`wiredesk dead-letters`: what the jobs could not process, on the live topic."""

import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from cli.reading import Beginning, moment_ms, read_to_end, seek
from cli.tail import json_line, readable_bytes
from cli.terminal import printable
from schemas.dead_letter import DeadLetter
from schemas.errors import Reason, RecordError, SetupError, UndecodableRecord
from schemas.topics import DEAD_LETTERS, TOPICS

app = typer.Typer(
    no_args_is_help=True, help="Look at what the jobs could not process, and send it again."
)
out = Console()
err = Console(stderr=True)

_HEX_BYTES = 512
_HEX_WIDTH = 16
_DETAIL_WIDTH = 15

OriginArgument = Annotated[
    str, typer.Argument(help="Where the record lay: topic/partition/offset, as `list` shows it.")
]
ReasonOption = Annotated[
    Reason | None, typer.Option(help="Only letters with this reason.", show_choices=True)
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only letters that failed since, e.g. 2026-03-01T12:00Z."),
]


@dataclass(frozen=True)
class Wanted:
    """Which letters; None wants all."""

    reason: str | None = None
    stage: str | None = None
    since_ms: int | None = None
    origins: frozenset[str] | None = None

    def __call__(self, letter: DeadLetter) -> bool:
        return (
            self.reason in (None, letter.reason)
            and self.stage in (None, letter.stage)
            and (self.since_ms is None or letter.failed_ms >= self.since_ms)
            and (self.origins is None or letter.origin in self.origins)
        )


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest so many.")] = 20,
    reason: ReasonOption = None,
    stage: Annotated[
        str | None, typer.Option(help="Only letters of this stage: decode, admit or infer.")
    ] = None,
    since: SinceOption = None,
    as_json_lines: Annotated[
        bool, typer.Option("--json", help="JSON lines, without the values.")
    ] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Show the newest dead letters, and how many there are of each reason."""
    wanted = Wanted(reason, stage, moment_ms(since) if since else None)
    newest: deque[DeadLetter] = deque(maxlen=limit)
    reasons: Counter[tuple[str, str]] = Counter()
    for letter in letters(connect(bootstrap, settings), wanted):
        newest.append(letter)
        reasons[letter.stage, letter.reason] += 1
    if as_json_lines:
        for letter in newest:
            typer.echo(json_line(summary(letter)))
        return
    if not newest:
        out.print("No dead letters." if wanted == Wanted() else "No dead letters like that.")
        return
    _print_table(newest)
    total = sum(reasons.values())
    counts = ", ".join(f"{name} {n:,} ({at})" for (at, name), n in reasons.most_common())
    out.print(f"{len(newest):,} of {total:,} shown. By reason: {counts}", highlight=False)
    origin = newest[-1].origin
    out.print(f"More of one: `wiredesk dead-letters show {origin}`", style="dim", highlight=False)


@app.command()
def show(
    origin: OriginArgument,
    raw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the original bytes to FILE (- for stdout)."),
    ] = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Show all of one dead letter: decoded where that works, else its first bytes."""
    connection = connect(bootstrap, settings)
    found = list(letters(connection, Wanted(origins=frozenset([origin]))))
    if not found:
        raise SetupError(f"no dead letter comes from {origin}; `wiredesk dead-letters list`")
    letter = found[-1]
    if raw is not None:
        _write(raw, letter.value)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in summary(letter).items():
        table.add_row(Text(name, style="bold"), Text(printable(str(value)), overflow="fold"))
    out.print(table)
    if len(found) > 1:
        out.print(f"{len(found)} letters come from there; this is the newest.", style="dim")
    out.print()
    _print_value(connection, letter)


@app.command()
def replay(
    origins: Annotated[
        list[str] | None, typer.Argument(help="topic/partition/offset of letters to send again.")
    ] = None,
    reason: ReasonOption = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    since: SinceOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Send the original bytes, key and Kafka timestamp to the original topic again.

    After a fix, or once a model is back. A letter stays on dead-letters when it is replayed; what
    fails again becomes a new letter with a new origin.
    """
    if sum((bool(origins), reason is not None, every)) != 1:
        raise SetupError("say which letters: their origins, --reason, or --all")
    wanted = Wanted(
        reason=reason,
        since_ms=moment_ms(since) if since else None,
        origins=frozenset(origins) if origins else None,
    )
    connection = connect(bootstrap, settings)
    found = {letter.origin: letter for letter in letters(connection, wanted)}
    if unknown := sorted(set(origins or ()) - set(found)):
        raise SetupError(f"no dead letter comes from {', '.join(unknown)}")
    if not found:
        raise SetupError("no dead letters like that")
    targets = Counter(letter.topic for letter in found.values())
    told = ", ".join(f"{count:,} to {topic}" for topic, count in targets.items())
    if dry_run:
        _print_table(found.values())
        out.print(f"Would send {told}.", highlight=False)
        return
    if len(found) > 1 and not yes:
        typer.confirm(f"Send {told}?", abort=True, err=True)
    _send(connection, found.values(), targets)
    out.print(f"Sent {told}.", highlight=False)


def letters(connection: Connection, wanted: Wanted) -> Iterator[DeadLetter]:
    """The dead letters there are now, oldest first; what is no dead letter is counted on stderr."""
    codec = connection.codec(DEAD_LETTERS)
    unreadable = 0
    with connection.consumer() as consumer, err.status("reading dead letters"):
        ends = seek(consumer, (DEAD_LETTERS.name,), Beginning())
        for record in read_to_end(consumer, ends):
            if (
                wanted.origins is not None
                and (record.key or b"").decode(errors="replace") not in wanted.origins
            ):
                continue
            try:
                letter = codec.decode(record.value)
            except UndecodableRecord:
                unreadable += 1
                continue
            if wanted(letter):
                yield letter
    if unreadable:
        err.print(f"{unreadable} records on {DEAD_LETTERS.name} are no dead letters", style="red")


def summary(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter without its value, as JSON can hold it."""
    return {
        "origin": letter.origin,
        "failed": _time(letter.failed_ms),
        "job": letter.job,
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "size": len(letter.value),
        "timestamp": _time(letter.timestamp_ms),
        **({"key": None} if letter.key is None else readable_bytes("key", letter.key)),
    }


def hexdump(value: bytes, limit: int = _HEX_BYTES) -> str:
    """The first bytes, 16 a line: offset, hexadecimal, printable ASCII.

    >>> hexdump(b"no Avro")
    '00000000  6e 6f 20 41 76 72 6f                             no Avro'
    """
    lines = []
    for start in range(0, min(len(value), limit), _HEX_WIDTH):
        chunk = value[start : min(start + _HEX_WIDTH, limit)]
        ascii_ = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in chunk)
        lines.append(f"{start:08x}  {chunk.hex(' '):<{_HEX_WIDTH * 3}} {ascii_}")
    if len(value) > limit:
        lines.append(f"… {len(value) - limit:,} more bytes; --raw FILE writes them all")
    return "\n".join(lines)


def _print_table(shown: Iterable[DeadLetter]) -> None:
    """One line a letter; the detail takes what the terminal's width leaves."""
    heads = ("failed (UTC)", "origin", "stage", "reason", "size")
    rows = [(_cells(letter), printable(letter.detail)) for letter in shown]
    columns = zip(heads, *(cells for cells, _ in rows), strict=True)
    room = out.width - sum(max(map(len, column)) + 2 for column in columns)
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True, justify="right" if head == "size" else "left")
    if room >= _DETAIL_WIDTH:
        table.add_column("detail", no_wrap=True, overflow="ellipsis", max_width=room)
    for cells, detail in rows:
        table.add_row(*map(Text, cells), *([Text(detail)] if room >= _DETAIL_WIDTH else []))
    out.print(table)


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    failed = datetime.fromtimestamp(letter.failed_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
    return failed, letter.origin, letter.stage, letter.reason, f"{len(letter.value):,}"


def _print_value(connection: Connection, letter: DeadLetter) -> None:
    """The record as it can be read, else its bytes."""
    topic = TOPICS.get(letter.topic)
    try:
        if topic is None:
            raise SetupError(f"{letter.topic} is no topic of ours")
        decoded = connection.codec(topic).decode(letter.value)
    except (RecordError, SetupError) as error:
        out.print(f"The value cannot be decoded ({error}):", markup=False, highlight=False)
        out.print(hexdump(letter.value), markup=False, highlight=False)
    else:
        out.print(f"The value, a record of {letter.topic}:", highlight=False)
        out.print_json(json.dumps(decoded.model_dump(), default=repr))


def _write(file: Path, value: bytes) -> None:
    if str(file) == "-":
        sys.stdout.buffer.write(value)
        return
    try:
        file.write_bytes(value)
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}") from error
    err.print(f"{len(value):,} bytes written to {file}", highlight=False)


def _send(connection: Connection, found: Iterable[DeadLetter], topics: Iterable[str]) -> None:
    from ingest.send import ArticleSender

    for topic in topics:
        connection.require_topic(topic)
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for letter in found:
            # Kafka takes no record with neither key nor value.
            value = letter.value or (None if letter.key else b"")
            sender.send_raw(letter.key, value, letter.timestamp_ms, topic=letter.topic)


def _time(ms: int) -> str:
    """ISO 8601, UTC; the number where it is beyond what a calendar holds."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
