"""`wiredesk replay`: articles from a file to Kafka."""

from typing import Annotated, Any

import typer

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.progress import err
from cli.replay_pass import Counts, Rebase, Source, Timing, send
from cli.rows import BadRows, MapOption, RowFormatOption, StrictOption, columns_by_field
from cli.topics import complete_topic, known_topic
from schemas.article import Article
from schemas.errors import SetupError
from schemas.packed import STDIN
from schemas.topics import ARTICLES_RAW, Topic


def replay(
    file: Annotated[
        str,
        typer.Argument(help="JSONL, CSV or TSV, also .gz, .xz or .bz2; - is standard input."),
    ],
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Articles a second. Default: flat out.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="On the articles' own publishing times, so many times as fast: 60 plays an hour "
            "in a minute. Rows in order of time.",
        ),
    ] = None,
    renamed: MapOption = None,
    rebase: Annotated[
        Rebase | None,
        typer.Option(
            help="Move all publishing times, gaps kept, so that the newest article is published "
            "at the moment it is sent."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many articles.")] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Begin again at the end of the file, until Ctrl-C.")
    ] = False,
    strict: StrictOption = False,
    row_format: RowFormatOption = None,
    topic: Annotated[
        str, typer.Option(help="Topic to send to.", autocompletion=complete_topic)
    ] = ARTICLES_RAW.name,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Send any file of articles to Kafka.

    Columns: article_id, url, source, title, body, published_ms; also owner, html, authors,
    language_hint, fetched_ms, metadata. What is absent is derived: the id from the url, else from
    source, title and body; the source from the url; the time from published, published_at, date,
    datePublished, timestamp (ISO 8601, e-mail dates, seconds or milliseconds), else it is now.
    Any other column goes to metadata.
    """
    if rate and speed:
        raise SetupError("--rate and --speed exclude each other")
    if file == STDIN and (rebase or loop):
        raise SetupError("--rebase and --loop read the file twice: standard input cannot be")
    source = Source(file, row_format, columns_by_field(renamed), limit)
    timing = Timing(rate, speed, rebase)
    target = _article_topic(topic)
    connection = connect(bootstrap, settings)
    from ingest.send import ArticleSender

    connection.require_topic(target.name)
    counts, bad_rows = Counts(), BadRows(file, strict)
    with ArticleSender(connection.client(), topic=target, registry=connection.registry()) as sender:
        try:
            send(source, timing, sender, counts, bad_rows)
            while loop and counts.sent:
                send(source, timing, sender, counts, bad_rows)
        except KeyboardInterrupt:
            err.print("stopped: what was read is being delivered")
        sender.flush()
        per_second = counts.sent / max(counts.seconds, 1e-9)
        typer.echo(
            f"sent {counts.sent:,} articles to {target.name}, skipped {bad_rows.count:,} rows, "
            f"{counts.seconds:.1f} s, {per_second:,.0f} a second"
        )
    if not counts.sent:
        raise SetupError(f"{file} holds no article that could be sent")


def _article_topic(name: str) -> Topic[Any]:
    topic = known_topic(name)
    if topic.record_type is not Article:
        raise SetupError(f"{name} holds {topic.record} records, no articles; use articles.raw")
    return topic
