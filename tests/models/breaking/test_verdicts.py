"""Verdicts from files and alerts, and the scorer that they teach."""

import json
import random
from dataclasses import replace

import pytest

from models.breaking import scorer, verdicts
from models.breaking.recalibration import Shift, Verdict, moved
from schemas.alert import Alert
from schemas.errors import SetupError

SHIPPED = scorer.read()


def alert(alert_id: str, state: str, sequence: int, score: float = 0.8, **more: object) -> Alert:
    fields = {
        "alert_id": alert_id,
        "desk": "world",
        "story_id": f"s{alert_id}",
        "state": state,
        "sequence": sequence,
        "at_ms": sequence,
        "raised_ms": sequence,
        "expires_ms": 10,
        "score": score,
        "low": score,
        "high": score,
        "threshold": 0.5,
        "outcome": "sources=10,hours=2",
        "title": "t",
        "languages": ["en"],
        "windows": [],
        "sources": [],
        "independent_sources": 3,
        "copies_discounted": 0,
        "entities": [],
        "lead_articles": [],
        "reasons": [],
        "model_versions": {"scorer": SHIPPED.version},
    }
    return Alert.model_validate(fields | more)


def given(count: int, true: Shift) -> list[Verdict]:
    chance = random.Random(3)
    found = []
    for at_ms in range(count):
        score = chance.betavariate(4, 2)
        found.append(Verdict(at_ms, score, chance.random() < moved(true, score)))
    return found


def test_label_is_about_the_score_before_the_desk_moved_it():
    states = [
        alert("a", "opened", 1, 0.5, unadjusted_score=0.8),
        alert("a", "confirmed", 2, 0.6, unadjusted_score=0.9),
    ]
    assert verdicts.of_alerts(states, SHIPPED) == [Verdict(2, 0.8, came_true=True)]


def test_confirmed_and_dismissed_alerts_are_labels_of_their_first_score():
    states = [
        alert("a", "opened", 1, 0.8),
        alert("b", "opened", 1, 0.6),
        alert("c", "opened", 1),
        alert("a", "confirmed", 2, 0.95),
        alert("b", "dismissed", 2, 0.7),
    ]
    found = verdicts.of_alerts(states, SHIPPED)
    assert sorted((v.score, v.came_true) for v in found) == [(0.6, False), (0.8, True)]


def test_verdict_that_was_taken_back_is_no_label():
    states = [alert("a", "opened", 1), alert("a", "dismissed", 2), alert("a", "opened", 3)]
    assert verdicts.of_alerts(states, SHIPPED) == []


def test_growth_of_a_confirmed_alert_takes_no_verdict_back_and_an_undo_after_its_end_does():
    grown = [alert("a", "opened", 1), alert("a", "confirmed", 2), alert("a", "escalated", 3)]
    assert [v.came_true for v in verdicts.of_alerts(grown, SHIPPED)] == [True]
    ended = [alert("a", "dismissed", 2, by="ada"), alert("a", "closed", 3, by="ada")]
    assert verdicts.of_alerts(ended, SHIPPED) == []
    over = [alert("a", "dismissed", 2, by="ada"), alert("a", "closed", 3)]
    assert [v.came_true for v in verdicts.of_alerts(over, SHIPPED)] == [False]


def test_alerts_of_another_scorer_teach_nothing():
    other = alert("a", "confirmed", 1, model_versions={"scorer": "other"})
    assert verdicts.of_alerts([other], SHIPPED) == []


def test_score_is_told_as_the_scorer_gave_it_before_its_shift():
    taught = replace(SHIPPED, shift=Shift(1.3, -0.4))
    shown = moved(taught.shift, 0.8)
    found = verdicts.of_alerts([alert("a", "confirmed", 1, shown)], taught)
    assert found[0].score == pytest.approx(0.8)


def test_scorer_that_was_wrong_is_replaced_and_named_anew(tmp_path):
    outcome = verdicts.recalibrated(SHIPPED, given(600, Shift(1.0, -1.5)))
    assert outcome.scorer is not None
    assert outcome.scorer.version == f"{SHIPPED.version}+r1"
    assert outcome.scorer.shift.intercept < -0.5
    scorer.write(outcome.scorer, tmp_path / "scorer.json")
    assert scorer.read(tmp_path / "scorer.json") == outcome.scorer


def test_scorer_that_was_right_stays():
    outcome = verdicts.recalibrated(SHIPPED, given(600, Shift()))
    assert outcome.scorer is None
    assert "stays as it is" in outcome.told


def test_few_verdicts_are_not_enough():
    outcome = verdicts.recalibrated(SHIPPED, given(20, Shift(1.0, -3.0)))
    assert outcome.scorer is None
    assert "needed" in outcome.told


@pytest.mark.parametrize(
    "line",
    ["[]", "{", '{"at_ms": 1, "score": 0.5}', '{"at_ms": 1, "score": 2, "came_true": true}',
     '{"at_ms": 1, "score": 0.5, "came_true": 1}'],
)  # fmt: skip
def test_wrong_verdict_is_named_by_its_line(tmp_path, line):
    file = tmp_path / "verdicts.jsonl"
    good = json.dumps({"at_ms": 1, "score": 0.5, "came_true": True})
    file.write_text(f"{good}\n{line}\n")
    with pytest.raises(SetupError, match="line 2"):
        list(verdicts.read(str(file)))
