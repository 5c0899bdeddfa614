"""Near-identical comments are found, others are not."""

import random

import pytest

from models.audience.likeness import groups, signature

TEXT = "The council knew about the silo for years and did nothing, they all should resign"


VOCABULARY = (
    *("bridge", "council", "harbour", "silo", "smoke", "dust", "town", "family", "school", "bus"),
    *("night", "relief", "nurses", "answer", "nobody", "told", "price", "bread", "grain", "road"),
    *("ferry", "wind", "water", "paper", "worried", "angry", "brave", "thanks", "after", "never"),
)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.upper() + "!!!",
        TEXT.replace("years", "yeeears"),
        TEXT.replace("resign", "resign now"),
        "👎 " + TEXT + " #42",
        TEXT.replace("council", "mayor"),
    ],
)
def test_small_changes_keep_texts_alike(other):
    assert len(set(groups([signature(TEXT), signature(other)]).tolist())) == 1


def test_different_texts_are_not_alike():
    rng = random.Random(5)
    texts = [" ".join(rng.choices(VOCABULARY, k=14)) for _ in range(300)]
    found = groups([signature(text) for text in texts])
    assert len(set(found.tolist())) > 290


def test_texts_without_letters_are_alike_to_nothing():
    assert groups([signature("👍👍"), signature("👍👍"), signature("!!!")]).tolist() == [0, 1, 2]


def test_signature_is_the_same_in_every_process():
    assert signature("Shame on them").hex()[:16] == "83918f22b4368ee4"


def test_order_of_texts_makes_no_difference_to_who_is_together():
    texts = [
        TEXT,
        "Something else entirely, about cats",
        TEXT + "!",
        "Thank you, nurses",
        TEXT.lower(),
    ]
    forward = groups([signature(t) for t in texts])
    backward = groups([signature(t) for t in reversed(texts)])[::-1]
    together = {(i, j) for i in range(5) for j in range(5) if forward[i] == forward[j]}
    assert together == {(i, j) for i in range(5) for j in range(5) if backward[i] == backward[j]}
