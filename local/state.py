"""What a stack remembers between commands, in `.wiredesk/stack.json`."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local.errors import StackError
from local.process import Process

PROJECT = Path(__file__).resolve().parents[1]
"""The checkout; where the wheel is installed, the folder that holds its packages."""


@dataclass(frozen=True)
class Ports:
    """All on loopback. `controller` is Kafka's KRaft port, `rpc` the JobManager's."""

    kafka: int
    redis: int
    flink: int
    controller: int
    rpc: int
    server: int | None = None  # once `wiredesk demo` has started it


@dataclass(frozen=True)
class State:
    """A stack as it was last started."""

    state_dir: Path
    ports: Ports
    taskmanagers: int
    slots: int
    processes: tuple[Process, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The processes a whole stack has."""
        managers = (f"taskmanager-{n}" for n in range(1, self.taskmanagers + 1))
        return ("kafka", "redis", "jobmanager", *managers)

    @property
    def living(self) -> tuple[Process, ...]:
        return tuple(process for process in self.processes if process.alive)

    def with_process(self, process: Process) -> "State":
        others = (p for p in self.processes if p.name != process.name)
        return replace(self, processes=(*others, process))


def default_dir() -> Path:
    """`$WIREDESK_STATE_DIR`, else `.wiredesk` in the checkout that holds this code, or at home."""
    home = PROJECT if (PROJECT / "pyproject.toml").exists() else Path.home()
    return Path(os.environ.get("WIREDESK_STATE_DIR") or home / ".wiredesk").resolve()


def stack_id(state_dir: Path) -> str:
    """Short name of the stack in this folder, the same in every run."""
    return hashlib.sha256(str(state_dir).encode()).hexdigest()[:12]


def save(state: State) -> None:
    """Write the state so that a reader sees the old file or the new one, never half of one."""
    file = _file(state.state_dir)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(state), indent=2, default=str) + "\n")
    draft.replace(file)


def load(state_dir: Path) -> State | None:
    """The state in this folder; None if there is none, or if it came along with a copied folder.

    Raises StackError.
    """
    file = _file(state_dir)
    try:
        saved = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StackError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise StackError(
            f"{file} is damaged ({error}): delete it, and end what still runs by hand."
        ) from error
    if saved["state_dir"] != str(state_dir):
        return None
    return State(
        state_dir=state_dir,
        ports=Ports(**saved["ports"]),
        taskmanagers=saved["taskmanagers"],
        slots=saved["slots"],
        processes=tuple(Process(**process) for process in saved["processes"]),
    )


def forget(state_dir: Path) -> None:
    _file(state_dir).unlink(missing_ok=True)


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """One `up` or `down` at a time in this folder; a second waits. Raises StackError."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / "lock").touch()
    except OSError as error:
        raise StackError(
            f"{state_dir} cannot hold a stack: {error.strerror}. Name another folder with "
            "--state-dir or WIREDESK_STATE_DIR."
        ) from error
    with _locked(state_dir / "lock"):
        yield


@contextmanager
def choosing_ports() -> Iterator[None]:
    """Two stacks that start together must not choose the same free port."""
    with _locked(Path(tempfile.gettempdir()) / f"wiredesk-{os.getuid()}.lock"):
        yield


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _file(state_dir: Path) -> Path:
    return state_dir / "stack.json"
