"""`wiredesk demo`: everything at once, from nothing to an alert on the screen."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
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
from cli.alert_lines import told
from cli.connection import Connection, connect
from cli.demo_account import Account, Planned, plan, some
from cli.demo_outcome import Outcome, mood_line
from cli.terminal import printable
from local import reader_keys, server, stack, state, submission
from local.demo import corpus, traffic
from local.flink_rest import Flink
from local.stack import Stack, StackConfig
from local.submission import Submission
from models.keyring import read_keyring
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    AUDIENCE_SENTIMENT,
    COMMENTS_ENRICHED,
    COMMENTS_RAW,
    DEAD_LETTERS,
    MODERATION_QUEUE,
    STORIES_DEMAND,
    USER_EVENTS,
    USERS_EMBEDDINGS,
)

if TYPE_CHECKING:
    from kafka import KafkaConsumer

    from ingest.send import ArticleSender

out = Console()

Say = Callable[[str], None]
"""Called with what is being done."""
Trouble = Callable[[], str]
"""Asks Flink what is wrong."""

JOBS = {
    "enrich": (),
    "breaking": (),
    "audience": ("mood_half_life_s=600",),
    "profiles": ("lists_slide_s=5", "demand_every_s=2", "demand_lateness_s=2"),
}
"""Jobs with settings for a day of half an hour."""

SUBMITTED_AT_ONCE = 2
WATCHED = (
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    ALERTS_BREAKING,
    COMMENTS_ENRICHED,
    AUDIENCE_SENTIMENT,
    MODERATION_QUEUE,
    STORIES_DEMAND,
    USERS_EMBEDDINGS,
)
SPEED = 45.0
"""Half an hour in 40 seconds."""
FIRST_ANSWER_S = 120
LAST_ANSWER_S = 60
SETTLED_S = 6.0
"""Moods and the queue follow the comments: without more of them for so long, all is told."""
_ROWS_SHOWN = 12
_REFRESHES_PER_S = 5
_POLL_MS = 100


def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, help="How many times as fast as its half hour.")
    ] = SPEED,
    feeds: Annotated[
        bool,
        typer.Option(
            "--feeds", help="Serve the news as feeds on this machine and ingest those, no comments."
        ),
    ] = False,
) -> None:
    """Bring the local stack, every job and the server up, and watch news go through them.

    Replays half an hour of made-up news with comments and readers: several desks and languages,
    one story that breaks, near-copies, a campaign in the comments, and some bad records. All of it
    is left running until `wiredesk local down`.
    """
    began = time.monotonic()
    with _steps() as say:
        running = stack.up(
            StackConfig(state_dir=state.default_dir()), lambda part, doing: say(f"{part}: {doing}")
        )
        connection = connect(running.kafka)
        say("topics: creating")
        topics.apply(connection)
        with ThreadPoolExecutor(SUBMITTED_AT_ONCE) as pool:
            jobs = dict(zip(JOBS, pool.map(lambda job: _running_job(job, say), JOBS), strict=True))
            console = server.ensure(running.state_dir, lambda part, doing: say(f"{part}: {doing}"))
    ready = time.monotonic()
    out.print(f"Stack and jobs are up after {ready - began:.0f} s. Replaying {corpus.counts()}.")
    surprises: list[str] = []
    if feeds:
        outcome = _ingest(connection, speed, lambda: _trouble(running, jobs))
    else:
        account, outcome = _replay(connection, running, speed, lambda: _trouble(running, jobs))
        surprises += account.surprises
        _summary(account, time.monotonic() - ready)
    _tell(outcome)
    _where_to_look(running, console)
    surprises += [f"an alert about {title!r}" for title in outcome.false_alarms]
    if surprises:
        raise ServiceError(f"the jobs did not do as expected: {some(surprises)}")


def _running_job(job: str, say: Say) -> str:
    """The id of a job, submitted unless it runs."""
    if found := submission.running_job(job):
        return found.id
    wanted = Submission(job, overrides=JOBS[job])
    return submission.submit(wanted, replace=False, wait=True, report=say).id


def _replay(
    connection: Connection, running: Stack, speed: float, trouble: Trouble
) -> tuple[Account, Outcome]:
    """Send everything, and wait until all of it has come out."""
    from cli.reading import End, seek
    from ingest.send import ArticleSender

    codecs = {topic.name: connection.codec(topic) for topic in WATCHED}
    began_ms = time.time_ns() // 1_000_000
    base_ms = began_ms - corpus.SPAN_MS
    ring = read_keyring(reader_keys.ensure(reader_keys.pseudonyms_file(running.state_dir)))
    account = Account(plan(base_ms), began_ms)
    outcome = Outcome(traffic.planned(base_ms, ring.newest), began_ms)
    screen = Screen(account, outcome)
    warm, stopped = Event(), Event()
    with (
        connection.consumer() as consumer,
        ArticleSender(connection.client(), registry=connection.registry()) as sender,
        ThreadPoolExecutor(1) as pool,
        screen.live() as live,
    ):
        ends = seek(consumer, tuple(codecs), End())
        alerts = [partition for partition in ends if partition.topic == ALERTS_BREAKING.name]
        consumer.seek_to_beginning(*alerts)  # an earlier run's alert may still stand
        sending = pool.submit(_send, account, outcome, sender, connection, speed, warm, stopped)
        try:
            patience = Patience(account, outcome, trouble)
            while not account.complete or outcome.missing or not patience.settled:
                patience.check(sending)
                for partition, records in consumer.poll(_POLL_MS).items():
                    for record in records:
                        if partition.topic == USERS_EMBEDDINGS.name:
                            outcome.take_reader(record.key.decode())
                        elif record.value is not None:
                            found = codecs[partition.topic].decode(record.value)
                            if _take(account, outcome, found):
                                screen.add(found)
                                warm.set()
                live.update(screen.show())
            sending.result()
        finally:
            stopped.set()
            warm.set()
    if out.is_terminal:
        out.print(screen.table())
    return account, outcome


def _ingest(connection: Connection, speed: float, trouble: Trouble) -> Outcome:
    """Ingest the news from feeds of our own, and wait for the alert."""
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


def _watch_alerts(
    connection: Connection, consumer: "KafkaConsumer", outcome: Outcome, ended: Event
) -> None:
    from cli.reading import Beginning, seek

    codec = connection.codec(ALERTS_BREAKING)
    seek(consumer, (ALERTS_BREAKING.name,), Beginning())
    while not ended.is_set():
        for records in consumer.poll(_POLL_MS).values():
            for record in records:
                outcome.take(codec.decode(record.value))


def _take(account: Account, outcome: Outcome, record: Record) -> bool:
    """Count what came; whether it is an enriched article of this demo."""
    match record:
        case EnrichedArticle():
            return account.take_article(record)
        case DeadLetter():
            account.take_letter(record)
        case _:
            outcome.take(record)
    return False


def _send(
    account: Account,
    outcome: Outcome,
    sender: "ArticleSender",
    connection: Connection,
    speed: float,
    warm: Event,
    stopped: Event,
) -> None:
    """Send the first article, and when it has come out, the rest on its own time."""
    first, *rest = account.planned
    _send_one(sender, first)
    account.sent = 1
    warm.wait()
    began = time.monotonic() - first.offset_ms / 1000 / speed
    codecs = {topic.name: connection.codec(topic) for topic in (COMMENTS_RAW, USER_EVENTS)}
    for due in sorted([*rest, *outcome.sent], key=lambda each: each.offset_ms):
        if stopped.wait(max(0.0, began + due.offset_ms / 1000 / speed - time.monotonic())):
            return
        if isinstance(due, Planned):
            _send_one(sender, due)
            account.sent += 1
        else:
            value = codecs[due.topic].encode(due.record) if due.record else None
            sender.send_raw(due.key.encode(), value, topic=due.topic)
    sender.flush()


def _send_one(sender: "ArticleSender", record: Planned) -> None:
    if record.article is None:
        sender.send_raw(record.key.encode(), record.value)
    else:
        now_ms = time.time_ns() // 1_000_000
        sender.send(record.article.model_copy(update={"fetched_ms": now_ms}))


class Patience:
    """Ends the wait with one line that says what is missing and why."""

    def __init__(self, account: Account, outcome: Outcome, trouble: Trouble) -> None:
        self._account = account
        self._outcome = outcome
        self._trouble = trouble
        self._seen = self._followed = 0
        self._heard = self._told = time.monotonic()

    def check(self, sending: "Future[None]") -> None:
        """Raises ServiceError when sending failed, or when nothing came for too long."""
        if sending.done():
            sending.result()
        seen = len(self._account.enriched) + len(self._account.letters) + self._outcome.seen
        if seen != self._seen or (self._account.sent < len(self._account.planned) and seen):
            self._seen, self._heard = seen, time.monotonic()
        if self._outcome.followed != self._followed:
            self._followed, self._told = self._outcome.followed, time.monotonic()
        limit_s = LAST_ANSWER_S if seen else FIRST_ANSWER_S
        if time.monotonic() - self._heard > limit_s:
            missing = [*self._account.missing, *self._outcome.missing]
            raise ServiceError(
                f"not everything came out within {limit_s} s: {some(missing)} are missing; "
                f"{self._trouble()}"
            )

    @property
    def settled(self) -> bool:
        """Whether moods and the queue have told nothing more for a moment."""
        return time.monotonic() - self._told > SETTLED_S


class Screen:
    """The latest enriched articles and the counts; plain lines where there is no terminal."""

    def __init__(self, account: Account, outcome: Outcome) -> None:
        self._account = account
        self._outcome = outcome
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
        return Group(self.table(), Text(counts), Text(outcome_line(self._outcome)))

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


def outcome_line(outcome: Outcome) -> str:
    """Comments, queue, readers, who of them came to the story, and the alert once there is one."""
    line = (
        f"comments {outcome.comments} · for moderators {len(outcome.queued)} · "
        f"readers {outcome.readers}, {outcome.came} of them new to the story"
    )
    alert = outcome.alert
    return line if alert is None else f"{line} · ALERT {alert.score:.2f} {printable(alert.title)}"


def _cells(article: EnrichedArticle) -> tuple[str, ...]:
    """Published, source, language, title, milliseconds from Kafka to enriched."""
    published = datetime.fromtimestamp(article.published_ms / 1000).strftime("%H:%M:%S")
    language = f"{article.language.code} {article.language.confidence:.2f}"
    latency = str(article.enriched_ms - article.ingested_ms)
    return published, printable(article.source), language, printable(article.title), latency


def _summary(account: Account, seconds: float) -> None:
    out.print()
    out.print(counts_line(account, seconds), highlight=False)
    out.print(
        f"All {len(account.planned)} records are accounted for within {seconds:.0f} s; half of the "
        f"articles were enriched within {account.median_ms} ms of reaching Kafka.",
        highlight=False,
    )


def _tell(outcome: Outcome) -> None:
    out.print(outcome_line(outcome), highlight=False, markup=False)
    if mood := outcome.mood:
        out.print(mood_line(mood), highlight=False)
    if alert := outcome.alert:
        out.print()
        for line in told(alert):
            out.print(line, highlight=False, soft_wrap=True)


def _where_to_look(running: Stack, console: str) -> None:
    out.print()
    for what, how in (
        ("editors' console", f"{_login_link(console)}  (good once)"),
        ("alerts", "wiredesk alerts list; wiredesk alerts confirm ALERT"),
        ("moderation queue", "wiredesk moderation list"),
        ("a reader", "wiredesk readers show --user demo-pavel"),
        ("Flink UI", f"http://{running.flink}"),
        ("enriched articles", f"wiredesk tail {ARTICLES_ENRICHED.name} --embedding none"),
        ("dead letters", "wiredesk dead-letters list"),
        ("your own articles", "wiredesk replay FILE"),
        ("stop all of it", "wiredesk local down"),
    ):
        out.print(f"[bold]{what:<20}[/] {how}", highlight=False, soft_wrap=True)
    out.print("\nEverything is left running.")


def _login_link(console: str) -> str:
    """A link that logs an editor into the console, once."""
    from cli import serve
    from serving.settings import Role

    settings = serve.load(None, {"port": int(console.rpartition(":")[2])})
    path = serve.with_access(settings, lambda access: access.add_login_link("demo", Role.ADMIN))
    return f"http://{console}{path}"


def _trouble(running: Stack, jobs: Mapping[str, str]) -> str:
    """What Flink says about the jobs, and where their log is."""
    flink = Flink(running.flink or "")
    states = []
    for name, job_id in jobs.items():
        failure = flink.failure(job_id)
        why = f" ({failure})" if failure else ""
        states.append(f"{name} is {flink.job(job_id).state}{why}")
    return f"{', '.join(states)}; `wiredesk local logs` tells more"


@contextmanager
def _steps() -> Iterator[Say]:
    """Says what is being done: one line that changes, or plain lines without a terminal."""
    if not out.is_terminal:
        yield typer.echo
        return
    with out.status("starting") as status:
        yield status.update
