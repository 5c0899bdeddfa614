"""Heads: found by name, labels spelled in several ways."""

import pytest

from evaluation.heads import HEADS, Task, find
from evaluation.sets import SETS
from schemas.errors import SetupError


def test_head_of_a_known_family_need_not_be_listed():
    assert find("toxicity/mine").task is Task.CLASSES
    assert find("entities/mine").task is Task.ENTITIES


@pytest.mark.parametrize("name", ["agnews", "topics", "topics/", "weather/today", ""])
def test_unknown_head_is_refused(name):
    with pytest.raises(SetupError, match="there is no head"):
        find(name)


@pytest.mark.parametrize("head", HEADS.values(), ids=lambda head: head.name)
def test_own_data_sets_exist(head):
    assert set(head.sets) <= SETS.keys()


@pytest.mark.parametrize(
    ("head", "label", "known", "spelled"),
    [
        ("topics/agnews", "Sci/Tech", ("World", "Sci/Tech"), "Sci/Tech"),
        ("topics/agnews", "4", ("World", "Sci/Tech"), "Sci/Tech"),
        ("topics/agnews", "world", ("World", "Sci/Tech"), "World"),
        ("sentiment/sst2", "positive", ("0", "1"), "1"),
        ("sentiment/sst2", "1", ("negative", "positive"), "positive"),
        ("sentiment/target", "6", ("negative", "neutral", "positive"), "positive"),
        ("language", "deu_Latn", ("de",), "de"),
        ("language", "ace", ("de",), "ace"),
    ],
)
def test_label_is_spelled_as_the_model_does(head, label, known, spelled):
    assert find(head).spelled(label, known) == spelled


def test_label_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match="label 'Weather' is none of Sports, World"):
        find("topics/agnews").spelled("Weather", ("World", "Sports"))
