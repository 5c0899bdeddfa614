"""A worker that keeps much looks for garbage seldom."""

import gc

import pytest

from udfs.collector import NEW_OBJECTS, collect_seldom, spare_what_is_loaded


@pytest.fixture
def as_python_does():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_objects_that_stay_are_not_looked_at_again_and_again(as_python_does):
    collect_seldom()
    gc.collect()
    before = gc.get_stats()[0]["collections"]
    kept = [[n] for n in range(NEW_OBJECTS // 2)]
    assert gc.get_stats()[0]["collections"] == before
    kept += [[n] for n in range(NEW_OBJECTS)]
    assert gc.get_stats()[0]["collections"] > before


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


def test_what_is_loaded_is_no_longer_looked_through(thawed):
    loaded = [[n] for n in range(1000)]
    spare_what_is_loaded()
    assert gc.get_freeze_count() >= len(loaded)
    assert not any(each is loaded for each in gc.get_objects())


def test_garbage_is_not_kept_by_a_second_call(thawed):
    spare_what_is_loaded()
    before = gc.get_freeze_count()
    for _ in range(1000):
        ring: list = []
        ring.append(ring)
    spare_what_is_loaded()
    assert gc.get_freeze_count() < before + 500
