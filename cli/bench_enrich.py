"""`wiredesk bench enrich`: the job `enrich` from Kafka to Kafka beside its model alone."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli import topics
from cli.bench_stack import (
    RATE,
    WARM_UP,
    OverridesOption,
    benched_job,
    out,
    resident_mb,
    run_id,
    whole_stack,
)
from cli.connection import connect
from cli.files import JsonOption, write_json
from cli.progress import progress
from local import stack, submission

if TYPE_CHECKING:
    from schemas.article import Article


def enrich(
    docs: Annotated[int, typer.Option(min=200, help="Articles for each throughput.")] = 3000,
    latency_s: Annotated[int, typer.Option(min=10, help="Seconds of the latency run.")] = 60,
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

    connection = connect(running.kafka)
    topics.apply(connection)
    kafka = connection.client()
    analyzer = Analyzer(read(SHIPPED), config)
    analyzer.warm_up()
    if submission.running_job("enrich"):  # nothing else may read articles.raw
        submission.cancel("enrich", jobmanager=None, savepoint=False)
    with out.status("the model alone"):
        raw = take("raw", docs)
        before = measure.raw_loop(analyzer, raw, config.batch, config.streams)
    with out.status("a plain loop, one article at a time"):
        alone = measure.one_by_one(kafka, analyzer, take("alone", docs // 4))
    with benched_job("enrich", overrides):
        with progress("warming up", WARM_UP) as done:
            measure.job_backlog(kafka, take("warm", WARM_UP), done)
        with progress("the job, all at once", docs) as done:
            job = measure.job_backlog(kafka, take("job", docs), done)
        with progress(f"the job, {RATE:g} articles a second", lone_docs) as done:
            latency = measure.job_latency(kafka, take("latency", lone_docs), RATE, done)
        memory = resident_mb(running)
    with out.status("the model alone, again"):
        after = measure.raw_loop(analyzer, raw, config.batch, config.streams)
    raw_docs = (before.docs_per_s + after.docs_per_s) / 2
    raw_tokens = (before.tokens_per_s + after.tokens_per_s) / 2
    return {
        "docs": docs,
        "raw_docs_per_s": raw_docs,
        "raw_tokens_per_s": raw_tokens,
        "job_docs_per_s": job,
        "job_tokens_per_s": job * raw_tokens / raw_docs,
        "ratio": job / raw_docs,
        "one_by_one_docs_per_s": alone,
        "p50_ms": latency.p50_ms,
        "p95_ms": latency.p95_ms,
        "p99_ms": latency.p99_ms,
        "rss_mb": memory,
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
