"""Evidence to features to score to probability."""

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.breaking import calibration, fit, forest, scorer
from models.breaking.evidence import Evidence, gather
from models.breaking.features import NAMES, as_array, features, in_words
from models.breaking.outcome import Outcome, parse
from models.breaking.pickups import Pickup, Pickups, add_all
from models.breaking.rhythm import Rhythm, profile
from models.breaking.traffic import Traffic, count
from schemas.errors import ModelFileError, SettingError, SetupError

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

OUTCOME = Outcome(50, 6.0)
MINUTE_MS = 60_000
COUNTS = ("sources", "last_", "stream_")


def story(growth: int, minutes: int = 30) -> Evidence:
    """A story that `growth` sources take up each minute."""
    batch = [
        Pickup(f"{minute}.{n}", minute * MINUTE_MS, 1.0)
        for minute in range(minutes)
        for n in range(growth)
    ]
    stream = Traffic()
    for pickup in batch:
        stream = count(stream, pickup.at_ms)
    state = add_all(Pickups(), batch, capacity=10_000)
    return gather(state, stream, profile(Rhythm()), OUTCOME, batch[-1].at_ms)


def test_evidence_counts_what_lies_in_the_windows():
    seen = story(growth=2)
    assert (seen.sources, seen.age_ms) == (60, 29 * MINUTE_MS)
    assert (seen.last_5, seen.last_20, seen.last_80) == (12, 42, 60)


def test_evidence_does_not_look_ahead():
    state = add_all(Pickups(), [Pickup(str(n), n, 0.0) for n in range(10)], capacity=99)
    assert gather(state, Traffic(), profile(Rhythm()), OUTCOME, 4).sources == 5
    with pytest.raises(ValueError, match="expected at least one"):
        gather(Pickups(), Traffic(), profile(Rhythm()), OUTCOME, 4)


@quick
@given(st.integers(1, 9), st.integers(2, 50))
def test_features_do_not_depend_on_the_scale(growth, times):
    small = as_array([story(growth)])
    large = np.array(
        [
            [
                v * times if n.startswith(COUNTS) else v
                for n, v in zip(Evidence._fields, small[0], strict=True)
            ]
        ]
    )
    one = features(small, OUTCOME)
    other = features(large, Outcome(OUTCOME.sources * times, OUTCOME.hours))
    assert np.allclose(one, other)
    assert np.isfinite(one).all()


def test_every_feature_has_words_with_its_numbers():
    moment = story(8, 15)
    values = features(as_array([moment]), OUTCOME)[0].tolist()
    told = {n: in_words(n, v, moment, OUTCOME) for n, v in zip(NAMES, values, strict=True)}
    assert told["reach"] == f"distinct sources so far: {moment.sources:.0f}"
    assert told["age"] == f"minutes since the first source: {moment.age_ms / 60_000:.0f}"
    assert all(any(sign.isdigit() for sign in words) for words in told.values())


@pytest.fixture(scope="module")
def learned() -> Iterator[fit.Fitted]:
    chance = np.random.default_rng(0)
    growths = chance.integers(1, 9, 200)
    evidence = as_array(
        [story(int(g), int(m)) for g, m in zip(growths, chance.integers(5, 25, 200), strict=True)]
    )
    with pytest.MonkeyPatch.context() as small:
        small.setattr(fit, "TREES", 20)
        small.setattr(fit, "FEWEST_IN_LEAF", 10)
        yield fit.fit(
            [fit.Moments(evidence, growths >= 5, np.arange(200) % 4, OUTCOME)], OUTCOME, "test"
        )


def test_forest_gives_the_scores_of_the_library(monkeypatch):
    from sklearn.ensemble import HistGradientBoostingClassifier

    monkeypatch.setattr(fit, "TREES", 20)
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(900, len(NAMES)))
    broke = rows[:, 0] + rows[:, 1] * rows[:, 2] > 0.3
    kept = []
    whole = HistGradientBoostingClassifier.fit

    def watched(self, *args, **kwargs):
        kept.append(whole(self, *args, **kwargs))
        return kept[-1]

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", watched)
    ours = fit.boost(rows, broke, np.ones(900)).scores(rows)
    assert np.allclose(ours, kept[0].predict_proba(rows)[:, 1])


def test_score_rises_with_the_burst_and_has_reasons(learned):
    slow, fast = (learned.scorer.probability(story(g, 15)) for g in (1, 8))
    assert slow.value < 0.2 < 0.7 < fast.value
    assert fast.low <= fast.value <= fast.high
    assert learned.scorer.reasons(story(8, 15))


def test_batch_of_moments_equals_one_by_one(learned):
    moments = [story(g) for g in range(1, 9)]
    together = learned.scorer.probabilities(as_array(moments))
    alone = [learned.scorer.probability(moment) for moment in moments]
    assert np.allclose(together, alone)


def test_scorer_survives_its_file(learned, tmp_path):
    path = tmp_path / "scorer.json"
    scorer.write(learned.scorer, path)
    assert scorer.read(path) == learned.scorer


def test_file_that_cannot_be_written_is_named(learned, tmp_path):
    with pytest.raises(SetupError, match=r"x\.json cannot be written: No such file"):
        scorer.write(learned.scorer, tmp_path / "nodir" / "x.json")


def test_file_that_is_no_scorer_is_named(tmp_path):
    path = tmp_path / "scorer.json"
    with pytest.raises(ModelFileError, match="cannot be read"):
        scorer.read(path)
    path.write_text(json.dumps({"version": "1"}))
    with pytest.raises(ModelFileError, match="is no scorer"):
        scorer.read(path)


def test_forest_that_loops_is_refused():
    state = {"names": ["a"], "base": 0, "roots": [0], "feature": [0], "threshold": [0.0]}
    with pytest.raises(ModelFileError, match="node 0"):
        forest.from_state(state | {"left": [0], "right": [0], "value": [0.0]})


def test_one_kind_of_story_cannot_be_learned_from():
    evidence = as_array([story(1)] * 10)
    with pytest.raises(SetupError, match="expected both kinds"):
        fit.fit(
            [fit.Moments(evidence, np.zeros(10, bool), np.arange(10) % 2, OUTCOME)], OUTCOME, "test"
        )


@quick
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_calibration_is_monotone_and_its_bounds_hold_the_value(seen):
    scores, outcomes = (np.array(column, float) for column in zip(*seen, strict=True))
    fitted = calibration.fit(scores, outcomes, np.ones(len(seen)))
    told = calibration.probabilities(fitted, np.linspace(0, 1, 50))
    value, low, high = told.T
    assert (np.diff(value) >= -1e-9).all()
    assert ((low <= value + 1e-9) & (value <= high + 1e-9)).all()
    state = json.loads(json.dumps(calibration.to_state(fitted)))
    assert calibration.from_state(state) == fitted


def test_calibration_mends_scores_that_are_too_sure():
    chance = np.random.default_rng(2)
    truth = chance.uniform(size=4000)
    outcomes = (chance.uniform(size=4000) < truth).astype(float)
    fitted = calibration.fit(truth**3, outcomes, np.ones(4000))
    told = calibration.probabilities(fitted, truth**3)[:, 0]
    assert np.abs(told - truth).mean() < 0.05


@pytest.mark.parametrize(
    "text", ["", "sources=0,hours=6", "sources=3", "sources=3,hours=6,x=1", "sources=3,hours=nan"]
)
def test_outcome_that_makes_no_sense_is_named(text):
    with pytest.raises(SettingError, match="expected sources=K,hours=H"):
        parse(text)


def test_isotonic_pools_violators():
    pooled = calibration.isotonic(np.array([3.0, 1.0]), np.array([1.0, 3.0]))
    assert pooled.tolist() == [1.5, 1.5]
    assert math.isclose(float(pooled[0]), 1.5)
