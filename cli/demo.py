"""`wiredesk demo`: everything at once, from nothing to enriched articles on the screen."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli import topics
from cli.connection import Connection, connect
from cli.demo_account import Account, Planned, plan, some
from local import stack, state, submission
from local.demo import corpus
from local.flink_rest import Flink
from local.stack import Stack, StackConfig
from local.submission import Submission
from schemas.enriched_article import EnrichedArticle
from schemas.errors import ServiceError
from schemas.topics import ARTICLES_ENRICHED, DEAD_LETTERS

if TYPE_CHECKING:
    from ingest.send import ArticleSender

out = Console()

Say = Callable[[str], None]
"""Called with what is being done."""
Trouble = Callable[[], str]
"""Asks Flink what is wrong."""

JOB = "enrich"
SPEED = 90.0
"""Half an hour in 20 seconds."""
FIRST_ANSWER_S = 120
LAST_ANSWER_S = 60
_ROWS_SHOWN = 12
_REFRESHES_PER_S = 5
_POLL_MS = 100


def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, help="How many times as fast as its half hour.")
    ] = SPEED,
) -> None:
    """Bring the local stack up, run the job `enrich`, and watch news go through it.

    Replays half an hour of made-up news: several desks and languages, one story that breaks,
    near-copies, and some bad records. All of it is left running until `wiredesk local down`.
    """
    began = time.monotonic()
    with _steps() as say:
        running = stack.up(
            StackConfig(state_dir=state.default_dir()), lambda part, doing: say(f"{part}: {doing}")
        )
        connection = connect(running.kafka)
        say("topics: creating")
        topics.apply(connection)
        job_id = _running_job(say)
    ready = time.monotonic()
    out.print(f"Stack and job are up after {ready - began:.0f} s. Replaying {corpus.counts()}.")
    account = _replay(connection, speed, lambda: _trouble(running, job_id))
    _summary(account, time.monotonic() - ready)
    _where_to_look(running, job_id, account)
    if account.surprises:
        raise ServiceError(f"the job did not do as expected: {some(account.surprises)}")


def _running_job(say: Say) -> str:
    """The id of the job, submitted unless it runs."""
    if found := submission.running_job(JOB):
        return found.id
    return submission.submit(Submission(JOB), replace=False, wait=True, report=say).id


def _replay(connection: Connection, speed: float, trouble: Trouble) -> Account:
    """Send the whole plan, and wait until all of it has come out."""
    from cli.reading import End, seek
    from ingest.send import ArticleSender

    articles, letters = connection.codec(ARTICLES_ENRICHED), connection.codec(DEAD_LETTERS)
    began_ms = time.time_ns() // 1_000_000
    account = Account(plan(began_ms - corpus.SPAN_MS), began_ms)
    screen = Screen(account)
    warm, stopped = Event(), Event()
    with (
        connection.consumer() as consumer,
        ArticleSender(connection.client(), registry=connection.registry()) as sender,
        ThreadPoolExecutor(1) as pool,
        screen.live() as live,
    ):
        seek(consumer, (ARTICLES_ENRICHED.name, DEAD_LETTERS.name), End())
        sending = pool.submit(_send, account, sender, speed, warm, stopped)
        try:
            patience = Patience(account, trouble)
            while not account.complete:
                patience.check(sending)
                for partition, records in consumer.poll(_POLL_MS).items():
                    for record in records:
                        if partition.topic == DEAD_LETTERS.name:
                            account.take_letter(letters.decode(record.value))
                            continue
                        article = articles.decode(record.value)
                        if account.take_article(article):
                            screen.add(article)
                            warm.set()
                live.update(screen.show())
            sending.result()
        finally:
            stopped.set()
            warm.set()
    if out.is_terminal:
        out.print(screen.table())
    return account


def _send(
    account: Account, sender: "ArticleSender", speed: float, warm: Event, stopped: Event
) -> None:
    """Send the first record, and when it has come out, the rest on its own time."""
    began = 0.0
    for number, record in enumerate(account.planned):
        if number == 1:
            warm.wait()
            began = time.monotonic() - account.planned[0].offset_ms / 1000 / speed
        if number and stopped.wait(
            max(0.0, began + record.offset_ms / 1000 / speed - time.monotonic())
        ):
            return
        _send_one(sender, record)
        account.sent += 1
    sender.flush()


def _send_one(sender: "ArticleSender", record: Planned) -> None:
    if record.article is None:
        sender.send_raw(record.key.encode(), record.value)
    else:
        now_ms = time.time_ns() // 1_000_000
        sender.send(record.article.model_copy(update={"fetched_ms": now_ms}))


class Patience:
    """Ends the wait with one line that says what is missing and why."""

    def __init__(self, account: Account, trouble: Trouble) -> None:
        self._account = account
        self._trouble = trouble
        self._seen = 0
        self._heard = time.monotonic()

    def check(self, sending: "Future[None]") -> None:
        """Raises ServiceError when sending failed, or when nothing came for too long."""
        if sending.done():
            sending.result()
        seen = len(self._account.enriched) + len(self._account.letters)
        if seen != self._seen or (self._account.sent < len(self._account.planned) and seen):
            self._seen, self._heard = seen, time.monotonic()
        limit_s = LAST_ANSWER_S if seen else FIRST_ANSWER_S
        if time.monotonic() - self._heard > limit_s:
            missing = self._account.missing
            raise ServiceError(
                f"{len(missing)} of {len(self._account.planned)} records did not come out within "
                f"{limit_s} s: {some(missing)}; {self._trouble()}"
            )


class Screen:
    """The latest enriched articles and the counts; plain lines where there is no terminal."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._latest: deque[tuple[str, ...]] = deque(maxlen=_ROWS_SHOWN)
        self._began = time.monotonic()

    def live(self) -> AbstractContextManager["Live | _NoScreen"]:
        if not out.is_terminal:
            return _NoScreen()
        # The whole screen: terminals disagree with us on how wide some scripts are.
        return Live(self.show(), console=out, refresh_per_second=_REFRESHES_PER_S, screen=True)

    def add(self, article: EnrichedArticle) -> None:
        """Show one more article."""
        row = _cells(article)
        self._latest.append(row)
        if not out.is_terminal:
            typer.echo("  ".join(row))

    def show(self) -> Group:
        """The table and the line below it."""
        counts = counts_line(self._account, time.monotonic() - self._began)
        return Group(self.table(), Text(counts))

    def table(self) -> Table:
        """The latest articles."""
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("published", no_wrap=True)
        table.add_column("source", no_wrap=True, max_width=26)
        table.add_column("language", no_wrap=True)
        table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("ms", no_wrap=True, justify="right")
        for row in self._latest:
            table.add_row(*(Text(cell) for cell in row))
        return table


class _NoScreen:
    """Stands for the live table where there is no terminal."""

    def __enter__(self) -> "_NoScreen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: object) -> None:
        pass


def counts_line(account: Account, seconds: float) -> str:
    """Sent, enriched, rate, and dead letters by reason."""
    enriched = len(account.enriched)
    line = (
        f"sent {account.sent} of {len(account.planned)} · enriched {enriched} "
        f"({enriched / max(seconds, 1e-9):.1f} a second) · dead letters {len(account.letters)}"
    )
    reasons = ", ".join(f"{r} {n}" for r, n in sorted(account.letters_by_reason.items()))
    return f"{line} ({reasons})" if reasons else line


def _cells(article: EnrichedArticle) -> tuple[str, ...]:
    """Published, source, language, title, milliseconds from Kafka to enriched."""
    published = datetime.fromtimestamp(article.published_ms / 1000).strftime("%H:%M:%S")
    language = f"{article.language.code} {article.language.confidence:.2f}"
    latency = str(article.enriched_ms - article.ingested_ms)
    return published, printable(article.source), language, printable(article.title), latency


def printable(text: str) -> str:
    """A text from outside without what could steer a terminal.

    >>> printable("a\\x1b[2Jb")
    'a·[2Jb'
    """
    return "".join(c if c.isprintable() else "·" for c in text)


def _summary(account: Account, seconds: float) -> None:
    out.print()
    out.print(counts_line(account, seconds), highlight=False)
    out.print(
        f"All {len(account.planned)} records are accounted for after {seconds:.0f} s; half of the "
        f"articles were enriched within {account.median_ms} ms of reaching Kafka.",
        highlight=False,
    )


def _where_to_look(running: Stack, job_id: str, account: Account) -> None:
    host, _, port = (running.redis or "").rpartition(":")
    article_id = next(iter(account.enriched))[0]
    out.print()
    for what, how in (
        ("Flink UI", f"http://{running.flink}/#/job/running/{job_id}"),
        ("enriched articles", f"wiredesk tail {ARTICLES_ENRICHED.name} --embedding none"),
        ("dead letters", "wiredesk dead-letters list"),
        ("an article in Redis", f"redis-cli -h {host} -p {port} HGETALL article:{article_id}"),
        ("your own articles", "wiredesk replay FILE"),
        ("stop all of it", "wiredesk local down"),
    ):
        out.print(f"[bold]{what:<20}[/] {how}", highlight=False, soft_wrap=True)
    out.print("\nEverything is left running.")


def _trouble(running: Stack, job_id: str) -> str:
    """What Flink says about the job, and where its log is."""
    flink = Flink(running.flink or "")
    failure = flink.failure(job_id)
    return (
        f"the job is {flink.job(job_id).state}"
        + (f" ({failure})" if failure else "")
        + "; `wiredesk local logs` tells more"
    )


@contextmanager
def _steps() -> Iterator[Say]:
    """Says what is being done: one line that changes, or plain lines without a terminal."""
    if not out.is_terminal:
        yield typer.echo
        return
    with out.status("starting") as status:
        yield status.update
