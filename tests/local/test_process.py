import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from local import process
from local.process import MARKER, Process

PARENT = "import subprocess, sys; subprocess.run(['sleep', '60'])"


@pytest.fixture
def mark(tmp_path: Path):
    """Id of a stack whose processes are ended after the test."""
    mark = f"test-{tmp_path}"
    yield mark
    process.end(process.marked(mark), grace_s=0)


def begin(tmp_path: Path, mark: str, *command: str) -> Process:
    log = tmp_path / "log"
    return process.start("part", command, log=log, cwd=tmp_path, env={MARKER: mark})


def test_recycled_pid_is_not_our_process() -> None:
    assert not Process("redis", os.getpid(), started=0.0).alive


def test_started_process_lives_until_it_is_ended(tmp_path: Path, mark: str) -> None:
    sleep = begin(tmp_path, mark, "sleep", "60")
    found = sleep.find()
    assert found
    process.end([found], grace_s=1)
    assert not sleep.alive


def test_output_goes_to_the_log(tmp_path: Path, mark: str) -> None:
    echo = begin(tmp_path, mark, "echo", "hello")
    assert process.wait_until(lambda: not echo.alive, timeout_s=5, every_s=0.01)
    assert (tmp_path / "log").read_text() == "hello\n"


def test_process_that_ignores_sigterm_is_killed(tmp_path: Path, mark: str) -> None:
    deaf = begin(tmp_path, mark, "sh", "-c", "trap '' TERM; echo ready; sleep 60")
    assert process.wait_until(
        lambda: (tmp_path / "log").read_text() == "ready\n", timeout_s=5, every_s=0.01
    )
    process.end([psutil.Process(deaf.pid)], grace_s=0.05)
    assert not deaf.alive


def test_children_are_marked_and_orphans_once_the_parent_is_killed(
    tmp_path: Path, mark: str
) -> None:
    parent = begin(tmp_path, mark, sys.executable, "-S", "-c", PARENT)
    assert process.wait_until(lambda: len(process.marked(mark)) == 2, timeout_s=5, every_s=0.02)
    assert process.orphans(mark, [parent]) == []

    os.kill(parent.pid, signal.SIGKILL)
    assert process.wait_until(lambda: not parent.alive, timeout_s=5, every_s=0.01)
    assert [orphan.name() for orphan in process.orphans(mark, [parent])] == ["sleep"]


def test_processes_of_another_stack_are_not_ours(tmp_path: Path, mark: str) -> None:
    begin(tmp_path, mark, "sleep", "60")
    assert process.marked(mark + "-other") == []
