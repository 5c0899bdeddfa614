"""A Python worker ends with its TaskManager."""

import os
import select
import threading

import psutil

_started = threading.Lock()


def end_with_task_manager() -> None:
    """End this process as soon as the TaskManager that started it is gone.

    A killed TaskManager leaves its Python worker behind now and then; the orphan holds memory and
    a model. Does nothing on a second call, and where operators run inside the JVM's own tree of
    no Java process (tests in loopback mode).
    """
    if not _started.acquire(blocking=False):
        return
    java = next((p for p in psutil.Process().parents() if p.name() == "java"), None)
    if java is None:
        return
    descriptor = os.pidfd_open(java.pid)
    threading.Thread(target=_wait_and_exit, args=(descriptor,), daemon=True).start()


def _wait_and_exit(descriptor: int) -> None:
    select.select([descriptor], [], [])
    os._exit(1)
