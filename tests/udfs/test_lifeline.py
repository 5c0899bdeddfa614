"""A Python worker ends with the TaskManager above it."""

import subprocess
import sys

import psutil
import pytest

from local.process import wait_until

ANCESTOR = """
import subprocess, sys
open("/proc/self/comm", "w").write(sys.argv[1])
worker = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdout=subprocess.PIPE)
print(worker.pid, worker.stdout.readline().decode(), flush=True)
worker.wait()
"""
"""A process of the given name above a worker; tells the worker's pid and first line."""

WORKER = """
import threading, time
from udfs.lifeline import end_with_task_manager
for _ in range({calls}):
    end_with_task_manager()
print(threading.active_count() - 1, flush=True)
time.sleep(60)
"""
"""Tells how many threads watch over it."""

BETWEEN = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", {worker!r}], stdout=subprocess.PIPE)
sys.stdout.buffer.write(b"%d " % worker.pid + worker.stdout.readline())
sys.stdout.flush()
worker.wait()
"""


def gone(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def family():
    """Starts a worker below an ancestor of a given name; both end with the test."""
    started = []

    def start(name, worker):
        ancestor = psutil.Popen(
            [sys.executable, "-c", ANCESTOR, name, worker], stdout=subprocess.PIPE, text=True
        )
        started.append(ancestor)
        pid, *told = map(int, ancestor.stdout.readline().split())
        workers = [psutil.Process(n) for n in (pid, *told[:-1])]
        started.extend(workers)
        return ancestor, workers[-1], told[-1]

    yield start
    for process in reversed(started):
        if not gone(process):
            process.kill()
    started[0].wait()


@pytest.mark.parametrize("calls", [1, 3])
def test_worker_ends_with_its_task_manager(family, calls):
    task_manager, worker, watchers = family("java", WORKER.format(calls=calls))
    assert watchers == 1
    task_manager.kill()
    assert wait_until(lambda: gone(worker), timeout_s=5)


def test_worker_ends_though_a_process_stands_between(family):
    """Beam starts workers through a shell script."""
    between = BETWEEN.format(worker=WORKER.format(calls=1))
    task_manager, worker, watchers = family("java", between)
    assert watchers == 1
    task_manager.kill()
    assert wait_until(lambda: gone(worker), timeout_s=5)


def test_worker_without_a_task_manager_lives_on(family):
    parent, worker, watchers = family("bash", WORKER.format(calls=1))
    assert watchers == 0
    parent.kill()
    assert not wait_until(lambda: gone(worker), timeout_s=0.5)
