import json

from hypothesis import given, settings
from hypothesis import strategies as st

from models.breaking import pickups
from models.breaking.pickups import Pickup, Pickups, add, add_all, reached_ms

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

some_pickups = st.lists(
    st.builds(
        Pickup,
        source=st.sampled_from("abcdefgh"),
        at_ms=st.integers(0, 1000),
        idleness=st.floats(0, 9),
    ),
    max_size=30,
)


@quick
@given(some_pickups, st.randoms(use_true_random=False))
def test_order_repeats_and_lateness_do_not_matter(batch, chance):
    shuffled = [*batch, *batch]
    chance.shuffle(shuffled)
    assert add_all(Pickups(), shuffled, capacity=5) == add_all(Pickups(), batch, capacity=5)


@quick
@given(some_pickups)
def test_batch_equals_one_by_one(batch):
    state = Pickups()
    for pickup in batch:
        state = add(state, pickup, capacity=9)
    assert state == add_all(Pickups(), batch, capacity=9)


@quick
@given(some_pickups)
def test_state_survives_json(batch):
    state = add_all(Pickups(), batch, capacity=9)
    assert pickups.from_state(json.loads(json.dumps(pickups.to_state(state)))) == state


def test_source_that_repeats_itself_counts_once():
    state = add_all(Pickups(), [Pickup("a", ms, 0.0) for ms in range(100)], capacity=9)
    assert len(state.times_ms) == 1
    assert reached_ms(state, 2) is None


def test_late_pickup_moves_the_moment_that_a_number_was_reached():
    batch = [Pickup("a", 0, 0.0), Pickup("b", 50, 0.0), Pickup("c", 90, 0.0)]
    assert reached_ms(add_all(Pickups(), batch, capacity=9), 3) == 90
    late = [*batch, Pickup("d", 10, 0.0)]
    assert reached_ms(add_all(Pickups(), late, capacity=9), 3) == 50
