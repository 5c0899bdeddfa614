"""What editors tell a desk: about an alert, a story, a source, its budget."""

import pytest
from newsdesk import (
    DESK,
    MINUTE_MS,
    SCORER,
    START_MS,
    TERMS,
    WALL_MS,
    Story,
    alerts,
    answers,
    heard,
    ordered,
)

from models.breaking.desk import DeskAtWork


def test_confirmed_alert_stays_until_its_time_is_over(desk):
    (opened,) = alerts(heard(desk, Story().burst(6)))
    outs = desk.command(ordered(1, "confirm", 6, alert_id=opened.alert_id, reason="seen"), WALL_MS)
    (told,) = alerts(outs)
    assert (told.state, told.sequence, told.by, told.note) == ("confirmed", 2, "ada", "seen")
    assert answers(outs)[0].outcome == "applied"
    minutes = range(7, 200)
    later = [out for m in minutes for out in desk.tick(START_MS + m * MINUTE_MS, WALL_MS)]
    assert [(a.state, a.note) for a in alerts(later)] == [("closed", "its time is over")]
    assert alerts(later)[0].at_ms >= told.expires_ms


def test_dismissed_alert_stays_dismissed_and_undo_brings_it_back(desk):
    story = Story()
    (opened,) = alerts(heard(desk, story.burst(5)))
    dismiss = ordered(1, "dismiss", 5, alert_id=opened.alert_id)
    assert [a.state for a in alerts(desk.command(dismiss, WALL_MS))] == ["dismissed"]
    more = [story.pickup(f"t{n}", 6 + n / 2) for n in range(20)]
    assert alerts(heard(desk, more)) == []
    undo = ordered(2, "undo", 16, undoes="c1")
    outs = desk.take_back(undo, dismiss, WALL_MS)
    assert [(a.state, a.sequence) for a in alerts(outs)] == [("opened", 3)]
    assert answers(desk.take_back(undo, dismiss, WALL_MS))[0].outcome == "refused"


def test_retracted_story_corrects_its_alert_and_raises_no_other(desk):
    story = Story()
    heard(desk, story.burst(5))
    retract = ordered(1, "retract", 5, story_id="a0", reason="hoax")
    outs = desk.command(retract, WALL_MS)
    assert [(a.state, a.note) for a in alerts(outs)] == [("corrected", "hoax")]
    assert alerts(heard(desk, [story.pickup(f"t{n}", 6 + n / 2) for n in range(20)])) == []


@pytest.mark.parametrize("muted", [{"story_id": "a0"}, {"entity": "harbour"}, {"desk": "world"}])
def test_mute_silences_until_it_ends(desk, muted):
    until_ms = START_MS + 4 * MINUTE_MS
    story = Story()
    heard(desk, story.burst(1))
    desk.command(ordered(1, "mute", until_ms=until_ms, **muted), WALL_MS)
    early = heard(desk, [story.pickup(f"t{n}", 1 + n / 2) for n in range(5)])
    assert alerts(early) == []
    late = heard(desk, [story.pickup("u1.example", 4.5), story.pickup("u2.example", 5)])
    assert [alert.state for alert in alerts(late)] == ["opened"]


def test_muted_source_does_not_count(desk):
    story = Story()
    desk.hear(story.pickup("s0.example", 0), WALL_MS)
    desk.command(ordered(1, "mute", source="loud.example"), WALL_MS)
    desk.hear(story.pickup("loud.example", 1), WALL_MS)
    assert desk.stories["a0"].pickups.sources == ("s0.example",)


def test_score_of_an_editor_beats_the_model_until_it_ends(desk):
    story = Story()
    heard(desk, story.burst(1))
    until_ms = START_MS + 30 * MINUTE_MS
    order = ordered(1, "override_score", 1, story_id="a0", value=0.99, until_ms=until_ms)
    (opened,) = alerts(desk.command(order, WALL_MS))
    assert (opened.state, opened.score, opened.low, opened.high) == ("opened", 0.99, 0.99, 0.99)
    assert opened.reasons == ["score set by ada"]
    (closed,) = alerts(desk.tick(START_MS + 31 * MINUTE_MS, WALL_MS))
    assert closed.state == "closed"


def test_override_of_nothing_silences_a_story(desk):
    story = Story()
    heard(desk, story.burst(2))
    desk.command(ordered(1, "override_score", 2, story_id="a0", value=0.0), WALL_MS)
    assert alerts(heard(desk, [story.pickup(f"t{n}", 3 + n / 2) for n in range(6)])) == []


def test_budget_moves_the_threshold(desk):
    before = desk.threshold()
    desk.command(ordered(1, "set_budget", value=2.0), WALL_MS)
    assert desk.threshold() > before
    desk.command(ordered(2, "set_budget", value=0.0), WALL_MS)
    assert alerts(heard(desk, Story().burst(12))) == []
    undo, undone = ordered(3, "undo", undoes="c2"), ordered(2, "set_budget", value=0.0)
    desk.take_back(undo, undone, WALL_MS)
    assert before < desk.threshold() < 1


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (ordered(1, "confirm", alert_id="world.0"), "not known"),
        (ordered(1, "override_score", story_id="zz", value=0.5), "not watched"),
        (ordered(1, "unmute", story_id="zz"), "not muted"),
        (ordered(1, "clear_override", story_id="zz"), "not watched"),
    ],
)
def test_command_about_what_is_not_there_is_refused(desk, order, why):
    (answer,) = answers(desk.command(order, WALL_MS))
    assert answer.outcome == "refused"
    assert why in answer.detail


def test_muted_masthead_of_an_owner_does_not_count(desk):
    story = Story()
    heard(desk, story.burst(1))
    desk.command(ordered(1, "mute", source="courier.example"), WALL_MS)
    pickup = story.pickup("Group X", 1)
    desk.hear(pickup._replace(masthead="courier.example"), WALL_MS)
    assert desk.stories["a0"].pickups.sources == ("s0.example",)
    desk.hear(pickup._replace(masthead="herald.example"), WALL_MS)
    assert desk.stories["a0"].pickups.sources == ("s0.example", "Group X")


def test_confirmed_alert_tells_no_more_growth(desk):
    story = Story()
    (opened,) = alerts(heard(desk, story.burst(5)))
    desk.command(ordered(1, "confirm", 4, alert_id=opened.alert_id), WALL_MS)
    more = [story.pickup(f"t{n}", 5 + n / 2) for n in range(20)]
    assert alerts(heard(desk, more)) == []


def test_what_is_said_of_a_closed_alert_lets_it_stand_no_longer(desk):
    (opened,) = alerts(heard(desk, Story().burst(6)))
    later = [out for m in range(7, 200) for out in desk.tick(START_MS + m * MINUTE_MS, WALL_MS)]
    assert [alert.state for alert in alerts(later)] == ["closed"]
    order = ordered(1, "confirm", 200, alert_id=opened.alert_id)
    (told,) = alerts(desk.command(order, WALL_MS))
    assert told.state == "confirmed"
    assert told.expires_ms <= told.at_ms
    (ended,) = alerts(desk.tick(START_MS + 201 * MINUTE_MS, WALL_MS))
    assert (ended.state, ended.sequence) == ("closed", told.sequence + 1)
    assert desk.live() == []


def test_undo_of_a_command_leaves_what_a_later_one_about_the_same_said(desk):
    first, second = (ordered(n, "set_budget", value=n) for n in (1, 2))
    usual = desk.threshold()
    desk.command(first, WALL_MS)
    desk.command(second, WALL_MS)
    of_second = desk.threshold()
    (answer,) = answers(desk.take_back(ordered(3, "undo", undoes="c1"), first, WALL_MS))
    assert (answer.outcome, desk.threshold()) == ("applied", of_second)
    assert "later" in answer.detail
    desk.take_back(ordered(4, "undo", undoes="c2"), second, WALL_MS)
    assert desk.threshold() == usual


def test_undo_of_a_confirmation_leaves_a_later_dismissal(desk):
    (opened,) = alerts(heard(desk, Story().burst(6)))
    confirm = ordered(1, "confirm", 6, alert_id=opened.alert_id)
    desk.command(confirm, WALL_MS)
    dismiss = ordered(2, "dismiss", 6, alert_id=opened.alert_id)
    desk.command(dismiss, WALL_MS)
    assert alerts(desk.take_back(ordered(3, "undo", 6, undoes="c1"), confirm, WALL_MS)) == []
    (back,) = alerts(desk.take_back(ordered(4, "undo", 6, undoes="c2"), dismiss, WALL_MS))
    assert back.state == "opened"


def test_retracted_story_is_not_confirmed_after_a_dismissal(desk):
    (opened,) = alerts(heard(desk, Story().burst(6)))
    desk.command(ordered(1, "dismiss", 6, alert_id=opened.alert_id), WALL_MS)
    desk.command(ordered(2, "retract", 6, story_id="a0"), WALL_MS)
    outs = desk.command(ordered(3, "confirm", 6, alert_id=opened.alert_id), WALL_MS)
    assert [answer.outcome for answer in answers(outs)] == ["refused"]
    assert alerts(outs) == []


def test_story_that_was_retracted_before_the_desk_knew_it_raises_no_alert_until_undone(desk):
    retract = ordered(1, "retract", 0, story_id="a0")
    assert desk.command(retract, WALL_MS) == []
    again = DeskAtWork(DESK, SCORER, TERMS)
    heard(desk, Story("b0").burst(1))
    again.restore(desk.changes())
    story = Story()
    assert alerts(heard(again, story.burst(6))) == []
    undone = again.take_back(ordered(2, "undo", 6, undoes="c1"), retract, WALL_MS)
    assert [answer.outcome for answer in answers(undone)] == ["applied"]
    assert [a.state for a in alerts(heard(again, [story.pickup("t.example", 6.5)]))] == ["opened"]


def test_clock_that_is_ahead_does_not_lengthen_a_mute(desk):
    heard(desk, Story().burst(1))
    ahead = ordered(1, "mute", 365 * 24 * 60, source="loud.example")
    desk.command(ahead, WALL_MS)
    later = Story("c0")
    heard(desk, [later.pickup("x.example", 25 * 60), later.pickup("loud.example", 25 * 60 + 1)])
    assert desk.stories["c0"].pickups.sources == ("x.example", "loud.example")
