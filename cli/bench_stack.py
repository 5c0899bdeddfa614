"""What benchmarks of jobs share: a stack, a job, what it costs, and how figures are told."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli import topics
from cli.connection import connect
from cli.files import write_json
from cli.progress import phase
from local import stack, state, submission

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

OverridesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the job; repeatable."),
]

out = Console()

RATE = 12.0
"""Articles a second of a latency run."""

WARM_UP = 256
"""Records sent before anything is measured: workers start, caches and JIT warm up."""

_MIB = 1024 * 1024


def tell(figures: dict[str, float], json_file: "Path | None") -> None:
    """Print the figures, and write them where they are wanted."""
    for name, value in figures.items():
        out.print(f"{name:<28}{value:>14,.1f}", highlight=False)
    write_json(json_file, figures)


@contextmanager
def whole_stack() -> Iterator[stack.Stack]:
    """The local stack that runs, else one for the length of the benchmark."""
    running = stack.status()
    if running is not None and running.whole:
        yield running
        return
    with phase("starting the local stack"):
        started = stack.up(stack.StackConfig(state_dir=state.default_dir()))
    try:
        yield started
    finally:
        stack.down(started.state_dir)


def kafka_with_topics(running: stack.Stack) -> dict[str, Any]:
    """The stack's Kafka, with every topic, in kafka-python's words."""
    connection = connect(running.kafka)
    topics.apply(connection)
    return connection.client()


def end_running(job: str) -> None:
    """End the job if it runs: nothing else may read what it reads."""
    if submission.running_job(job):
        submission.cancel(job, jobmanager=None, savepoint=False)


@contextmanager
def benched_job(job: str, overrides: tuple[str, ...]) -> Iterator[submission.Submitted]:
    """A job at parallelism 1, in place of one that runs, cancelled at the end."""
    with phase("submitting the job"):
        wanted = submission.Submission(job, overrides=overrides, parallelism=1)
        submitted = submission.submit(wanted, replace=True, wait=True, report=str)
    try:
        yield submitted
    finally:
        submission.cancel(job, jobmanager=None, savepoint=False)


@contextmanager
def processors(running: stack.Stack) -> Iterator[dict[str, float]]:
    """Seconds of processor that the TaskManagers, their Python workers and Kafka use meanwhile,
    known at the end: steadier than the clock where others work, too.
    """
    before, used = _cpu_of(running), dict[str, float]()
    yield used
    used |= {name: seconds - before[name] for name, seconds in _cpu_of(running).items()}


def run_id() -> str:
    """What ids of a benchmark's records begin with."""
    return f"bench-{time.time_ns() // 1_000_000}"


def _cpu_of(running: stack.Stack) -> dict[str, float]:
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
