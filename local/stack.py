"""Kafka, Redis and Flink on this machine: `up`, `down`, `status`."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock

from local import flink_cluster, jars, kafka_broker, process, redis_server, state
from local.errors import StackError
from local.flink_rest import Flink
from local.ports import HOST, any_free, is_free, is_open, next_free
from local.process import Process
from local.state import Ports, State

KAFKA_PORT, REDIS_PORT, FLINK_PORT = 19092, 16379, 18081
START_TIMEOUT_S = 120
TAIL_LINES = 15
LONGEST_LOG = 50 * 2**20

Report = Callable[[str, str], None]
"""Called with a part (`jars`, `kafka`, `taskmanager-1`, …) and what it does now, `UP` at last."""

UP = "up"


def silent(part: str, doing: str) -> None:
    """The report of a caller that watches no progress."""


@dataclass(frozen=True)
class StackConfig:
    """What the user asked for; None leaves a thing as it was, or to its default."""

    state_dir: Path
    jars_dir: Path | None = None  # in the state folder
    kafka_port: int | None = None
    redis_port: int | None = None
    flink_port: int | None = None
    taskmanagers: int | None = None  # 2: one works, one stands by
    slots: int | None = None  # 4 a TaskManager: all jobs fit on one when the other dies


@dataclass(frozen=True)
class Stack:
    """Addresses ("host:port", None while nothing answers there) and processes of a stack."""

    state_dir: Path
    kafka: str | None
    redis: str | None
    flink: str | None
    processes: tuple[Process, ...]
    server: str | None = None
    ports: Ports | None = None  # where they are to answer

    @property
    def whole(self) -> bool:
        addresses = (self.kafka, self.redis, self.flink)
        return None not in addresses and all(process.alive for process in self.processes)


def up(config: StackConfig, report: Report = silent) -> Stack:
    """Start what does not run. Data, ports and processes that are there stay as they are."""
    state_dir, jars_dir = config.state_dir, config.jars_dir or config.state_dir / "jars"
    with state.only_one(state_dir):
        before = state.load(state_dir)
        _clear_orphans(state_dir, before)
        if not jars.complete(jars_dir):
            report("jars", "fetching with Maven")
            jars.fetch(jars_dir)
            report("jars", UP)
        with state.choosing_ports():
            now = _plan(config, before)
            if not now.living:
                shutil.rmtree(state_dir / "tmp", ignore_errors=True)
            kafka_broker.configure(state_dir, now.ports)
            flink_cluster.configure(state_dir, jars_dir, now.ports, now.slots)
            _Start(now, jars_dir, report).everything()
    running = status(state_dir)
    if running is None or not running.whole:
        raise StackError("The stack stopped again at once: see `wiredesk local logs`.")
    return running


def down(state_dir: Path, report: Report = silent, *, purge: bool = False) -> None:
    """End every process of the stack; with `purge` its data go too, the jars stay."""
    with state.only_one(state_dir):
        saved = state.load(state_dir)
        for name, grace_s in (("flink", 5), ("kafka", 20), ("redis", 10)):
            wanted = [p for p in (saved.living if saved else ()) if _part(p.name) == name]
            if wanted:
                report(name, "stopping")
                process.end((p for w in wanted if (p := w.find())), grace_s=grace_s)
                report(name, "down")
        process.end(process.marked(state.stack_id(state_dir)), grace_s=2)
        state.forget(state_dir)
        if purge:
            for entry in state_dir.iterdir():
                if entry.name not in ("jars", "lock"):
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def status(state_dir: Path | None = None) -> Stack | None:
    """The stack as it runs now; None if none was started."""
    saved = state.load(state_dir or state.default_dir())
    if saved is None:
        return None
    living = {process.name for process in saved.living}

    def address(name: str, port: int | None) -> str | None:
        return f"{HOST}:{port}" if port and name in living and is_open(port) else None

    return Stack(
        state_dir=saved.state_dir,
        kafka=address("kafka", saved.ports.kafka),
        redis=address("redis", saved.ports.redis),
        flink=address("jobmanager", saved.ports.flink),
        server=address("server", saved.ports.server),
        processes=saved.processes,
        ports=saved.ports,
    )


def _part(name: str) -> str:
    return name if name in ("kafka", "redis") else "flink"


def _clear_orphans(state_dir: Path, before: State | None) -> None:
    known = before.living if before else ()
    process.end(process.orphans(state.stack_id(state_dir), known), grace_s=2)


def _plan(config: StackConfig, before: State | None) -> State:
    """The stack to have: what runs keeps its ports, what is new gets free ones."""
    if before and before.living:
        _refuse_other_ports(config, before.ports)
        if config.slots not in (None, before.slots):
            raise StackError(
                f"The stack runs with {before.slots} slots a TaskManager, not {config.slots}: "
                "`wiredesk local down` first."
            )
        ports, slots = before.ports, before.slots
        count = max(config.taskmanagers or 0, before.taskmanagers)
        kept = tuple(p for p in before.processes if p.name in before.names or p.alive)
        return replace(before, ports=ports, slots=slots, taskmanagers=count, processes=kept)
    return State(
        state_dir=config.state_dir,
        ports=choose_ports(config),
        taskmanagers=config.taskmanagers or 2,
        slots=config.slots or 4,
    )


def choose_ports(config: StackConfig) -> Ports:
    """The ports asked for, else the first free ones from the defaults on."""
    taken: set[int] = set()

    def choose(asked: int | None, first: int, option: str) -> int:
        if asked is not None and (asked in taken or not is_free(asked)):
            raise StackError(f"Port {asked} is taken: give {option} another, or none.")
        port = asked or next_free(first, avoid=taken)
        taken.add(port)
        return port

    def internal() -> int:
        port = any_free(avoid=taken)
        taken.add(port)
        return port

    return Ports(
        kafka=choose(config.kafka_port, KAFKA_PORT, "--kafka-port"),
        redis=choose(config.redis_port, REDIS_PORT, "--redis-port"),
        flink=choose(config.flink_port, FLINK_PORT, "--flink-port"),
        controller=internal(),
        rpc=internal(),
    )


def _refuse_other_ports(config: StackConfig, ports: Ports) -> None:
    asked = {"kafka": config.kafka_port, "redis": config.redis_port, "flink": config.flink_port}
    for name, port in asked.items():
        runs_on = getattr(ports, name)
        if port not in (None, runs_on):
            raise StackError(
                f"The stack runs with {name} on port {runs_on}, not {port}: "
                "`wiredesk local down` first."
            )


class _Start:
    """One `up`: starts what is missing, side by side, and waits until each part answers."""

    def __init__(self, planned: State, jars_dir: Path, report: Report) -> None:
        self._state = planned
        self._jars_dir = jars_dir
        self._report = report
        self._saving = Lock()
        self._abandoned = Event()
        self._marker = {process.MARKER: state.stack_id(planned.state_dir)}
        self._alive = {p.name for p in planned.living}

    def everything(self) -> None:
        state.save(self._state)
        with ThreadPoolExecutor() as pool:
            parts = [pool.submit(part) for part in (self._flink, self._kafka, self._redis)]
            try:
                for part in as_completed(parts):
                    part.result()
            except BaseException:  # Ctrl-C too: wait no longer for the others
                self._abandoned.set()
                raise

    def _kafka(self) -> None:
        state_dir, port = self._state.state_dir, self._state.ports.kafka
        if "kafka" not in self._alive:
            self._report("kafka", "preparing storage")
            kafka_broker.format_storage(state_dir, self._jars_dir)
            self._start("kafka", kafka_broker.command(state_dir, self._jars_dir), port)
        self._wait("kafka", lambda: kafka_broker.answers(port))

    def _redis(self) -> None:
        port = self._state.ports.redis
        if "redis" not in self._alive:
            self._start("redis", redis_server.command(self._state.state_dir, port), port)
        self._wait("redis", lambda: redis_server.answers(port))

    def _flink(self) -> None:
        state_dir, ports = self._state.state_dir, self._state.ports
        began_ms: dict[str, float] = {}
        if "jobmanager" not in self._alive:
            self._start(
                "jobmanager", flink_cluster.jobmanager(state_dir, self._jars_dir), ports.flink
            )
        missing = [name for name in self._managers() if name not in self._alive]
        commands = flink_cluster.taskmanagers(state_dir, self._jars_dir, missing)
        for name, command in commands.items():
            began_ms[name] = time.time() * 1000
            self._start(name, command)
        rest = Flink(f"{HOST}:{ports.flink}", timeout_s=2)

        def registered(name: str) -> bool:
            """A namesake that was killed a moment ago may still be listed."""
            try:
                seen_ms = rest.taskmanagers().get(name, 0)
            except StackError:
                return False
            return seen_ms > began_ms.get(name, 0)

        self._wait("jobmanager", lambda: is_open(ports.flink))
        for name in self._managers():
            self._wait(name, partial(registered, name))

    def _managers(self) -> list[str]:
        return [name for name in self._state.names if name.startswith("taskmanager")]

    def _start(self, name: str, command: list[str], port: int | None = None) -> None:
        if port is not None and not is_free(port):
            raise StackError(
                f"{name} needs its port {port} back, but another program took it: end that one, "
                "or `wiredesk local down` and up again."
            )
        self._report(name, "starting")
        env = self._marker
        if _part(name) == "flink":
            env = env | flink_cluster.environment(self._state.state_dir)
        home = self._state.state_dir
        log = log_file(home, name)
        if log.exists() and log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        started = process.start(name, command, log=log, cwd=home, env=env)
        with self._saving:
            self._state = self._state.with_process(started)
            state.save(self._state)

    def _wait(self, name: str, answers: Callable[[], bool]) -> None:
        def settled() -> bool:
            return self._abandoned.is_set() or not self._find(name).alive or answers()

        in_time = process.wait_until(settled, timeout_s=START_TIMEOUT_S)
        log = log_file(self._state.state_dir, name)
        if not self._find(name).alive:
            tail = "\n".join(last_lines(log, TAIL_LINES))
            raise StackError(f"{name} ended while it started. The end of {log}:\n{tail}")
        if not in_time:
            raise StackError(f"{name} did not answer within {START_TIMEOUT_S} s: see {log}")
        self._report(name, UP)

    def _find(self, name: str) -> Process:
        return next(p for p in self._state.processes if p.name == name)


def log_file(state_dir: Path, name: str) -> Path:
    return state_dir / "logs" / f"{name}.log"


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a log, reading no more of it than it takes."""
    if not file.exists():
        return []
    with file.open("rb") as log:
        log.seek(0, 2)
        log.seek(max(0, log.tell() - 400 * max(count, 1)))
        return log.read().decode(errors="replace").splitlines()[-count:]
