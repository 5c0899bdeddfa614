"""`wiredesk demo`: everything at once, from nothing to an alert on the screen."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer
from rich.console import Console

from cli import topics
from cli.alert_lines import told
from cli.connection import connect
from cli.demo_account import Account, some
from cli.demo_outcome import Outcome, mood_line
from cli.demo_runs import ingest, replay
from cli.demo_screen import counts_line, outcome_line
from cli.progress import Say, steps
from local import server, stack, state, submission
from local.demo import corpus
from local.flink_rest import Flink
from local.stack import Stack, StackConfig
from local.submission import Submission
from schemas.errors import ServiceError
from schemas.topics import ARTICLES_ENRICHED

out = Console()

JOBS = {
    "enrich": (),
    "breaking": (),
    "audience": ("mood_half_life_s=600",),
    "profiles": ("lists_slide_s=5", "demand_every_s=2", "demand_lateness_s=2"),
}
"""Jobs with settings for a day of half an hour."""

SUBMITTED_AT_ONCE = 2
SPEED = 45.0
"""Half an hour in 40 seconds."""


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
    with steps("starting") as say:
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
        outcome = ingest(connection, speed, lambda: _trouble(running, jobs))
    else:
        account, outcome = replay(connection, running, speed, lambda: _trouble(running, jobs), out)
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
