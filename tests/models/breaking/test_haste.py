"""Less certainty is asked of an early warning; without haste nothing changes."""

from dataclasses import replace

import numpy as np
import pytest

from models.breaking import scorer
from models.breaking.haste import asked, urgencies, urgency

SCORES = np.linspace(0.01, 0.99, 25)


@pytest.mark.parametrize("haste", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("reach", [0.02, 0.3, 0.94])
def test_score_passes_what_is_asked_where_its_urgency_passes_the_threshold(haste, reach):
    level = 0.6
    passes = [urgency(score, reach, haste) >= level for score in SCORES]
    assert passes == [score >= asked(level, reach, haste) for score in SCORES]


def test_many_are_as_one():
    reach = np.full(len(SCORES), 0.2)
    one_by_one = [urgency(score, 0.2, 0.3) for score in SCORES]
    assert urgencies(SCORES, reach, 0.3).tolist() == pytest.approx(one_by_one)


def test_less_is_asked_of_an_earlier_story():
    assert asked(0.7, 0.1, 0.3) < asked(0.7, 0.5, 0.3) < asked(0.7, 1.0, 0.3)
    assert asked(0.7, 1.0, 0.3) == pytest.approx(0.7)


def test_no_haste_leaves_scores_as_they_are():
    assert urgencies(SCORES, SCORES, 0.0) is SCORES
    assert (urgency(0.4, 0.1, 0.0), asked(0.4, 0.1, 0.0)) == (0.4, 0.4)


def test_haste_comes_with_the_scorer(tmp_path):
    hasty = replace(scorer.read(), haste=0.3)
    scorer.write(hasty, tmp_path / "scorer.json")
    assert scorer.read(tmp_path / "scorer.json").haste == 0.3
    assert scorer.read().haste == 0.0
