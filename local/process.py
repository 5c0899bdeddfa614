"""Processes of a stack: started detached, known by pid and start time, ended without a trace."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARKER = "WIREDESK_STACK"
"""Environment variable that every process of a stack inherits; its value is the stack's id."""

_children: list[subprocess.Popen[bytes]] = []  # kept, so that a child that ends here is reaped


@dataclass(frozen=True)
class Process:
    """A process we started. A pid alone may by now be someone else's."""

    name: str
    pid: int
    started: float  # seconds since the epoch, as the kernel tells it

    @property
    def alive(self) -> bool:
        return self.find() is not None

    def find(self) -> psutil.Process | None:
        """The running process, or None when it ended or its pid was given to another."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 1.0
        except psutil.NoSuchProcess:
            return None
        return found if same and not _ended(found) else None


def start(
    name: str, command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str]
) -> Process:
    """Start `command` in a session of its own, output appended to `log`."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **env},
            start_new_session=True,
        )
    _children.append(child)
    return Process(name, child.pid, psutil.Process(child.pid).create_time())


def end(processes: Iterable[psutil.Process], *, grace_s: float) -> None:
    """Ask each to end, and after `grace_s` make it."""
    running = list(processes)
    for process in running:
        _signal(process, kill=False)
    if not wait_until(lambda: all(map(_ended, running)), timeout_s=grace_s, every_s=0.05):
        for process in running:
            _signal(process, kill=True)
        wait_until(lambda: all(map(_ended, running)), timeout_s=5, every_s=0.05)


def marked(marker: str) -> list[psutil.Process]:
    """Every running process that carries this stack's id: those we started and all they started."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker and not _ended(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def orphans(marker: str, known: Iterable[Process]) -> list[psutil.Process]:
    """Marked processes that no living process of the stack stands above: leftovers of a kill -9."""
    pids = {process.pid for process in known if process.alive}
    return [p for p in marked(marker) if not pids & {p.pid, *_ancestors(p)}]


def wait_until(condition: Callable[[], bool], *, timeout_s: float, every_s: float = 0.1) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def _ended(process: psutil.Process) -> bool:
    """A zombie has ended: its parent only has not looked yet."""
    for child in _children:
        child.poll()
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _ancestors(process: psutil.Process) -> set[int]:
    try:
        return {parent.pid for parent in process.parents()}
    except psutil.NoSuchProcess:
        return set()


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()
