"""How a feed is put together, and with which probability."""

import numpy as np
import pytest

from models.ranking.columns import code
from models.ranking.rerank import Candidates, Policy, arrange, mix_distance

PLAIN = Policy(variety=0, calibration=0, epsilon=0, source_cap=0, story_cap=0)


def candidates(relevance, **changed) -> Candidates:
    count = len(relevance)
    given = {
        "relevance": np.array(relevance, float),
        "vectors": np.zeros((count, 2), np.float32),
        "subjects": ["s"] * count,
        "sources": [f"paper {n}" for n in range(count)],
        "stories": [None] * count,
        "explored": np.ones(count, bool),
    }
    given |= changed
    named = ("subjects", "sources", "stories")
    coded = {name: np.array([code(one) for one in given[name]], np.int64) for name in named}
    return Candidates(**(given | coded))


def rows(found) -> list[int]:
    return [placed.row for placed in found]


def order(given: Candidates, policy: Policy, count: int = 3, **options) -> list[int]:
    mix = options.pop("mix", {})
    return rows(arrange(given, count, policy, mix, np.random.default_rng(1), **options))


def test_without_rules_relevance_decides():
    assert order(candidates([0.2, 0.9, 0.5]), PLAIN) == [1, 2, 0]


def test_variety_puts_something_else_between_two_of_a_kind():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    given = candidates([0.9, 0.85, 0.7], vectors=vectors)
    assert order(given, PLAIN) == [0, 1, 2]
    assert order(given, Policy(variety=0.5, calibration=0, epsilon=0)) == [0, 2, 1]


def test_a_source_is_capped_in_proportion_to_the_length():
    given = candidates([0.9, 0.8, 0.7, 0.1], sources=["a", "a", "a", "b"])
    assert order(given, Policy(variety=0, calibration=0, epsilon=0, source_cap=4), 5) == [0, 3]


def test_a_story_is_shown_once_counting_what_stands_above():
    given = candidates([0.9, 0.8, 0.7], stories=["x", "y", "y"])
    policy = Policy(variety=0, calibration=0, epsilon=0, source_cap=0)
    assert order(given, policy) == [0, 1]
    assert order(given, policy, above=[("paper", "x")]) == [1]


def test_the_mix_of_subjects_follows_the_reader():
    relevance = np.linspace(0.9, 0.8, 40)
    subjects = ["sport"] * 20 + ["economy"] * 20
    given = candidates(relevance, subjects=subjects)
    plain = order(given, PLAIN, 10, mix={"sport": 0.7, "economy": 0.3})
    mixed = order(
        given,
        Policy(variety=0, calibration=5, epsilon=0, source_cap=0),
        10,
        mix={"sport": 0.7, "economy": 0.3},
    )
    assert sum(row < 20 for row in plain) == 10
    assert sum(row < 20 for row in mixed) == 7


def test_what_is_due_comes_in_time_and_several_do_not_collide():
    given = candidates([0.9, 0.8, 0.7, 0.0, 0.1])
    assert order(given, PLAIN, 4, due={3: 1}) == [0, 3, 1, 2]
    assert order(given, PLAIN, 4, due={3: 1, 4: 1}) == [3, 4, 0, 1]


def test_what_is_due_comes_even_where_caps_leave_nothing():
    given = candidates([0.9, 0.8], sources=["a", "a"])
    policy = Policy(variety=0, calibration=0, epsilon=0, source_cap=1)
    assert order(given, policy, 5, due={1: 3}) == [0, 1]


def test_propensities_are_the_frequencies_of_what_is_drawn():
    given = candidates([0.9, 0.5, 0.1], explored=np.array([True, True, False]))
    policy = Policy(variety=0, calibration=0, epsilon=0.4, source_cap=0)
    chance = np.random.default_rng(3)
    first = [arrange(given, 1, policy, {}, chance)[0] for _ in range(4000)]
    for row, expected in ((0, 0.8), (1, 0.2)):
        share = np.mean([placed.row == row for placed in first])
        assert share == pytest.approx(expected, abs=0.03)
        told = [placed.propensity for placed in first if placed.row == row]
        assert told == pytest.approx([expected] * len(told))
    assert not any(placed.row == 2 for placed in first)


def test_distance_of_a_mix_grows_with_what_is_missing():
    wanted = np.array([0.5, 0.5])
    distances = [mix_distance(np.array(shown, float), wanted) for shown in ([2, 2], [3, 1], [4, 0])]
    assert distances == sorted(distances)
    assert distances[0] == 0
    assert np.isfinite(distances[2])


def test_no_candidates_give_no_feed():
    assert order(candidates([]), Policy()) == []
