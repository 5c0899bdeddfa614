import asyncio
import os
import time

import pytest

from ingest.workers import Unreadable, Workers


async def test_work_is_done_elsewhere_and_its_errors_come_back():
    with Workers() as workers:
        assert await workers.run(os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            await workers.run(int, "x")


async def test_work_that_hangs_or_dies_is_ended_and_others_go_on():
    with Workers(timeout_s=0.2) as workers, pytest.raises(Unreadable, match="within"):
        await workers.run(time.sleep, 60)
    with Workers() as workers:
        with pytest.raises(Unreadable, match="ended"):
            await workers.run(os._exit, 7)
        assert await workers.run(abs, -7) == 7


async def test_work_beside_one_that_dies_is_done():
    with Workers(2) as workers:
        dying, working = await asyncio.gather(
            workers.run(os._exit, 7), workers.run(time.sleep, 0.5), return_exceptions=True
        )
    assert (type(dying), working) == (Unreadable, None)
