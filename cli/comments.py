"""`wiredesk comments`: readers' comments to Kafka."""

import time
from pathlib import Path
from typing import Annotated

import typer

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.rows import BadRows, RowFormatOption, StrictOption
from ingest.pace import at_rate, flat_out
from ingest.rows import BadRow, RowFile
from schemas.errors import SetupError
from schemas.topics import COMMENTS_RAW

app = typer.Typer(no_args_is_help=True, help="Readers' comments.")


@app.callback()
def comments() -> None:
    """Readers' comments."""


@app.command()
def send(
    file: Annotated[
        str, typer.Argument(help="JSONL, CSV or TSV, also .gz, .xz or .bz2; - is standard input.")
    ],
    keyring: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Key ring of authors (`wiredesk keys create`): turns the column author, a raw "
            "id, into author_key before anything leaves this machine.",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Comments a second. Default: flat out.")
    ] = None,
    strict: StrictOption = False,
    row_format: RowFormatOption = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Send a file of comments to Kafka.

    Columns: comment_id, article_id, text, and author with --keyring or author_key without;
    also published_ms (default: now), parent_id, language, desk. A row with deleted = true deletes
    its comment_id.
    """
    from ingest.comments import Deletion, comment
    from ingest.send import ArticleSender
    from models.keyring import read_keyring

    connection = connect(bootstrap, settings)
    connection.require_topic(COMMENTS_RAW.name)
    secret = read_keyring(keyring).newest if keyring else None
    codec = connection.codec(COMMENTS_RAW)
    pace = at_rate(rate) if rate else flat_out()
    bad_rows = BadRows(file, strict)
    sent, began = 0, time.monotonic()
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for row in RowFile(file, row_format):
            try:
                found = comment(row.read(), secret=secret, now_ms=time.time_ns() // 1_000_000)
            except BadRow as bad:
                bad_rows.refuse(row.line, bad)
                continue
            time.sleep(max(0.0, began + pace(sent, 0) - time.monotonic()))
            value = None if isinstance(found, Deletion) else codec.encode(found)
            sender.send_raw(found.comment_id.encode(), value, topic=COMMENTS_RAW.name)
            sent += 1
    typer.echo(f"sent {sent:,} comments to {COMMENTS_RAW.name}, skipped {bad_rows.count:,} rows")
    if not sent:
        raise SetupError(f"{file} holds no comment that could be sent")
