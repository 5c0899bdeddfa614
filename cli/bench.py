"""`wiredesk bench`: how fast it is on this machine."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli import bench_ingest, bench_serve, topics
from cli.connection import connect
from local import stack, state, submission

if TYPE_CHECKING:
    import psutil

    from bench.models import Figure
    from models.analyzer import AnalyzerConfig
    from models.manifest import Manifest
    from schemas.article import Article

OverridesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the job; repeatable."),
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="OUT", help="Write the figures here, too.")
]

app = typer.Typer(no_args_is_help=True, help="How fast it is on this machine.")
out = Console()

RATE = 12.0
WARM_UP = 256
"""Articles sent before anything is measured: workers start, caches and JIT warm up."""

_MIB = 1024 * 1024


@app.callback()
def bench() -> None:
    """How fast it is on this machine."""


app.command("serve")(bench_serve.serve)
app.command("ingest")(bench_ingest.ingest)


@app.command("enrich")
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
    with _whole_stack() as running:
        figures = _measure(running, docs, int(latency_s * RATE), tuple(overrides or ()))
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
    _show(rounded)
    if json_file:
        json_file.write_text(json.dumps(rounded, indent=2) + "\n", "utf-8")


@app.command("breaking")
def breaking(
    count: Annotated[int, typer.Option(min=1000, help="Articles of the throughput.")] = 20_000,
    latency_s: Annotated[int, typer.Option(min=10, help="Seconds of each latency run.")] = 60,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `breaking` from Kafka to Kafka at parallelism 1, and how soon its alerts come.

    Simulated news. Runs on the local stack, which it starts and ends if none runs; a running job
    `breaking` is cancelled. Wants a machine that does nothing else.
    """
    with _whole_stack() as running:
        figures = _measure_breaking(running, count, latency_s, tuple(overrides or ()))
    _tell(figures, json_file)


def _measure_breaking(
    running: stack.Stack, count: int, latency_s: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Throughput of a backlog, then alerts at the usual rate and in a tenfold burst."""
    from bench import breaking as measure

    connection = connect(running.kafka)
    topics.apply(connection)
    kafka = connection.client()
    room = measure.Newsroom(f"bench-{time.time_ns() // 1_000_000}")
    wanted = submission.Submission(job="breaking", overrides=("start_from=latest", *overrides))
    with out.status("submitting the job"):
        submission.submit(wanted, replace=True, wait=True, report=str)
    try:
        with _progress("warming up", WARM_UP) as done:
            measure.throughput(kafka, room.stream(WARM_UP), done)
        figures = {"articles_per_s": 0.0}
        for name, rate, seconds in (("usual", RATE, latency_s), ("burst", 10 * RATE, latency_s)):
            batch = room.news(rate, seconds)
            with _progress(f"{rate:g} articles a second", len(batch)) as done:
                latency = measure.alert_latency(kafka, batch, rate, done)
            figures |= {
                f"{name}_alerts": latency.alerts,
                f"{name}_p50_ms": latency.p50_ms,
                f"{name}_p95_ms": latency.p95_ms,
                f"{name}_most_ms": latency.most_ms,
            }
        with _progress("all at once", count) as done:
            figures["articles_per_s"] = measure.throughput(kafka, room.stream(count), done)
    finally:
        submission.cancel("breaking", jobmanager=None, savepoint=False)
    return figures


def _tell(figures: dict[str, float], json_file: Path | None) -> None:
    for name, value in figures.items():
        out.print(f"{name:<28}{value:>14,.1f}", highlight=False)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


@app.command("profiles")
def profiles(
    events: Annotated[int, typer.Option(min=1000, help="Events, in two runs.")] = 60_000,
    readers: Annotated[int, typer.Option(min=100, help="Readers they are of.")] = 20_000,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `profiles` from Kafka to Kafka and Redis at parallelism 1, and its state.

    Runs on the local stack, which it starts and ends if none runs; a running job `profiles` is
    cancelled. Wants a machine that does nothing else.
    """
    with _whole_stack() as running:
        figures = _measure_profiles(running, events, readers, tuple(overrides or ()))
    _tell(figures, json_file)


@app.command("audience")
def audience(
    count: Annotated[int, typer.Option(min=200, help="Comments for each throughput.")] = 6_000,
    latency_s: Annotated[int, typer.Option(min=5, help="Seconds of the latency run.")] = 30,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """The job `audience` from Kafka to Kafka at parallelism 1 beside its analyzer alone.

    Runs on the local stack, which it starts and ends if none runs; a running job `audience` is
    cancelled. Wants a machine that does nothing else.
    """
    with _whole_stack() as running:
        figures = _measure_audience(running, count, latency_s, tuple(overrides or ()))
    _tell(figures, json_file)


@app.command("feed")
def feed(
    most: Annotated[int, typer.Option(min=5000, help="Fresh articles at the end.")] = 100_000,
    json_file: JsonOption = None,
) -> None:
    """Nearest articles and whole feeds as fresh articles grow: milliseconds, recall@100.

    Simulated articles; needs neither Kafka nor Flink. Wants a machine that does nothing else.
    """
    from bench import feed as measure

    with out.status("ranking"):
        found = measure.costs(most)
    measure.show(out, found)
    if json_file:
        json_file.write_text(json.dumps([asdict(cost) for cost in found], indent=2) + "\n", "utf-8")


@app.command("models")
def models(
    floats: Annotated[
        list[Path] | None,
        typer.Option("--float", metavar="FILE", help="A float32 graph to compare; repeatable."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Default: the models of the job.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Of each round of each cell.")] = 1.0,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """Tokens a second of each model on each provider, beside the bare encoder, in one run.

    Batches, threads and streams are those of the job; `--set inference_provider=cpu` measures one
    provider only. Wants a machine that does nothing else.
    """
    from bench import models as measure
    from jobs.enrich import analyzer_config
    from jobs.runtime.catalogue import load_shared
    from jobs.runtime.enrich_settings import EnrichSettings
    from models.manifest import SHIPPED, read
    from models.session import providers

    s = load_shared(EnrichSettings, overrides=tuple(overrides or ()))
    path = manifest or s.models_manifest or SHIPPED
    known = read(path, non_commercial=s.non_commercial_models)
    config = analyzer_config(s)
    found = measure.contenders(known, providers(config.provider), floats or ())
    with _progress("rounds", measure.rounds(found, repeats)) as done:
        figures = measure.measure(
            found, config=config, repeats=repeats, seconds=seconds, progress=done
        )
    with out.status("the heads"):
        decoding = _decoding(known, config, repeats)
    _show_models(figures, decoding)
    if json_file:
        told = {
            "threads": config.threads,
            "streams": config.streams,
            "figures": [asdict(figure) for figure in figures],
            "decoding_us": decoding,
        }
        json_file.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def _decoding(known: "Manifest", config: "AnalyzerConfig", repeats: int) -> dict[str, float]:
    """What the heads' Python costs a document of the demo, microseconds."""
    from bench.models import decoding_us
    from local.demo import corpus
    from models.text import article_text

    texts = [article_text(a) for a in corpus.articles() if a.language_hint == "en"]
    return decoding_us(known, texts[:64], config=config, repeats=repeats)


def _show_models(figures: "list[Figure]", decoding: dict[str, float]) -> None:
    lengths = sorted({figure.length for figure in figures})
    table = Table(title="tokens/s (texts/s) of each length", title_justify="left")
    for column in ("model", "file", "provider"):
        table.add_column(column)
    for length in lengths:
        table.add_column(f"{length} tokens", justify="right")
    table.add_column("of the bare encoder", justify="right")
    rows: dict[tuple[str, str, str], dict[int, Figure]] = {}
    for figure in figures:
        rows.setdefault((figure.model, figure.file, figure.provider), {})[figure.length] = figure
    for row, cells in rows.items():
        shown = [
            f"{cells[n].tokens_per_s:,.0f} ({cells[n].docs_per_s:,.0f})" if n in cells else ""
            for n in lengths
        ]
        shares = [f"{cell.of_bare:.2f}" for cell in cells.values() if cell.of_bare is not None]
        table.add_row(*row, *shown, " ".join(shares))
    out.print(table)
    for head, microseconds in decoding.items():
        out.print(f"decoding {head}: {microseconds:,.0f} µs a text", highlight=False)


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
    run = f"bench-{time.time_ns() // 1_000_000}"

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
    with out.status("submitting the job"):
        wanted = submission.Submission(job="enrich", overrides=overrides)
        submission.submit(wanted, replace=True, wait=True, report=str)
    try:
        with _progress("warming up", WARM_UP) as done:
            measure.job_backlog(kafka, take("warm", WARM_UP), done)
        with _progress("the job, all at once", docs) as done:
            job = measure.job_backlog(kafka, take("job", docs), done)
        with _progress(f"the job, {RATE:g} articles a second", lone_docs) as done:
            latency = measure.job_latency(kafka, take("latency", lone_docs), RATE, done)
        memory = resident_mb(running)
    finally:
        submission.cancel("enrich", jobmanager=None, savepoint=False)
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


def _measure_audience(
    running: stack.Stack, count: int, latency_s: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Every figure of one run: the analyzer before and after the job, since machines are noisy."""
    from bench import audience as measure
    from jobs.audience import analyzer_config
    from jobs.runtime.audience_settings import AudienceSettings
    from jobs.runtime.catalogue import load_shared
    from models.comment_analyzer import CommentAnalyzer
    from models.manifest import SHIPPED, read

    run = f"bench-{time.time_ns() // 1_000_000}"
    connection = connect(running.kafka)
    topics.apply(connection)
    kafka = connection.client()
    settings = load_shared(AudienceSettings, overrides=overrides)
    with _phase("the models open"):
        alone = CommentAnalyzer(read(SHIPPED), analyzer_config(settings))
        alone.warm_up()
    if submission.running_job("audience"):  # nothing else may read comments.raw
        submission.cancel("audience", jobmanager=None, savepoint=False)
    with _phase("the analyzer alone"):
        before = measure.analyzer_alone(alone, measure.comments(count // 3, f"{run}-before"))
    with _phase("submitting the job"):
        wanted = submission.Submission("audience", overrides=overrides, parallelism=1)
        submission.submit(wanted, replace=True, wait=True, report=str)
    try:
        with _phase("warming up"):
            measure.job_backlog(kafka, measure.comments(4 * WARM_UP, f"{run}-warm"))
        used = cpu_s(running)
        with _phase(f"the job, {count:,} comments at once"):
            job = measure.job_backlog(kafka, measure.comments(count, f"{run}-job"))
        used = {name: seconds - used.get(name, 0.0) for name, seconds in cpu_s(running).items()}
        rate = measure.RATE
        with _phase(f"the job, {rate:g} comments a second"):
            steady = measure.comments(int(latency_s * rate), f"{run}-steady", rate)
            latency = measure.job_latency(kafka, steady, rate)
    finally:
        submission.cancel("audience", jobmanager=None, savepoint=False)
    with _phase("the analyzer alone, again"):
        after = measure.analyzer_alone(alone, measure.comments(count // 3, f"{run}-after"))
    return {
        "comments": count,
        "analyzer_per_s": (before + after) / 2,
        "job_per_s": job,
        "ratio": job / ((before + after) / 2),
        **{f"{name}_cpu_us_per_comment": s * 1e6 / count for name, s in used.items()},
        "p50_ms": latency.p50_ms,
        "p95_ms": latency.p95_ms,
        "p99_ms": latency.p99_ms,
    }


def _measure_profiles(
    running: stack.Stack, count: int, readers: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    """Rate, and what readers add to a checkpoint: the first half of them, and the second."""
    from bench import profiles as measure
    from local.flink_rest import Flink

    run = f"bench-{time.time_ns() // 1_000_000}"
    assert running.kafka
    assert running.flink
    topics.apply(connect(running.kafka))
    with _phase("submitting the job"):
        wanted = submission.Submission("profiles", overrides=overrides, parallelism=1)
        job = submission.submit(wanted, replace=True, wait=True, report=str)
    try:
        known = measure.articles(2000, run)
        with _phase("warming up"):
            measure.publish(running.kafka, known)
            warm = measure.events(20 * WARM_UP, 1000, known, f"{run}-warm")
            measure.job_backlog(running.kafka, warm)
        flink, used = Flink(running.flink), cpu_s(running)
        sizes, halves = [flink.fresh_state_size(job.id)], []
        for half in ("a", "b"):
            with _phase(f"{count // 2:,} events of {readers // 2:,} new readers"):
                batch = measure.events(count // 2, readers // 2, known, f"{run}-{half}")
                halves.append(measure.job_backlog(running.kafka, batch))
            sizes.append(flink.fresh_state_size(job.id))
        used = {name: seconds - used[name] for name, seconds in cpu_s(running).items()}
    finally:
        submission.cancel("profiles", jobmanager=None, savepoint=False)
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
    }


@contextmanager
def _whole_stack() -> Iterator[stack.Stack]:
    """The local stack that runs, else one for the length of the benchmark."""
    running = stack.status()
    if running is not None and running.whole:
        yield running
        return
    with _phase("starting the local stack"):
        started = stack.up(stack.StackConfig(state_dir=state.default_dir()))
    try:
        yield started
    finally:
        stack.down(started.state_dir)


@contextmanager
def _phase(what: str) -> Iterator[None]:
    """Tells what goes on and how long it took, also where no terminal shows a spinner."""
    started = time.monotonic()
    with out.status(what):
        yield
    out.print(f"{time.monotonic() - started:7.1f} s  {what}", highlight=False)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        refresh_per_second=2,
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def cpu_s(running: stack.Stack) -> dict[str, float]:
    """Processor time that the TaskManagers, their Python workers and Kafka have used so far:
    steadier than the clock where others work, too.
    """
    import psutil

    used = {"jvm": 0.0, "python": 0.0, "kafka": 0.0}
    for each in running.processes:
        process = psutil.Process(each.pid)
        if each.name.startswith("taskmanager"):
            used["jvm"] += _cpu_s(process)
            workers = [c for c in process.children(recursive=True) if c.name().startswith("python")]
            used["python"] += sum(map(_cpu_s, workers))
        elif each.name == "kafka":
            used["kafka"] += _cpu_s(process)
    return used


def _cpu_s(process: "psutil.Process") -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def resident_mb(running: stack.Stack) -> dict[str, int]:
    """Resident memory of each process of the stack and of its Python workers, MiB."""
    import psutil

    found = {}
    for process in running.processes:
        jvm = psutil.Process(process.pid)
        found[process.name] = jvm.memory_info().rss // _MIB
        workers = [c for c in jvm.children(recursive=True) if c.name().startswith("python")]
        for number, worker in enumerate(workers, start=1):
            found[f"{process.name}-python-{number}"] = worker.memory_info().rss // _MIB
    return found


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
