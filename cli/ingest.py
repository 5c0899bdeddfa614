"""`wiredesk ingest`: feeds and files to Kafka."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from cli.rows import MapOption, columns_by_field, tell_skipped
from schemas.errors import SetupError, missing_extra
from schemas.topics import ARTICLES_RAW, QUALITY_SIGNALS

if TYPE_CHECKING:
    from ingest.deliver import Delivery
    from ingest.run import Ingest
    from ingest.sources_file import SourcesFile
    from ingest.state import State

_REPORT_EVERY_S = 60.0
_BATCH = 500
_DEFAULT = "feeds"
_DEMO_ENDS_S = 10.0
"""After the last article is published: its feed is polled, its page read."""


class FileOrCommand(TyperGroup):
    """`wiredesk ingest feeds.toml` is short for `wiredesk ingest feeds feeds.toml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next((arg for arg in args if not arg.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=FileOrCommand,
    no_args_is_help=True,
    help="Feeds, sitemaps, APIs, folders and files to articles.raw: wiredesk ingest feeds.toml",
)
opml_app = typer.Typer(no_args_is_help=True, help="Lists of feeds from and to other readers.")
app.add_typer(opml_app, name="opml")


@app.command(_DEFAULT)
def feeds(
    file: Annotated[Path, typer.Argument(metavar="FEEDS", help="File of sources, TOML or OPML.")],
    once: Annotated[
        bool, typer.Option("--once", help="Ask each source once, deliver all of it, and end.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the file can be used.")
    ] = False,
    state_file: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", help="What was seen and sent. Default: FEEDS with .sqlite."
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that read feeds and pages side by side.")
    ] = 2,
    metrics: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="PORT", help="Serve /metrics there, on loopback."),
    ] = None,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Poll sources and send their articles, until Ctrl-C.

    Nothing is sent twice and nothing is lost, whenever this is killed: what was seen, and what is
    to be sent, is in the state file.
    """
    sources = _sources(file)
    if check:
        typer.echo(f"{file} can be used: {_counted(len(sources.sources), 'source')}")
        return
    connection = connect(bootstrap, settings)
    connection.require_topic(ARTICLES_RAW.name)
    connection.require_topic(QUALITY_SIGNALS.name)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("wiredesk").setLevel(logging.INFO)
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)  # warns of milliseconds
    path = state_file or file.with_suffix(".sqlite")
    with _state(path) as state:
        asyncio.run(
            _run(sources, connection, state, once=once, processes=processes, metrics=metrics)
        )


@app.command("demo")
def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, help="How many times as fast as its half hour.")
    ] = 90.0,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Serve the demo's news as feeds on this machine, and ingest them."""
    from local.demo import feeds as demo_feeds

    connection = connect(bootstrap, settings)
    for topic in (ARTICLES_RAW, QUALITY_SIGNALS):
        connection.require_topic(topic.name)
    with demo_feeds.sources_file(speed) as (path, newsstand):
        sources = _sources(path)
        typer.echo(f"{path} names {_counted(len(sources.sources), 'feed')}, served here")
        with _state(path.with_suffix(".sqlite")) as state:
            until_s = newsstand.seconds_left + _DEMO_ENDS_S
            asyncio.run(_run(sources, connection, state, once=False, until_s=until_s))


@app.command("file")
def file(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="JSONL, CSV, TSV, NITF, NewsML-G2, WARC, or a saved feed."
        ),
    ],
    file_format: Annotated[
        str | None, typer.Option("--format", help="Default: by each file's name.")
    ] = None,
    renamed: MapOption = None,
    source: Annotated[
        str, typer.Option(help="Masthead of all articles. Default: the host of each.")
    ] = "",
    state_file: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Leave out what this state knows, and remember the rest.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; print the articles as JSON lines.")
    ] = False,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """Send the articles of files, normalised as those of feeds are."""
    articles = _FileArticles(files, _format(file_format), columns_by_field(renamed), source)
    if dry_run:
        for article in articles:
            typer.echo(article.model_dump_json())
    else:
        connection = connect(bootstrap, settings)
        connection.require_topic(ARTICLES_RAW.name)
        _send_all(articles, connection, state_file)
    typer.echo(
        f"{'read' if dry_run else 'sent'} {_counted(articles.sent, 'article')}, "
        f"knew {articles.known:,}, skipped {articles.skipped:,}",
        err=dry_run,
    )
    if not articles.sent and not articles.known:
        why = "the lines above say why" if articles.skipped else "there is none in it"
        raise SetupError(f"no article of {', '.join(files)} could be sent; {why}")


@opml_app.command("import")
def opml_import(
    opml: Annotated[Path, typer.Argument(metavar="OPML", help="List of feeds.")],
    out: Annotated[
        Path | None, typer.Argument(metavar="FEEDS", help="File to write; default: print it.")
    ] = None,
) -> None:
    """A file of sources from a list of feeds."""
    from ingest.opml import read_opml, to_toml

    text = to_toml(read_opml(_bytes(opml)))
    if out is None:
        typer.echo(text)
        return
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise SetupError(f"{out} is there already; name another file") from error
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}") from error


@opml_app.command("export")
def opml_export(
    file: Annotated[Path, typer.Argument(metavar="FEEDS", help="File of sources.")],
) -> None:
    """A list of feeds from a file of sources, to standard output."""
    from ingest.opml import Outline, write_opml

    outlines = [
        Outline(source.url, source.name, source.category)
        for source in _sources(file).sources
        if source.kind == "feed"
    ]
    typer.echo(write_opml(outlines).decode())


class _FileArticles:
    """The articles of some files; iterate once, then the counts are right."""

    def __init__(
        self, files: list[str], file_format: Any, renamed: dict[str, str], source: str
    ) -> None:
        self._files = files
        self._format = file_format
        self._renamed = renamed
        self._source = source
        self.sent = 0
        self.skipped = 0
        self.known = 0

    def __iter__(self) -> Iterator[Any]:
        from ingest import mastheads
        from ingest.files import read_file
        from ingest.normalise import NoText, Origin, normalise
        from ingest.run import now_ms

        table = mastheads.load()
        for path in self._files:
            origin = Origin(source=self._source)
            for found in read_file(path, self._format, now_ms=now_ms(), renamed=self._renamed):
                fault = found.fault
                if not fault:
                    try:
                        article = normalise(
                            found.entry, origin, table, fetched_ms=now_ms(), page=found.page
                        )
                    except NoText as error:
                        fault = str(error)
                if fault:
                    self.skip(f"{path}:{found.place}: {fault}")
                    continue
                self.sent += 1
                yield article

    def left_out(self, *, known: bool = False) -> None:
        """The last article was not sent."""
        self.sent -= 1
        self.known += known

    def skip(self, line: str) -> None:
        self.skipped += 1
        tell_skipped(line, self.skipped)


def _send_all(articles: _FileArticles, connection: Connection, state_file: Path | None) -> None:
    from ingest.send import ArticleSender, TooLarge

    if state_file:
        with _state(state_file) as state:
            _send_new(articles, connection, state)
        return
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        for article in articles:
            try:
                sender.send(article)
            except TooLarge as error:
                articles.left_out()
                articles.skip(f"{article.article_id}: {error}")


def _send_new(articles: _FileArticles, connection: Connection, state: "State") -> None:
    """By way of the outbox: what the state takes down as sent is sent, whatever happens."""
    from ingest.deliver import Delivery
    from ingest.entry import Entry
    from ingest.run import now_ms

    encode = connection.codec(ARTICLES_RAW).encode
    with Delivery(connection.client(), state.id) as delivery:
        state.arrived(delivery.begin())
        for article in articles:
            entry = Entry(key=article.article_id, title=article.title, content=article.body)
            with state.transaction():
                taken = state.take("file", entry, article, now_ms=now_ms())
                if taken is None:
                    articles.left_out(known=True)
                    continue
                state.put(ARTICLES_RAW.name, taken.article_id.encode(), encode(taken))
            if articles.sent % _BATCH == 0:
                _empty(state, delivery)
        _empty(state, delivery)


def _empty(state: "State", delivery: "Delivery") -> None:
    while batch := state.outgoing(_BATCH):
        state.sync()
        state.arrived(delivery.send(batch))


async def _run(
    sources: "SourcesFile",
    connection: Connection,
    state: "State",
    *,
    once: bool,
    processes: int = 1,
    until_s: float | None = None,
    metrics: int | None = None,
) -> None:
    from ingest import mastheads
    from ingest.deliver import Delivery
    from ingest.metrics import served
    from ingest.run import Ingest
    from ingest.web import Web
    from ingest.websub import listening
    from ingest.workers import Workers

    codec = connection.codec(ARTICLES_RAW)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_s is not None:
        loop.call_later(until_s, stop.set)
    with Workers(processes) as workers, Delivery(connection.client(), state.id) as delivery:
        async with Web(sources.web, compute=workers.run, known=state) as web:
            ingest = Ingest(
                sources.sources,
                web=web,
                state=state,
                mastheads=mastheads.load(*sources.mastheads),
                encode=codec.encode,
                deliverer=delivery,
                signal=connection.codec(QUALITY_SIGNALS).encode,
                hubs=sources.hubs,
            )
            typer.echo(f"asking {_counted(len(sources.sources), 'source')}; Ctrl-C ends")
            if once:
                await ingest.run_once()
            else:
                async with AsyncExitStack() as stack:
                    if metrics is not None:
                        await stack.enter_async_context(served(_exposition(ingest, state), metrics))
                    if sources.hubs is not None:
                        await stack.enter_async_context(listening(ingest.hubs, sources.hubs))
                    reporting = asyncio.create_task(_report(ingest))
                    await ingest.run(stop)
                    reporting.cancel()
    typer.echo(ingest.counts.line())


def _exposition(ingest: "Ingest", state: "State") -> Callable[[], str]:
    from ingest.metrics import exposition

    return lambda: exposition(
        ingest.counts, {"outbox": state.outbox_count(), "waiting_pages": state.waiting_count()}
    )


async def _report(ingest: "Ingest") -> None:
    while True:
        await asyncio.sleep(_REPORT_EVERY_S)
        typer.echo(ingest.counts.line())


@contextmanager
def _state(path: Path) -> "Iterator[State]":
    from ingest.state import State

    with State(path) as state:
        yield state


def _sources(file: Path) -> "SourcesFile":
    """The sources of a TOML file, or of an OPML list."""
    try:
        from ingest import sources_file
        from ingest.opml import read_opml
        from ingest.sources.source import SourceSettings
    except ModuleNotFoundError as error:
        raise missing_extra(error, "ingest") from error
    if file.suffix.lower() not in (".opml", ".xml"):
        return sources_file.load(file)
    outlines = read_opml(_bytes(file))
    return sources_file.SourcesFile(
        [SourceSettings(url=one.url, category=one.category) for one in outlines]
    )


def _format(name: str | None) -> Any:
    from ingest.files import FileFormat

    if name is None:
        return None
    try:
        return FileFormat(name)
    except ValueError as error:
        raise SetupError(
            f"--format {name!r} is unknown; there are {', '.join(FileFormat)}"
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
