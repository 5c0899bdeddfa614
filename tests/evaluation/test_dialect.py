"""Features of a dialect: found where they are, and not in standard English."""

import pytest

from evaluation.dialect import MARKERS, markers, rewritten


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("He be like that", "habitual be (they be talking)"),
        ("Why she talkin' to him", "no copula (she crazy)"),
        ("They just crazy", "no copula (she crazy)"),
        ("I done told you", "completive done, stressed been"),
        ("Ain't nobody asked", "negative concord (ain't nobody)"),
        ("imma head out", "finna, imma, tryna"),
        ("My brotha knows", "sounds (dat, dey, brotha)"),
    ],
)
def test_feature_is_found(text, feature):
    assert feature in markers(text)
    assert feature in {marker.name for marker in MARKERS}


@pytest.mark.parametrize(
    "text",
    [
        "Would he be talking to her?",
        "Are they crazy?",
        "I saw you talking",
        "They've done told stories",
        "I have nothing against anybody",
        "The date is set",
    ],
)
def test_standard_english_shows_none(text):
    assert markers(text) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She is working with that team", "She workin wit dat team"),
        ("He's got a car", "He's got a car"),
        ("The king will bring one thing", "The king will bring one thing"),
        ("I'm going to say it", "I'm finna say it"),
    ],
)
def test_rules_put_features_in_and_leave_the_rest(text, expected):
    assert rewritten(text) == expected
