"""`wiredesk bench profiles`: the job `profiles` from Kafka to Kafka and Redis."""

from typing import Annotated

import typer

from cli import topics
from cli.bench_stack import (
    WARM_UP,
    OverridesOption,
    benched_job,
    processors,
    run_id,
    tell,
    whole_stack,
)
from cli.connection import connect
from cli.files import JsonOption
from cli.progress import phase
from local import stack


def profiles(
    events: Annotated[int, typer.Option(min=1000, help="Events, in two runs.")] = 200_000,
    readers: Annotated[int, typer.Option(min=100, help="Readers they are of.")] = 40_000,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `profiles` from Kafka to Kafka and Redis at parallelism 1, and its state.

    Runs on the local stack, which it starts and ends if none runs; a running job `profiles` is
    cancelled. Wants a machine that does nothing else.
    """
    with whole_stack() as running:
        figures = _measure(running, events, readers, tuple(overrides or ()))
    tell(figures, json_file)


def _measure(
    running: stack.Stack, count: int, readers: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Rate, and what readers add to a checkpoint: the first half of them, and the second."""
    from bench import profiles as measure
    from local.flink_rest import Flink

    run = run_id()
    assert running.kafka
    assert running.flink
    topics.apply(connect(running.kafka))
    with benched_job("profiles", overrides) as job:
        known = measure.articles(2000, run)
        with phase("warming up"):
            measure.publish(running.kafka, known)
            warm = measure.events(80 * WARM_UP, 2000, known, f"{run}-warm")
            measure.job_backlog(running.kafka, warm)
        flink, halves = Flink(running.flink), []
        sizes = [flink.fresh_checkpoint(job.id).state_bytes]
        with processors(running) as used:
            for half in ("a", "b"):
                with phase(f"{count // 2:,} events of {readers // 2:,} new readers"):
                    batch = measure.events(count // 2, readers // 2, known, f"{run}-{half}")
                    halves.append(measure.job_backlog(running.kafka, batch))
                sizes.append(flink.fresh_checkpoint(job.id).state_bytes)
    events = sum(half.events for half in halves)
    return {
        "events": events,
        "events_per_s": events / sum(half.seconds for half in halves),
        "jvm_cpu_us_per_event": used["jvm"] * 1e6 / events,
        "kafka_cpu_us_per_event": used["kafka"] * 1e6 / events,
        "readers": readers,
        "events_per_reader": count / readers,
        "state_mb": (sizes[2] - sizes[0]) / 1e6,
        "bytes_per_reader_first_half": (sizes[1] - sizes[0]) / (readers // 2),
        "bytes_per_reader_second_half": (sizes[2] - sizes[1]) / (readers // 2),
        "mb_of_a_million_readers": (sizes[2] - sizes[0]) / readers,
    }
