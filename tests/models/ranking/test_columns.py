"""Articles as columns: the same articles by row, whatever came and went."""

from dataclasses import replace

import numpy as np
import pytest

from models.ranking.article import FeedArticle
from models.ranking.columns import LEAST_ROOM, ByKey, Columns, affinities, code, codes


def article(name: str, **changed) -> FeedArticle:
    given = FeedArticle(
        article_id=name,
        title=name,
        source="paper",
        published_ms=1000,
        language="en",
        vector=np.array([1, 0], np.float32),
        vector_version="1",
        topics={"sport": 0.6, "football": 0.2},
        subject="sport",
        entities={"q1": "Berlin"},
        story_id="s",
    )
    return replace(given, **changed)


def test_a_row_holds_what_an_article_says():
    columns = Columns.of([article("a"), article("b", topics={}, entities={}, importance=0.9)])
    picked = columns.picked(np.array([1, 0]))
    assert picked.facts["importance"].tolist() == [0.9, 0.5]
    assert picked.facts["source"].tolist() == [code("paper")] * 2
    assert picked.topics.sums({"sport": 1.0}).tolist() == pytest.approx([0.0, 0.75])
    assert picked.entities.any_of(["q1"]).tolist() == [False, True]
    assert picked.topics.any().tolist() == [False, True]


def test_the_strongest_affinity_may_be_a_dislike():
    columns = Columns.of([article("a", entities={"q1": "x", "q2": "y", "q3": "z"})])
    entities = columns.entities(np.array([0]))
    assert entities.strongest({"q1": 0.3, "q2": -0.8}).tolist() == [-0.8]
    assert entities.strongest({"q1": 0.3, "q9": -0.8}).tolist() == [0.3]
    assert entities.strongest({}).tolist() == [0.0]


def test_removed_articles_and_unknown_keys_have_no_row():
    columns = Columns()
    for key in (3, 5, 8):
        columns.add(key, article(f"a{key}"))
    columns.remove(5)
    columns.remove(99)
    assert columns.rows(np.array([8, 5, 4, 3, 99])).tolist() == [2, 0]


def test_vectors_are_those_of_one_encoder():
    columns = Columns.of(
        [article("a"), article("b", vector_version="2"), article("c", vector=None)]
    )
    every = np.arange(3)
    assert columns.vectors(every, "1").tolist() == [[1, 0], [0, 0], [0, 0]]
    assert columns.vectors(every, "3").shape == (3, 0)
    assert columns.encoded("en", "2").tolist() == [1]


def test_columns_that_grow_keep_what_is_here_and_those_who_read_the_old_ones_notice_nothing():
    columns = Columns(4)
    for key in range(4):
        columns.add(key, article(f"a{key}", topics={f"t{key}": 1.0}, story_id=f"s{key}"))
    columns.remove(1)
    columns.replace(2, article("a2", story_id="another"))
    assert columns.is_full
    grown = columns.grown()
    grown.add(7, article("a7", topics={"t7": 1.0}))
    rows = grown.rows(np.arange(8))
    assert [grown.article(row).article_id for row in rows] == ["a0", "a2", "a3", "a7"]
    assert grown.facts(rows)["story"].tolist() == codes(["s0", "another", "s3", "s"]).tolist()
    assert grown.topics(rows).sums({"t2": 1.0, "t7": 0.5}).tolist() == [0, 1, 0, 0.5]
    assert grown.vectors(rows, "1").tolist() == [[1, 0]] * 4
    assert columns.rows(np.arange(8)).tolist() == [0, 2, 3]


def test_there_is_always_room_for_more():
    columns = Columns()
    for key in range(3 * LEAST_ROOM):
        if columns.is_full:
            columns = columns.grown()
        columns.add(key, article(f"a{key}", entities={f"q{key}": "x"}))
        if key >= 10:
            columns.remove(key - 10)
    rows = columns.rows(np.arange(3 * LEAST_ROOM))
    assert len(rows) == 10
    last = columns.entities(rows).any_of([f"q{3 * LEAST_ROOM - 1}"])
    assert last.tolist() == [False] * 9 + [True]


def test_affinities_are_looked_up_by_name():
    assert affinities({"a": 0.4, "b": -1.0}, codes(["b", "c", "a"])).tolist() == [-1.0, 0.0, 0.4]
    assert affinities({}, codes(["b"])).tolist() == [0.0]


def test_the_largest_numbers_come_from_the_top():
    numbers = ByKey(np.array([2, 5, 9]), np.array([0.1, 0.7, 0.3]))
    assert numbers.largest(2).tolist() == [5, 9]
    assert numbers.of(np.array([9, 3])).tolist() == [0.3, 0.0]
