"""What verdicts of editors teach a desk about its score."""

from dataclasses import replace

from newsdesk import (
    DESK,
    SCORER,
    TERMS,
    WALL_MS,
    Story,
    alerts,
    heard,
    ordered,
)

from models.breaking.desk import DeskAtWork
from models.packing import pack, unpack
from schemas.quality_signal import QualitySignal

BUSY = replace(DESK, alerts_per_day=60.0)


def judged(desk, stories, *, verdicts: bool = True) -> list:
    """Everything said while an editor dismisses the alert of one story after the other, or none."""
    outs = []
    for n in stories:
        said = heard(desk, Story(f"v{n}", f"Place{n}").burst(6, start=60 * n))
        for alert in alerts(said) if verdicts else ():
            order = ordered(100 + n, "dismiss", 60 * n + 6, alert_id=alert.alert_id)
            said += desk.command(order, WALL_MS)
        outs += said
    return outs


def test_dismissals_say_that_the_score_cannot_be_trusted_and_move_it():
    desk = DeskAtWork(BUSY, SCORER, TERMS)
    outs = judged(desk, range(60))
    signals = [out for out in outs if isinstance(out, QualitySignal)]
    assert [signal.kind for signal in signals][:1] == ["calibration_drift"]
    assert signals[0].subject == "breaking/world"
    told = alerts(outs)
    assert told[0].caution is None
    assert any(
        str(alert.caution).startswith("scores at world have become too high") for alert in told
    )
    assert "recalibrated" in {signal.kind for signal in signals}
    last = told[-1]
    assert last.unadjusted_score is not None
    assert last.score < last.unadjusted_score
    assert last.model_versions["calibrator"].startswith("c moved ")


def test_what_verdicts_teach_does_not_change_who_is_alerted():
    desk, other = (DeskAtWork(BUSY, SCORER, TERMS) for _ in range(2))
    taught = alerts(judged(desk, range(60)))
    untaught = alerts(judged(other, range(60), verdicts=False))
    opened = [[a.story_id for a in each if a.state == "opened"] for each in (taught, untaught)]
    assert opened[0] == opened[1]
    assert len(opened[0]) > 20


def test_verdict_that_is_taken_back_teaches_nothing(desk):
    (opened,) = alerts(heard(desk, Story().burst(5)))
    dismiss = ordered(1, "dismiss", 5, alert_id=opened.alert_id)
    desk.command(dismiss, WALL_MS)
    taught = desk.changes()["lessons"]
    assert len(taught["verdicts"]) == 1
    desk.take_back(ordered(2, "undo", 6, undoes="c1"), dismiss, WALL_MS)
    assert desk.changes()["lessons"]["verdicts"] == []


def test_score_of_an_editor_is_no_lesson(desk):
    heard(desk, Story().burst(1))
    (opened,) = alerts(
        desk.command(ordered(1, "override_score", 1, story_id="a0", value=0.99), WALL_MS)
    )
    assert opened.unadjusted_score is None
    desk.command(ordered(2, "dismiss", 2, alert_id=opened.alert_id), WALL_MS)
    assert "lessons" not in desk.changes()


def test_lessons_about_another_scorer_are_forgotten(desk):
    judged(desk, range(3))
    kept = unpack(pack(desk.changes()))
    assert len(kept["lessons"]["verdicts"]) == 3
    again = DeskAtWork(DESK, replace(SCORER, version="other"), TERMS)
    again.restore(kept)
    judged(again, range(3, 4))
    assert len(again.changes()["lessons"]["verdicts"]) == 1
