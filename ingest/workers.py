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

    processes     at a time, each a pool of its own: one that is ended takes no other's work along
    timeout_s     for one call
    memory_bytes  address space of a process
    """

    def __init__(
        self, processes: int = 1, *, timeout_s: float = 20.0, memory_bytes: int = 2 * 1024**3
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._turns = asyncio.Semaphore(processes)
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: set[ProcessPoolExecutor] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in (*self._idle, *self._busy):
            _end(pool)

    async def run(self, function: Callable[..., R], /, *arguments: Any) -> R:
        """What the function returns or raises. Raises Unreadable."""
        async with self._turns:
            pool = self._idle.pop() if self._idle else self._started()
            self._busy.add(pool)
            loop = asyncio.get_running_loop()
            usable = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    found = await loop.run_in_executor(pool, function, *arguments)
                usable = True
                return found
            except TimeoutError as error:
                raise Unreadable(f"not read within {self._timeout_s:g} s") from error
            except (BrokenProcessPool, MemoryError) as error:
                raise Unreadable("the process that read it ended") from error
            except Exception:
                usable = True  # the function raised it
                raise
            finally:
                self._busy.discard(pool)
                if usable:
                    self._idle.append(pool)
                else:
                    _end(pool)

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(self._memory_bytes,),
            max_tasks_per_child=_TASKS_PER_PROCESS,
        )


def _end(pool: ProcessPoolExecutor) -> None:
    """End a pool's process at once, whatever it does."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()


def _prepare(memory_bytes: int) -> None:
    """A worker leaves Ctrl-C to its parent, and cannot take the machine's memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
