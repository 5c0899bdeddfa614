"""`wiredesk moderation`: the comments that wait for a person, and what is decided about them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from cli.editorial import Draft, draft, sent_to
from cli.files import write
from cli.reading import Beginning, read_to_end, seek
from cli.tail import json_line
from cli.terminal import printable
from schemas.editorial import Verdict
from schemas.errors import SetupError, UndecodableRecord
from schemas.moderation import ModerationItem
from schemas.topics import MODERATION_QUEUE

app = typer.Typer(no_args_is_help=True, help="Comments that wait for a person.")
out = Console()
err = Console(stderr=True)

WAITING = ("queued", "escalated")
LABELS = {"approved": "clean", "removed": "toxic"}
"""State of a decided item to its label in rows of toxicity/comments."""

CommentArgument = Annotated[
    str, typer.Argument(metavar="COMMENT", help="As `moderation list` shows it.")
]
DeskOption = Annotated[str | None, typer.Option(help="Only this desk. Default: every desk.")]
NoteOption = Annotated[str | None, typer.Option("--note", help="In your own words.")]
UnmaskOption = Annotated[bool, typer.Option("--unmask", help="Show the toxic words.")]


@app.command("list")
def list_items(
    desk: DeskOption = None,
    language: Annotated[str | None, typer.Option(help="Only this language.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The first so many.")] = 20,
    unmask: UnmaskOption = False,
    as_json_lines: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """What waits, escalated first, then by score."""
    found = [
        item
        for item in standing(connect(bootstrap, settings))
        if desk in (None, item.desk)
        and language in (None, item.language)
        and (every or item.state in WAITING)
    ]
    shown = found[:limit]
    if as_json_lines:
        for item in shown:
            typer.echo(json_line(item.model_dump()))
        return
    if not shown:
        out.print("Nobody waits; --all shows what is decided.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("state", "score", "desk", "lang", "reasons", "comment"):
        table.add_column(head, no_wrap=True, justify="right" if head == "score" else "left")
    table.add_column("text", no_wrap=True, overflow="ellipsis")
    for item in shown:
        table.add_row(
            *(Text(printable(cell)) for cell in _cells(item)), Text(_shown(item, unmask=unmask))
        )
    out.print(table)
    out.print(f"{len(shown):,} of {len(found):,} shown.", style="dim", highlight=False)


@app.command()
def show(
    comment: CommentArgument,
    unmask: UnmaskOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, with the whole text.")] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """All of one item; its toxic words are hidden unless you ask."""
    item = _found(connect(bootstrap, settings), comment)
    if as_json:
        typer.echo(json_line(item.model_dump()))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = {
        "comment": item.comment_id,
        "article": item.article_id,
        "answers": item.parent_id or "",
        "author": item.author_key,
        "state": item.state + (f" by {item.by}" if item.by else ""),
        "note": item.note or "",
        "published": _time(item.published_ms),
        "queued": _time(item.queued_ms),
        "desk": f"{item.desk}, {item.language}",
        "score": f"{item.score:.3f}, queued from {item.threshold:.3f} on",
        "reasons": ", ".join(item.reasons),
        "toxicity": ", ".join(f"{name} {p:.2f}" for name, p in item.toxicity.items()),
        "words": "" if not unmask else "; ".join(item.text[s.start : s.end] for s in item.spans),
        "text": _shown(item, unmask=unmask),
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="bold"), Text(printable(value), overflow="fold"))
    out.print(table)
    if not unmask and item.text != item.masked_text:
        out.print("--unmask shows the hidden words.", style="dim", highlight=False)


@app.command()
@sent_to("audience")
def approve(
    comment: CommentArgument,
    note: NoteOption = None,
) -> Draft:
    """It may stay."""
    return _decision("approve", comment, note)


@app.command()
@sent_to("audience")
def remove(
    comment: CommentArgument,
    note: NoteOption = None,
) -> Draft:
    """It must go: the site hears so on moderation.queue."""
    return _decision("remove", comment, note)


@app.command()
@sent_to("audience")
def escalate(
    comment: CommentArgument,
    note: NoteOption = None,
) -> Draft:
    """Someone else must look at it; it stays in the queue, on top."""
    return _decision("escalate", comment, note)


@app.command()
def labels(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL to write; - is stdout.")],
    desk: DeskOption = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Write what moderators decided as rows of toxicity/comments.

    `wiredesk evaluate toxicity/comments FILE` measures the model on them; training reads the same
    rows. Personal data is masked; what authors deleted or edited since is not among them.
    """
    decided = [
        item
        for item in standing(connect(bootstrap, settings))
        if item.state in LABELS and desk in (None, item.desk)
    ]
    rows = [
        {"text": item.text, "label": LABELS[item.state], "language": item.language}
        for item in decided
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if str(to) == "-":
        typer.echo(lines, nl=False)
        return
    write(to, lines)
    typer.echo(f"wrote {len(rows):,} labels to {to}")


def standing(connection: Connection) -> list[ModerationItem]:
    """Every item as it stands: escalated first, then what waits, the highest score first."""
    codec = connection.codec(MODERATION_QUEUE)
    items: dict[str, ModerationItem] = {}
    with connection.consumer() as consumer, err.status("reading the queue"):
        for record in read_to_end(consumer, seek(consumer, (MODERATION_QUEUE.name,), Beginning())):
            if record.value is None:  # its author was erased
                items.pop((record.key or b"").decode(), None)
                continue
            try:
                item = codec.decode(record.value)
            except UndecodableRecord as error:
                err.print(f"a record of {MODERATION_QUEUE.name} cannot be read: {error}")
                continue
            items[item.comment_id] = item
    order = {"escalated": 0, "queued": 1}
    return sorted(items.values(), key=lambda i: (order.get(i.state, 2), -i.score, i.comment_id))


def _decision(verdict: Verdict, comment: str, note: str | None) -> Draft:
    return draft("moderate", comment_id=comment, verdict=verdict, reason=note)


def _found(connection: Connection, comment_id: str) -> ModerationItem:
    for item in standing(connection):
        if item.comment_id == comment_id:
            return item
    raise SetupError(f"comment {comment_id} is in no queue; `wiredesk moderation list --all`")


def _cells(item: ModerationItem) -> tuple[str, ...]:
    reasons = ", ".join(item.reasons)
    return item.state, f"{item.score:.2f}", item.desk, item.language, reasons, item.comment_id


def _shown(item: ModerationItem, *, unmask: bool) -> str:
    return printable(item.text if unmask else item.masked_text)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
