"""Concurrent callers share batches, and each gets the answer to its own item."""

import asyncio
import threading

import pytest

from local.process import wait_until
from models.batching import BatchPolicy
from models.micro_batcher import MicroBatcher
from schemas.errors import InferenceError

AT_ONCE_S = 5
"""Far below the deadline of the policies here, far above the pauses of a busy machine."""


class Model:
    """Answers every number with its negative; keeps its batches; waits while it is held busy."""

    def __init__(self):
        self.batches = []
        self.free = threading.Event()
        self.free.set()
        self.bad = set()

    def run(self, batch):
        self.batches.append(list(batch))
        assert self.free.wait(10)
        return [InferenceError(f"{n} is bad") if n in self.bad else -n for n in batch]


@pytest.fixture
def model():
    model = Model()
    yield model
    model.free.set()


@pytest.fixture
def batcher_of():
    """Makes a batcher of numbers, each as long as it is large."""
    batchers = []

    def make(run, *, max_tokens=10_000, max_count=100, deadline_s=0.0):
        policy = BatchPolicy(max_tokens, max_count, deadline_s)
        batchers.append(MicroBatcher(run, length=abs, policy=policy))
        return batchers[-1]

    yield make
    for batcher in batchers:
        batcher.close()


@pytest.fixture
def inference_thread():
    """Finds the thread of the only batcher that was made in the test."""
    before = set(threading.enumerate())

    def find():
        started = set(threading.enumerate()) - before
        (thread,) = (thread for thread in started if thread.name == "inference")
        return thread

    return find


async def call(batcher, number):
    return await batcher.submit(number)


async def submit_all(batcher, numbers):
    async with asyncio.timeout(AT_ONCE_S):
        return await asyncio.gather(*map(batcher.submit, numbers), return_exceptions=True)


async def occupied(batcher, model, number):
    """A caller whose item keeps the model busy."""
    model.free.clear()
    caller = asyncio.create_task(call(batcher, number))
    async with asyncio.timeout(AT_ONCE_S):
        while not model.batches:
            await asyncio.sleep(0.001)
    return caller


async def test_pool_full_by_count_leaves_at_once(batcher_of, model):
    batcher = batcher_of(model.run, max_count=3, deadline_s=60)
    assert await submit_all(batcher, [1, 2, 3]) == [-1, -2, -3]
    assert model.batches == [[1, 2, 3]]


async def test_pool_full_by_tokens_leaves_at_once(batcher_of, model):
    batcher = batcher_of(model.run, max_tokens=10, deadline_s=60)
    assert await submit_all(batcher, [5, 5]) == [-5, -5]
    assert model.batches == [[5, 5]]


async def test_lonely_item_leaves_at_its_deadline(batcher_of, model):
    batcher = batcher_of(model.run, deadline_s=0.05)
    started = asyncio.get_running_loop().time()
    assert await submit_all(batcher, [7]) == [-7]
    assert asyncio.get_running_loop().time() - started >= 0.049


async def test_pool_fills_while_the_model_is_busy(batcher_of, model):
    batcher = batcher_of(model.run)
    first = await occupied(batcher, model, 1)
    others = asyncio.ensure_future(submit_all(batcher, [2, 3, 4]))
    await asyncio.sleep(0.02)
    assert model.batches == [[1]]
    assert batcher.depth == 3
    model.free.set()
    assert await others == [-2, -3, -4]
    assert await first == -1
    assert model.batches == [[1], [2, 3, 4]]
    assert batcher.depth == 0


async def test_answers_go_to_their_callers_whatever_the_order(batcher_of, model):
    batcher = batcher_of(model.run, max_tokens=300, max_count=4)
    numbers = [250, 3, 120, 1, 119, 2, 249, 118, 4, 251]
    assert await submit_all(batcher, numbers) == [-n for n in numbers]
    assert len(model.batches) > 3


async def test_item_the_model_fails_on_fails_alone(batcher_of, model):
    model.bad = {2}
    one, two, three = await submit_all(batcher_of(model.run, max_count=3), [1, 2, 3])
    assert (one, three) == (-1, -3)
    assert isinstance(two, InferenceError)
    assert two.detail == "2 is bad"


async def test_defect_reaches_every_caller_and_the_next_batch_runs(batcher_of, model):
    def run(batch):
        if 13 in batch:
            raise ZeroDivisionError("a defect")
        return model.run(batch)

    batcher = batcher_of(run, max_count=2, deadline_s=60)
    answers = await submit_all(batcher, [1, 13])
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
    assert await submit_all(batcher, [4, 5]) == [-4, -5]


@pytest.mark.parametrize("answers", [[], [1], [1, 2, 3, 4]])
async def test_wrong_number_of_answers_is_an_error_for_every_caller(batcher_of, answers):
    batcher = batcher_of(lambda _: answers, max_count=3, deadline_s=60)
    assert [type(a) for a in await submit_all(batcher, [1, 2, 3])] == [ValueError] * 3


async def test_cancelled_caller_does_not_disturb_its_batch(batcher_of, model):
    batcher = batcher_of(model.run)
    first = await occupied(batcher, model, 1)
    waiting = asyncio.create_task(call(batcher, 2))
    steady = asyncio.create_task(call(batcher, 3))
    await asyncio.sleep(0)
    first.cancel()
    waiting.cancel()
    model.free.set()
    async with asyncio.timeout(AT_ONCE_S):
        assert await steady == -3
    assert first.cancelled()
    assert waiting.cancelled()
    assert await submit_all(batcher, [4]) == [-4]


async def test_deadline_passed_while_busy_is_not_waited_for_again(batcher_of, model):
    batcher = batcher_of(model.run, deadline_s=0.01)
    first = await occupied(batcher, model, 1)
    late = asyncio.create_task(call(batcher, 2))
    await asyncio.sleep(0.05)
    model.free.set()
    async with asyncio.timeout(AT_ONCE_S):
        assert await asyncio.gather(first, late) == [-1, -2]
    assert model.batches == [[1], [2]]


async def test_item_that_cannot_be_measured_fails_before_it_joins(batcher_of, model):
    batcher = batcher_of(model.run, max_count=1)
    with pytest.raises(TypeError):
        await batcher.submit("no number")
    assert batcher.depth == 0
    assert await submit_all(batcher, [1]) == [-1]


async def test_busy_event_loop_does_not_keep_the_model_waiting(batcher_of, model):
    batcher = batcher_of(model.run, max_count=2, deadline_s=60)
    callers = [batcher.submit(number) for number in (1, 2, 3, 4)]
    wait_until(lambda: len(model.batches) == 2, timeout_s=AT_ONCE_S, every_s=0.01)
    assert model.batches == [[1, 2], [3, 4]]
    async with asyncio.timeout(AT_ONCE_S):
        assert await asyncio.gather(*callers) == [-1, -2, -3, -4]


async def test_close_ends_an_idle_thread(batcher_of, model, inference_thread):
    batcher = batcher_of(model.run)
    assert await submit_all(batcher, [1]) == [-1]
    thread = inference_thread()
    batcher.close()
    thread.join(AT_ONCE_S)
    assert not thread.is_alive()


async def test_close_does_not_wait_for_a_deadline(batcher_of, model, inference_thread):
    batcher = batcher_of(model.run, deadline_s=60)
    waiting = batcher.submit(1)
    thread = inference_thread()
    batcher.close()
    thread.join(AT_ONCE_S)
    assert not thread.is_alive()
    assert model.batches == []
    assert not waiting.done()


async def test_close_lets_the_running_batch_be_answered(batcher_of, model, inference_thread):
    batcher = batcher_of(model.run)
    first = await occupied(batcher, model, 1)
    waiting = batcher.submit(2)
    thread = inference_thread()
    batcher.close()
    model.free.set()
    async with asyncio.timeout(AT_ONCE_S):
        assert await first == -1
    thread.join(AT_ONCE_S)
    assert not thread.is_alive()
    assert model.batches == [[1]]
    assert not waiting.done()


async def test_closed_batcher_refuses_items(batcher_of, model):
    batcher = batcher_of(model.run)
    batcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        batcher.submit(1)
    assert batcher.depth == 0


def test_batcher_outlives_the_event_loop_of_its_callers(batcher_of, model):
    batcher = batcher_of(model.run)

    async def leave_while_the_model_is_busy():
        await occupied(batcher, model, 1)

    asyncio.run(leave_while_the_model_is_busy())
    model.free.set()
    assert asyncio.run(submit_all(batcher, [2])) == [-2]
