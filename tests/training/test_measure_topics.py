"""Precision and coverage are counted over what can be checked."""

import numpy as np

from models.topics import concepts
from models.topics.mappings import UNKNOWN
from training.measure_topics import by_depth, first, interval, with_ancestors
from training.topic_labels import TextRow


def test_ancestors_of_the_chosen_are_chosen() -> None:
    topics = concepts.read()
    chosen = np.zeros((1, len(topics)), bool)
    chosen[0, topics.row(topics.named("Shia Islam").code)] = True
    closed = with_ancestors(topics, chosen)
    names = {topics.concepts[row].name for row in np.flatnonzero(closed[0])}
    assert names == {"religion", "belief systems", "Islam", "Shia Islam"}


def test_unknown_concepts_count_neither_for_nor_against() -> None:
    topics = concepts.read()
    truth = np.zeros((1, len(topics)), np.int64)
    chosen = np.zeros((1, len(topics)), bool)
    right, wrong, unknown, missed = (topics.row(top.code) for top in topics.tops[:4])
    truth[0, [right, missed]] = 1
    truth[0, unknown] = UNKNOWN
    chosen[0, [right, wrong, unknown]] = True
    assert next(iter(by_depth(topics, chosen, truth))) == ("1", 2, 1, 2)


def test_an_interval_holds_its_share() -> None:
    for right, count in ((0, 5), (5, 5), (8, 10), (800, 1_000)):
        low, high = interval(right, count)
        assert 0 <= low <= right / count <= high <= 1


def test_the_draw_does_not_depend_on_the_order() -> None:
    rows = [TextRow(str(number), ("x",)) for number in range(20)]
    assert first(rows, 5) == first(rows[::-1], 5)
