"""Processes that read pages: one that hangs or eats memory is ended, and nobody waits for it."""

import asyncio
import multiprocessing
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

R = TypeVar("R")

_TASKS_PER_PROCESS = 2_000
"""Then it is replaced: lxml and others do not give all memory back."""


class Unreadable(RuntimeError):
    """Reading took too long, or ended its process; the message says which."""


class Workers:
    """Calls functions in processes; a context manager.

    processes     at a time
    timeout_s     for one call
    memory_bytes  address space of a process
    """

    def __init__(
        self, processes: int = 1, *, timeout_s: float = 20.0, memory_bytes: int = 2 * 1024**3
    ) -> None:
        self._processes = processes
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._turns = asyncio.Semaphore(processes)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    async def run(self, function: Callable[..., R], /, *arguments: Any) -> R:
        """What the function returns or raises. Raises Unreadable."""
        async with self._turns:
            pool = self._started()
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await loop.run_in_executor(pool, function, *arguments)
            except TimeoutError as error:
                self._end(pool)
                raise Unreadable(f"not read within {self._timeout_s:g} s") from error
            except (BrokenProcessPool, MemoryError) as error:
                self._end(pool)
                raise Unreadable("the process that read it ended") from error

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare,
                initargs=(self._memory_bytes,),
                max_tasks_per_child=_TASKS_PER_PROCESS,
            )
        return self._pool

    def _end(self, pool: ProcessPoolExecutor | None = None) -> None:
        """End the processes at once; the next call starts others."""
        ended = pool or self._pool
        if ended is None:
            return
        if ended is self._pool:
            self._pool = None
        processes = list((ended._processes or {}).values())
        ended.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()


def _prepare(memory_bytes: int) -> None:
    """A worker leaves Ctrl-C to its parent, and cannot take the machine's memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
