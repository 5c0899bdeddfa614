"""`wiredesk replay`: articles from a file to Kafka."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.connection import BootstrapOption, SettingsOption, connect
from cli.rows import BadRows, RowFormatOption, StrictOption
from cli.topics import complete_topic, known_topic
from ingest.pace import Pace, at_rate, at_speed, flat_out
from ingest.rows import BadRow, Row, RowFile, RowFormat, article
from schemas.article import Article
from schemas.errors import SetupError
from schemas.packed import STDIN
from schemas.topics import ARTICLES_RAW, Topic

err = Console(stderr=True)


class Rebase(StrEnum):
    """Where the publishing times of a replay are moved to."""

    NOW = "now"


@dataclass
class Counts:
    """What was sent so far, since when."""

    sent: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


@dataclass(frozen=True)
class Source:
    """A file of articles, and how its rows are read."""

    path: str
    row_format: RowFormat | None
    renamed: dict[str, str]
    limit: int | None

    def rows(self) -> tuple[RowFile, Iterator[tuple[Row, Article | BadRow]]]:
        """The file, and its rows as articles or as what is wrong with them."""
        file = RowFile(self.path, self.row_format)
        return file, ((row, self._article(row)) for row in file)

    def span(self) -> "Span":
        """First look at the whole file: how many articles, and when they were published."""
        found = (a.published_ms for _, a in self.rows()[1] if isinstance(a, Article))
        times = list(islice(found, self.limit))
        if not times:
            raise SetupError(f"{self.path} holds no article; without --rebase each row says why")
        return Span(len(times), first_ms=times[0], newest_ms=max(times))

    def _article(self, row: Row) -> Article | BadRow:
        try:
            return article(row.read(), now_ms=_now_ms(), renamed=self.renamed)
        except BadRow as bad:
            return bad


@dataclass(frozen=True)
class Span:
    """The articles of a file in time."""

    count: int
    first_ms: int
    newest_ms: int


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
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="The column that holds a field, e.g. --map title=headline. Repeatable.",
        ),
    ] = None,
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
    source = Source(file, row_format, columns_by_field(renamed or []), limit)
    target = _article_topic(topic)
    connection = connect(bootstrap, settings)
    from ingest.send import ArticleSender

    connection.require_topic(target.name)
    counts, bad_rows = Counts(), BadRows(file, strict)
    with ArticleSender(connection.client(), topic=target, registry=connection.registry()) as sender:
        try:
            _send(source, sender, counts, bad_rows, rate=rate, speed=speed, rebase=rebase)
            while loop and counts.sent:
                _send(source, sender, counts, bad_rows, rate=rate, speed=speed, rebase=rebase)
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


def _send(
    source: Source,
    sender: Any,
    counts: Counts,
    bad_rows: BadRows,
    *,
    rate: float | None,
    speed: float | None,
    rebase: Rebase | None,
) -> None:
    """One pass through the file."""
    from ingest.send import TooLarge

    span = source.span() if rebase else None
    shift_ms = _now_ms() + _planned_ms(span, rate, speed) - span.newest_ms if span else 0
    pace: Pace | None = at_rate(rate) if rate else None if speed else flat_out()
    file, rows = source.rows()
    sent, began = 0, time.monotonic()
    with _progress() as progress:
        task = progress.add_task(source.path, total=source.limit or 1.0, sent=0)
        for row, found in rows:
            if sent == source.limit:
                break
            bad = found if isinstance(found, BadRow) else None
            if isinstance(found, Article):
                pace = pace or at_speed(speed or 1.0, found.published_ms)
                _wait(began + pace(sent, found.published_ms))
                try:
                    sender.send(_moved(found, shift_ms))
                    sent += 1
                    counts.sent += 1
                except TooLarge as error:
                    bad = BadRow(str(error))
            if bad:
                bad_rows.refuse(row.line, bad)
            share = sent if source.limit else file.share_read
            progress.update(task, completed=share, sent=counts.sent)


def _planned_ms(span: Span, rate: float | None, speed: float | None) -> int:
    """How long after the start the newest article will be sent."""
    if speed:
        return round((span.newest_ms - span.first_ms) / speed)
    return round(span.count * 1000 / rate) if rate else 0


def _moved(found: Article, shift_ms: int) -> Article:
    return found.model_copy(update={"published_ms": found.published_ms + shift_ms})


def _wait(until: float) -> None:
    if (ahead := until - time.monotonic()) > 0:
        time.sleep(ahead)


def columns_by_field(pairs: list[str]) -> dict[str, str]:
    """`title=headline` to {"title": "headline"}; the field must be one of Article."""
    renamed = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise SetupError(f"--map {pair!r} is not of the form FIELD=COLUMN")
        if name not in Article.model_fields:
            raise SetupError(
                f"--map {pair!r}: an article has no field {name!r}; "
                f"it has {', '.join(Article.model_fields)}"
            )
        renamed[name] = column
    return renamed


def _article_topic(name: str) -> Topic[Any]:
    topic = known_topic(name)
    if topic.record_type is not Article:
        raise SetupError(f"{name} holds {topic.record} records, no articles; use articles.raw")
    return topic


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]:,} sent"),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
        transient=True,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
