"""`wiredesk bench readers`: the state of many readers' profiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli import topics
from cli.bench_stack import (
    WARM_UP,
    OverridesOption,
    benched_job,
    out,
    run_id,
    tell,
    whole_stack,
)
from cli.connection import connect
from cli.files import JsonOption
from cli.progress import phase
from local import stack

_MB = 1_000_000
_REDIS_BOUNDS = {"appendonly": "no", "maxmemory": "256mb", "maxmemory-policy": "allkeys-random"}


def readers(
    count: Annotated[int, typer.Option(min=1000, help="Readers, one click each.")] = 1_000_000,
    pieces: Annotated[int, typer.Option(min=1, help="Checkpoints on the way.")] = 10,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """What the profiles of many readers take in the job's state and in a checkpoint.

    Their clicks go through the running job `profiles`, which is cancelled at the end, on the local
    stack, which is started and ended if none runs. A million need ten minutes and 10 GB of disk;
    Redis keeps 256 MB of them, and its own file of none.
    """
    with whole_stack() as running:
        figures = _measure(running, count, pieces, tuple(overrides or ()))
    tell(figures, json_file)


def _measure(
    running: stack.Stack, count: int, pieces: int, overrides: tuple[str, ...]
) -> dict[str, float]:
    from bench import profiles as measure
    from local.flink_rest import Flink

    assert running.kafka
    assert running.flink
    run, flink, share = run_id(), Flink(running.flink), count // pieces
    topics.apply(connect(running.kafka))
    with _bounded_redis(running), benched_job("profiles", overrides) as job:
        known = measure.articles(2000, run)
        with phase("warming up"):
            measure.publish(running.kafka, known)
            warm = measure.first_clicks(4 * WARM_UP, known, f"{run}-warm")
            measure.job_backlog(running.kafka, warm)
        first, seconds = flink.fresh_checkpoint(job.id), 0.0
        working, kept = running.state_dir / "tmp", running.state_dir / "checkpoints" / job.id
        before = _size(working)
        for piece in range(pieces):
            with phase(f"{share:,} readers more"):
                clicks = measure.first_clicks(share, known, f"{run}-{piece}")
                seconds += measure.job_backlog(running.kafka, clicks).seconds
            last, there = flink.fresh_checkpoint(job.id), share * (piece + 1)
            state = last.state_bytes - first.state_bytes
            out.print(
                f"{there:>11,} readers  {state / there:7,.0f} bytes each  "
                f"{state / _MB:8,.1f} MB of state",
                highlight=False,
            )
        return {
            "readers": there,
            "events_per_s": there / seconds,
            "state_mb": state / _MB,
            "bytes_per_reader": state / there,
            "most_a_checkpoint_wrote_mb": last.most_written / _MB,
            "longest_checkpoint_s": last.longest_s,
            "checkpoints_on_disk_mb": _size(kept) / _MB,
            "working_state_on_disk_mb": (_size(working) - before) / _MB,
        }


@contextmanager
def _bounded_redis(running: stack.Stack) -> Iterator[None]:
    """Redis holds a part of the profiles only: it is not what is measured."""
    import redis

    with redis.Redis.from_url(f"redis://{running.redis}") as client:
        before = {name: client.config_get(name)[name] for name in _REDIS_BOUNDS}
        for name, value in _REDIS_BOUNDS.items():
            client.config_set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                client.config_set(name, value)


def _size(folder: Path) -> int:
    """Bytes of all files; those that go away meanwhile do not count."""
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return found
