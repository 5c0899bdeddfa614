"""Which texts share a batch: everyone gets a turn, limits hold, little is padded."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batching import BatchPolicy, choose, is_full

lengths_of_texts = st.lists(st.integers(1, 300), min_size=1, max_size=60)
policies = st.builds(
    BatchPolicy,
    max_tokens=st.integers(1, 2000),
    max_count=st.integers(1, 40),
    deadline_s=st.just(0.0),
)


def padded(lengths: list[int]) -> int:
    """Tokens of a batch, padding included."""
    return len(lengths) * max(lengths)


@settings(deadline=None)
@given(lengths_of_texts, policies)
def test_batch_names_texts_of_the_pool_once_and_in_order(lengths, policy):
    batch = choose(lengths, policy)
    assert batch == sorted(set(batch))
    assert set(batch) <= set(range(len(lengths)))


@settings(deadline=None)
@given(lengths_of_texts, policies)
def test_oldest_text_always_goes(lengths, policy):
    assert 0 in choose(lengths, policy)


@settings(deadline=None)
@given(lengths_of_texts, policies)
def test_batch_keeps_to_count_and_tokens(lengths, policy):
    batch = [lengths[i] for i in choose(lengths, policy)]
    assert len(batch) <= policy.max_count
    assert padded(batch) <= policy.max_tokens or len(batch) == 1


@settings(deadline=None)
@given(lengths_of_texts, policies)
def test_batch_leaves_out_no_text_of_a_length_it_spans(lengths, policy):
    batch = choose(lengths, policy)
    shortest, longest = min(lengths[i] for i in batch), max(lengths[i] for i in batch)
    between = [i for i, n in enumerate(lengths) if shortest < n < longest]
    assert set(between) <= set(batch)


@settings(deadline=None)
@given(lengths_of_texts, policies, st.data())
def test_nobody_waits_longer_than_their_place_in_the_queue(first, policy, data):
    """New texts may overtake, but text n leaves with batch n + 1 at the latest."""
    pool = list(enumerate(first))
    for batches_taken in range(len(first)):
        batch = set(choose([length for _, length in pool], policy))
        pool = [text for i, text in enumerate(pool) if i not in batch]
        assert all(place > batches_taken for place, _ in pool)
        newcomers = data.draw(st.lists(st.integers(1, 300), max_size=3))
        pool += [(len(first), length) for length in newcomers]
        if not pool:
            break
    assert all(place == len(first) for place, _ in pool)


@pytest.mark.parametrize(
    ("lengths", "batch"),
    [
        ([100, 60, 98, 110], [0, 2]),
        ([100, 60, 108, 95, 104], [0, 4]),
        ([100, 100, 99], [0, 1]),
        ([100, 10, 150], [0, 2]),
    ],
)
def test_nearest_in_length_joins_first(lengths, batch):
    assert choose(lengths, BatchPolicy(max_tokens=1000, max_count=2, deadline_s=0)) == batch


def test_oversize_text_goes_alone():
    assert choose([900, 5, 5], BatchPolicy(max_tokens=100, max_count=8, deadline_s=0)) == [0]


def test_grouping_by_length_pads_less_than_order_of_arrival():
    policy = BatchPolicy(max_tokens=4096, max_count=16, deadline_s=0)
    draw = random.Random(1987)
    pool = [draw.choice([draw.randint(8, 40), draw.randint(150, 256)]) for _ in range(256)]
    in_order = sum(padded(pool[i : i + 16]) for i in range(0, len(pool), 16))
    grouped = 0
    while pool:
        batch = set(choose(pool, policy))
        grouped += padded([pool[i] for i in batch])
        pool = [length for i, length in enumerate(pool) if i not in batch]
    assert grouped < 0.75 * in_order


def test_pool_is_full_at_count_or_tokens():
    policy = BatchPolicy(max_tokens=100, max_count=3, deadline_s=0)
    assert is_full([1, 1, 1], policy)
    assert is_full([60, 40], policy)
    assert not is_full([60, 39], policy)
    assert not is_full([], policy)
