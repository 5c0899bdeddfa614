"""Many callers, one model: concurrent calls share batches."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.batching import BatchPolicy, choose, is_full
from schemas.errors import InferenceError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    length: int
    since: float
    answer: "asyncio.Future[Result]"


class MicroBatcher(Generic[Item, Result]):
    """Gathers items into batches and runs them, one batch at a time.

    A batch leaves when the pool is full or its oldest item has waited `policy.deadline_s`; while
    the model is busy the pool fills. Lives on one event loop and needs no locks: `run` alone is
    called in `executor`. `run` answers each item with a result or an InferenceError, in order.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result | InferenceError]],
        *,
        length: Callable[[Item], int],
        policy: BatchPolicy,
        executor: Executor,
    ) -> None:
        self._run = run
        self._length = length
        self._policy = policy
        self._executor = executor
        self._pool: list[_Waiting[Item, Result]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """Items that wait for a batch."""
        return len(self._pool)

    async def submit(self, item: Item) -> Result:
        """The result for one item. Raises InferenceError when the model fails on it."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting[Item, Result](
            item, self._length(item), loop.time(), loop.create_future()
        )
        self._pool.append(waiting)
        self._advance()
        return await waiting.answer

    def _advance(self) -> None:
        """Start a batch if one is due, else see to it that we look again when it is."""
        if self._running is not None or not self._pool:
            return
        loop = asyncio.get_running_loop()
        due = self._pool[0].since + self._policy.deadline_s
        if loop.time() >= due or is_full([w.length for w in self._pool], self._policy):
            self._cancel_timer()
            self._running = loop.create_task(self._run_batch(self._take_batch()))
        elif self._timer is None:
            self._timer = loop.call_at(due, self._on_deadline)

    def _on_deadline(self) -> None:
        self._timer = None
        self._advance()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_batch(self) -> list[_Waiting[Item, Result]]:
        chosen = set(choose([w.length for w in self._pool], self._policy))
        batch = [w for i, w in enumerate(self._pool) if i in chosen]
        self._pool = [w for i, w in enumerate(self._pool) if i not in chosen]
        return batch

    async def _run_batch(self, batch: list[_Waiting[Item, Result]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._executor, self._run, [w.item for w in batch])
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:  # a defect, not a bad item: every caller must hear of it
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
        else:
            for waiting, answer in answered:
                if waiting.answer.done():
                    continue
                if isinstance(answer, InferenceError):
                    waiting.answer.set_exception(answer)
                else:
                    waiting.answer.set_result(answer)
        finally:
            self._running = None
            self._advance()
