"""Many callers, one model: concurrent calls share batches."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
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
    """Gathers items into batches and runs `streams` of them at a time, each in its own thread.

    A batch leaves when the pool is full or its oldest item has waited `policy.deadline_s`; while
    the model is busy the pool fills. A thread takes its next batch itself: an event loop that is
    busy with new items would let the model wait. `run` answers each item with a result or an
    InferenceError, in order.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result | InferenceError]],
        *,
        length: Callable[[Item], int],
        policy: BatchPolicy,
        streams: int = 1,
    ) -> None:
        self._run = run
        self._length = length
        self._policy = policy
        self._pool: list[_Waiting[Item, Result]] = []
        self._changed = threading.Condition()
        self._closed = False
        for _ in range(streams):
            threading.Thread(target=self._work, name="inference", daemon=True).start()

    @property
    def depth(self) -> int:
        """Items that wait for a batch."""
        return len(self._pool)

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """The result for one item, to be awaited; InferenceError when the model fails on it."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(item, self._length(item), time.monotonic(), answer)
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed: nothing would answer")
            self._pool.append(waiting)
            if len(self._pool) == 1 or self._is_full():
                self._changed.notify()
        return answer

    def close(self) -> None:
        """End the thread after the batch it runs; who still waits is not answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return is_full([waiting.length for waiting in self._pool], self._policy)

    def _work(self) -> None:
        while batch := self._next_batch():
            answers = self._answers(batch)
            with suppress(RuntimeError):  # the callers have gone, and their loop with them
                batch[0].answer.get_loop().call_soon_threadsafe(_deliver, batch, answers)

    def _next_batch(self) -> list[_Waiting[Item, Result]]:
        """Wait for a batch that is due; empty when the batcher was closed."""
        with self._changed:
            while not self._closed:
                if not self._pool:
                    self._changed.wait()
                    continue
                left_s = self._pool[0].since + self._policy.deadline_s - time.monotonic()
                if left_s <= 0 or self._is_full():
                    return self._take_batch()
                self._changed.wait(left_s)
        return []

    def _take_batch(self) -> list[_Waiting[Item, Result]]:
        chosen = set(choose([waiting.length for waiting in self._pool], self._policy))
        batch = [waiting for i, waiting in enumerate(self._pool) if i in chosen]
        self._pool = [waiting for i, waiting in enumerate(self._pool) if i not in chosen]
        return batch

    def _answers(self, batch: list[_Waiting[Item, Result]]) -> Sequence[Result | Exception]:
        try:
            answers = self._run([waiting.item for waiting in batch])
            if len(answers) != len(batch):
                raise ValueError(f"{len(batch)} items were run, {len(answers)} were answered")
        except Exception as error:  # a defect, not a bad item: every caller must hear of it
            return [error] * len(batch)
        return answers


def _deliver(
    batch: Sequence[_Waiting[Item, Result]], answers: Sequence[Result | Exception]
) -> None:
    """On the callers' loop: answer those who still wait."""
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
