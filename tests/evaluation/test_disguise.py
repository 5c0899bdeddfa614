"""Disguises change words and leave them readable."""

import random

import pytest

from evaluation.disguise import DISGUISES, disguised
from models.spelling import respell

TEXT = "Nobody believes those stupid people anymore, honestly nobody does."
KNOWN = frozenset(
    ["nobody", "believes", "those", "stupid", "people", "anymore", "honestly", "does"]
)


@pytest.mark.parametrize("how", DISGUISES)
def test_same_seed_disguises_alike_and_another_one_otherwise(how):
    assert disguised(TEXT, how, 1) == disguised(TEXT, how, 1) != TEXT
    assert len({disguised(TEXT, how, seed) for seed in range(9)}) > 1


@pytest.mark.parametrize("how", DISGUISES)
def test_disguised_words_are_longer_ones_and_read_plainly_again(how):
    for word in KNOWN:
        written = DISGUISES[how](word, random.Random(3))
        assert respell(written, KNOWN).text == word
    assert disguised("you and me", how, 0) == "you and me"
