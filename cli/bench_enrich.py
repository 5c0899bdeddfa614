"""`wiredesk bench enrich`: the job `enrich` from Kafka to Kafka beside its model alone."""

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.bench_stack import (
    RATE,
    WARM_UP,
    OverridesOption,
    benched_job,
    end_running,
    kafka_with_topics,
    out,
    resident_mb,
    run_id,
    whole_stack,
)
from cli.files import JsonOption, write_json
from cli.progress import phase, progress
from local import stack

if TYPE_CHECKING:
    from bench.enrich import Throughput
    from schemas.article import Article


def enrich(
    docs: Annotated[int, typer.Option(min=200, help="Articles for each throughput.")] = 3000,
    latency_s: Annotated[
        int,
        typer.Option(
            min=10,
            help="Seconds of the latency run; its p99 rests on one article of 100, 7 a minute.",
        ),
    ] = 60,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `enrich` from Kafka to Kafka beside the bare model, and its latency.

    Runs on the local stack, which it starts and ends if none runs; a running job `enrich` is
    cancelled. Wants a machine that does nothing else.
    """
    with whole_stack() as running:
        figures = _measure(running, docs, int(latency_s * RATE), tuple(overrides or ()))
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
    _show(rounded)
    write_json(json_file, rounded)


def _measure(
    running: stack.Stack, docs: int, lone_docs: int, overrides: tuple[str, ...]
) -> dict[str, Any]:
    """Every figure of one run: the model before and after the job, since machines are noisy."""
    from bench import enrich as measure
    from bench.corpus import shuffled_articles
    from jobs.enrich import analyzer_config
    from jobs.runtime.catalogue import load_shared
    from jobs.runtime.enrich_settings import EnrichSettings
    from local.demo import corpus
    from models.analyzer import Analyzer
    from models.manifest import SHIPPED, read

    config = analyzer_config(load_shared(EnrichSettings, overrides=overrides))
    bodies = [a.body for a in corpus.articles() if a.language_hint == "en"]
    texts = shuffled_articles(bodies, 3 * docs + lone_docs + WARM_UP)
    run = run_id()

    def take(name: str, number: int) -> "list[Article]":
        return measure.articles(list(islice(texts, number)), f"{run}-{name}")

    kafka = kafka_with_topics(running)
    job = measure.through_job(kafka)
    analyzer = Analyzer(read(SHIPPED), config)
    analyzer.warm_up()
    end_running("enrich")
    with phase("the model alone"):
        raw = take("raw", docs)
        before = measure.raw_loop(analyzer, raw, config.batch, config.streams)
    with phase("a plain loop, one article at a time"):
        alone = measure.one_by_one(kafka, analyzer, take("alone", docs // 4))
    with benched_job("enrich", overrides):
        with progress("warming up", WARM_UP) as done:
            job.per_second(take("warm", WARM_UP), done)
        with progress("the job, all at once", docs) as done:
            per_second = job.per_second(take("job", docs), done)
        with progress(f"the job, {RATE:g} articles a second", lone_docs) as done:
            received, sent = job.paced(take("latency", lone_docs), RATE, done)
        latency, memory = received.latency(sent), resident_mb(running)
    with phase("the model alone, again"):
        after = measure.raw_loop(analyzer, raw, config.batch, config.streams)
    return {
        "docs": docs,
        **_compared(before, after, per_second),
        "one_by_one_docs_per_s": alone,
        **asdict(latency),
        "rss_mb": memory,
    }


def _compared(before: "Throughput", after: "Throughput", job: float) -> dict[str, float]:
    """The job, in articles a second, beside the model as it was before and after."""
    raw_docs = (before.docs_per_s + after.docs_per_s) / 2
    raw_tokens = (before.tokens_per_s + after.tokens_per_s) / 2
    return {
        "raw_docs_per_s": raw_docs,
        "raw_tokens_per_s": raw_tokens,
        "job_docs_per_s": job,
        "job_tokens_per_s": job * raw_tokens / raw_docs,
        "ratio": job / raw_docs,
    }


def _show(figures: dict[str, Any]) -> None:
    table = Table(title=f"enrich, {figures['docs']} articles of 256 tokens")
    table.add_column("measured")
    table.add_column("articles/s", justify="right")
    table.add_column("tokens/s", justify="right")
    for name, key in (("the model alone", "raw"), ("the job, Kafka to Kafka", "job")):
        docs, tokens = figures[f"{key}_docs_per_s"], figures[f"{key}_tokens_per_s"]
        table.add_row(name, f"{docs:.1f}", f"{tokens:,.0f}")
    table.add_row("a plain loop, one by one", f"{figures['one_by_one_docs_per_s']:.1f}", "")
    out.print(table)
    out.print(f"ratio of job to model: {figures['ratio']:.3f}")
    out.print(
        f"latency at {RATE:g} articles/s: p50 {figures['p50_ms']:.0f} ms, "
        f"p95 {figures['p95_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms"
    )
    for name, mib in figures["rss_mb"].items():
        out.print(f"  {name:<24}{mib:>6} MiB")
