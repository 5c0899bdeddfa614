"""`wiredesk bench breaking`: the job `breaking` from Kafka to Kafka."""

from typing import Annotated

import typer

from cli.bench_stack import (
    RATE,
    WARM_UP,
    OverridesOption,
    benched_job,
    kafka_with_topics,
    processors,
    resident_mb,
    run_id,
    tell,
    whole_stack,
)
from cli.files import JsonOption
from cli.progress import progress
from local import stack
from local.flink_rest import Flink


def breaking(
    count: Annotated[int, typer.Option(min=1000, help="Articles of the throughput.")] = 20_000,
    latency_s: Annotated[int, typer.Option(min=10, help="Seconds of each latency run.")] = 60,
    stories: Annotated[
        int, typer.Option(min=0, help="Other stories that the job knows before, of one article.")
    ] = 0,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `breaking` from Kafka to Kafka at parallelism 1, and how soon its alerts come.

    Two backlogs of `count` articles: a new job works the first one off, a warm one the second.

    Simulated news. Runs on the local stack, which it starts and ends if none runs; a running job
    `breaking` is cancelled. Wants a machine that does nothing else.
    """
    with whole_stack() as running:
        figures = _measure(running, count, latency_s, stories, tuple(overrides or ()))
    tell(figures, json_file)


def _measure(
    running: stack.Stack, count: int, latency_s: int, stories: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Throughput of a backlog, then alerts at the usual rate and in a tenfold burst."""
    from bench import breaking as measure

    kafka = kafka_with_topics(running)
    run = run_id()
    room = measure.Newsroom(run)
    with benched_job("breaking", ("start_from=latest", *overrides)) as job:
        figures = {"first_articles_per_s": 0.0, "articles_per_s": 0.0}
        with progress("warming up", WARM_UP) as done:
            measure.throughput(kafka, room.stream(WARM_UP), done)
        if stories:
            with progress("stories to know", stories) as done:
                measure.know(kafka, room.day(stories), done)
        for name, rate, seconds in (("usual", RATE, latency_s), ("burst", 10 * RATE, latency_s)):
            batch = room.news(rate, seconds)
            with progress(f"{rate:g} articles a second", len(batch)) as done:
                latency = measure.alert_latency(kafka, batch, rate, done)
            figures |= {
                f"{name}_alerts": latency.alerts,
                f"{name}_p50_ms": latency.p50_ms,
                f"{name}_p95_ms": latency.p95_ms,
                f"{name}_most_ms": latency.most_ms,
            }
        batch = room.news(RATE, latency_s)
        with progress("editors' commands", int(latency_s * measure.COMMANDS_A_SECOND)) as done:
            answers = measure.command_latency(kafka, run, batch, RATE, done)
        figures |= {"command_p50_ms": answers.p50_ms, "command_p95_ms": answers.p95_ms}
        for name in ("first_articles_per_s", "articles_per_s"):  # the JVM compiles in the first
            batch = room.stream(count)
            with progress("a backlog", count) as done, processors(running) as used:
                figures[name] = measure.throughput(kafka, batch, done)
        figures |= {f"{name}_ms_an_article": 1000 * s / count for name, s in used.items()}
        checkpoint = Flink(running.flink or "").fresh_checkpoint(job.id)
        figures |= {
            "checkpoint_mb": checkpoint.state_bytes / 1e6,
            "longest_checkpoint_s": checkpoint.longest_s,
        }
        return figures | {f"{name}_mib": mib for name, mib in resident_mb(running).items()}
