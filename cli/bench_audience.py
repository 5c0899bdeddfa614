"""`wiredesk bench audience`: the job `audience` from Kafka to Kafka."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.bench_stack import (
    WARM_UP,
    OverridesOption,
    benched_job,
    end_running,
    kafka_with_topics,
    processors,
    run_id,
    tell,
    whole_stack,
)
from cli.files import JsonOption
from cli.progress import phase
from local import stack


def audience(
    count: Annotated[int, typer.Option(min=200, help="Comments for each throughput.")] = 6_000,
    latency_s: Annotated[int, typer.Option(min=5, help="Seconds of the latency run.")] = 30,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `audience` from Kafka to Kafka at parallelism 1 beside its analyzer alone.

    Latency is told whole, and by stage: until the broker has the comment (sent), until its analysis
    is there (analysed), until it is read from comments.enriched (told).
    Runs on the local stack, which it starts and ends if none runs; a running job `audience` is
    cancelled. Wants a machine that does nothing else.
    """
    with whole_stack() as running:
        figures = _measure(running, count, latency_s, tuple(overrides or ()))
    tell(figures, json_file)


def _measure(
    running: stack.Stack, count: int, latency_s: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Every figure of one run: the analyzer before and after the job, since machines are noisy."""
    from bench import audience as measure
    from jobs.runtime.audience_settings import AudienceSettings
    from jobs.runtime.catalogue import load_shared
    from models.comment_analyzer import CommentAnalyzer
    from models.manifest import SHIPPED, read

    run = run_id()
    kafka = kafka_with_topics(running)
    job = measure.through_job(kafka)
    settings = load_shared(AudienceSettings, overrides=overrides)
    with phase("the models open"):
        alone = CommentAnalyzer(read(SHIPPED), settings.inference())
        alone.warm_up()
    end_running("audience")
    with phase("the analyzer alone"):
        before = measure.analyzer_alone(alone, measure.comments(count // 3, f"{run}-before"))
    with benched_job("audience", overrides):
        with phase("warming up"):
            job.per_second(measure.comments(4 * WARM_UP, f"{run}-warm"))
        with phase(f"the job, {count:,} comments at once"), processors(running) as used:
            per_second = job.per_second(measure.comments(count, f"{run}-job"))
        rate = measure.RATE
        with phase(f"the job, {rate:g} comments a second"):
            steady = measure.comments(
                int(latency_s * rate), f"{run}-steady", rate, from_now_on=True
            )
            stages = measure.stages(kafka, steady, rate)
    with phase("the analyzer alone, again"):
        after = measure.analyzer_alone(alone, measure.comments(count // 3, f"{run}-after"))
    return {
        "comments": count,
        "analyzer_per_s": (before + after) / 2,
        "job_per_s": per_second,
        "ratio": per_second / ((before + after) / 2),
        **{f"{name}_cpu_us_per_comment": s * 1e6 / count for name, s in used.items()},
        **{
            f"{stage}{name}": milliseconds
            for stage, latency in stages.items()
            for name, milliseconds in asdict(latency).items()
        },
    }
