"""`wiredesk local`: Kafka, Redis and Flink on this machine."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Self

import psutil
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import flink_cluster, stack, state
from local.errors import StackError
from local.ports import HOST
from local.stack import UP, Stack, StackConfig

app = typer.Typer(
    help="Kafka, Redis and Flink on this machine: loopback only, state in .wiredesk.",
    no_args_is_help=True,
)
out = Console()

StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", help="Folder of the stack. Default: WIREDESK_STATE_DIR, else .wiredesk."
    ),
]


@app.command()
def up(
    state_dir: StateDir = None,
    kafka_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: 19092 or the next free.")
    ] = None,
    redis_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: 16379 or the next free.")
    ] = None,
    flink_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: 18081 or the next free.")
    ] = None,
    taskmanagers: Annotated[
        int | None, typer.Option(min=1, help="Default: 2, so that one stands by.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option(min=1, help="Slots of each TaskManager. Default: 4.")
    ] = None,
) -> None:
    """Start what does not run yet, and wait until all of it answers.

    Safe to repeat: a part that died comes back with its data and its port.
    """
    began = time.monotonic()
    config = StackConfig(
        state_dir=_folder(state_dir),
        kafka_port=kafka_port,
        redis_port=redis_port,
        flink_port=flink_port,
        taskmanagers=taskmanagers,
        slots=slots,
    )
    before = stack.status(config.state_dir)
    with _Parts() as parts:
        running = stack.up(config, parts.report)
    _show(running)
    if before and _died(before, "jobmanager"):
        out.print("The JobManager is a new one and knows no jobs: `wiredesk submit` them again.")
    out.print(f"Up after {time.monotonic() - began:.1f} s. Stop it with `wiredesk local down`.")


@app.command()
def down(
    state_dir: StateDir = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete the data too; downloaded jars stay.")
    ] = False,
) -> None:
    """End every process that `up` started, and all that those started."""
    folder = _folder(state_dir)
    with _Parts() as parts:
        stack.down(folder, parts.report, purge=purge)
    out.print("Down, data deleted." if purge else "Down, data kept.")


@app.command()
def status(
    state_dir: StateDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Addresses and processes as JSON.")
    ] = False,
) -> None:
    """What runs, where, and how much memory it takes. Exit code 3 when something is missing."""
    running = stack.status(_folder(state_dir))
    if as_json:
        typer.echo(json.dumps(_as_json(running)))
    elif running is None:
        out.print("Nothing runs here. Start it with `wiredesk local up`.")
    else:
        _show(running)
    if running is None or not running.whole:
        raise typer.Exit(3)


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(help="kafka, redis, jobmanager, taskmanager-1, …; default: all.")
    ] = None,
    state_dir: StateDir = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines of each.")] = 20,
) -> None:
    """The logs. What Python workers print is in their TaskManager's."""
    folder = _folder(state_dir)
    known = {file.stem: file for file in sorted((folder / "logs").glob("*.log"))}
    if name is not None and name not in known:
        raise StackError(f"No log {name!r} in {folder / 'logs'}: {', '.join(known) or 'none yet'}.")
    wanted = {name: known[name]} if name else known
    label = "" if name else "{:<14} "
    read = {each: file.stat().st_size for each, file in wanted.items()}
    for each, file in wanted.items():
        for line in stack.last_lines(file, lines):
            typer.echo(label.format(each) + line)
    while follow:
        time.sleep(0.3)
        for each, file in wanted.items():
            if file.stat().st_size < read[each]:
                read[each] = 0  # begun anew
            with file.open("rb") as log:
                log.seek(read[each])
                fresh = log.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            read[each] += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                typer.echo(label.format(each) + line)


class _Parts:
    """One line a part, with a spinner until it is up or down."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<14}"),
            TextColumn("{task.fields[doing]}"),
            TimeElapsedColumn(),
            console=out,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, part: str, doing: str) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._progress.add_task(part, total=1, doing="")
        done = doing in (UP, "down")
        self._progress.update(self._tasks[part], doing=doing, completed=1 if done else 0)


def _died(running: Stack, name: str) -> bool:
    return any(process.name == name and not process.alive for process in running.processes)


def _folder(state_dir: Path | None) -> Path:
    return state_dir.resolve() if state_dir else state.default_dir()


def _show(running: Stack) -> None:
    flink = f"http://{running.flink}" if running.flink else None
    server = f"http://{running.server}" if running.server else None
    addresses = {
        "kafka": running.kafka,
        "redis": running.redis,
        "jobmanager": flink,
        "server": server,
    }
    table = Table("part", "address", "metrics", "pid", "memory", box=None, pad_edge=False)
    for process in sorted(running.processes, key=lambda process: process.name):
        found = process.find()
        here = addresses.get(process.name, "")
        where = "[red]does not answer" if here is None else here
        if found is None:
            table.add_row(process.name, "[red]ended: `wiredesk local up` brings it back")
        else:
            table.add_row(process.name, where, _metrics(found), str(process.pid), _memory(found))
    out.print(table)


def _metrics(process: psutil.Process) -> str:
    """Address of a Flink process's Prometheus metrics."""
    ports = flink_cluster.metrics_ports()
    with suppress(psutil.Error):
        for connection in process.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports:
                return f"http://{HOST}:{connection.laddr.port}"
    return ""


def _memory(process: psutil.Process) -> str:
    """Resident memory of a process and all below it."""
    family = [process, *process.children(recursive=True)]
    return f"{sum(_rss(each) for each in family) / 2**20:.0f} MB"


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _as_json(running: Stack | None) -> dict[str, object]:
    if running is None:
        return {"kafka": None, "redis": None, "flink": None, "server": None, "processes": []}
    listed = [
        {"name": process.name, "pid": process.pid, "alive": process.alive}
        for process in sorted(running.processes, key=lambda process: process.name)
    ]
    return {
        "kafka": running.kafka,
        "redis": running.redis,
        "flink": running.flink,
        "server": running.server,
        "processes": listed,
    }
