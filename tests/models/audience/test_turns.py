"""Change points: rare where nothing changes, soon where much does."""

import random

from models.audience.turns import last_turn


def course(seed, means):
    rng = random.Random(seed)
    return [(n, min(1.0, max(0.0, rng.gauss(mean, 0.3)))) for n, mean in enumerate(means)]


def test_steady_mood_turns_in_few_of_a_hundred_subjects():
    turned = sum(last_turn(course(seed, [0.4] * 500)) is not None for seed in range(100))
    assert turned <= 5


def test_clear_turn_is_seen_within_thirty_comments():
    found = [last_turn(course(seed, [0.25] * 60 + [0.7] * 60)) for seed in range(50)]
    assert all(turn is not None and turn.direction == "better" for turn in found)
    assert sorted(turn.at_ms for turn in found)[25] < 60 + 20


def test_last_of_two_turns_is_told():
    found = last_turn(course(3, [0.2] * 60 + [0.8] * 60 + [0.2] * 60))
    assert found is not None
    assert found.direction == "worse"
    assert found.at_ms >= 120


def test_nothing_turns_before_there_is_something_to_turn_from():
    assert last_turn(course(1, [0.1] * 5 + [0.9] * 5)) is None
