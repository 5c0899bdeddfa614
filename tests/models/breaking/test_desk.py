"""A desk at work: when it alerts, what its alerts show, and that its state is whole."""

from dataclasses import replace

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
    heard,
    ordered,
)

from models.breaking.desk import DeskAtWork
from models.breaking.outs import Burst, Scored, Windows
from models.breaking.watched import LIVE
from models.packing import pack, unpack
from schemas.alert import Alert


def test_fast_story_alerts_once_and_escalates_once(desk):
    told = alerts(heard(desk, Story().burst(30)))
    assert [alert.state for alert in told] == ["opened", "escalated"]
    assert [alert.sequence for alert in told] == [1, 2]
    assert len({alert.alert_id for alert in told}) == 1
    assert told[0].independent_sources < 9
    assert told[0].score >= told[0].threshold
    assert told[1].independent_sources >= 2 * told[0].independent_sources
    assert told[0].raised_ms == WALL_MS


def test_slow_story_raises_none(desk):
    assert alerts(heard(desk, Story().burst(12, step=45))) == []


def test_no_alert_below_the_least_sources(desk):
    assert heard(desk, Story().burst(2, step=0.1)) == []


def test_news_that_took_hours_to_come_opens_no_alert(desk):
    story = Story()
    old = [story.pickup(f"s{n}", n, arrived=300 + n / 10) for n in range(8)]
    assert alerts(heard(desk, old)) == []


def test_source_that_repeats_itself_counts_once(desk):
    story = Story()
    again = [story.pickup("ticker.example", n) for n in range(30)]
    assert alerts(heard(desk, again)) == []


def test_alert_closes_when_the_story_stops(desk):
    opened = alerts(heard(desk, Story().burst(6)))
    assert [alert.state for alert in opened] == ["opened"]
    later = [out for m in range(7, 180) for out in desk.tick(START_MS + m * MINUTE_MS, WALL_MS)]
    (closed,) = alerts(later)
    assert closed.state == "closed"
    assert closed.sequence == 2
    assert "fell to" in str(closed.note)
    assert desk.live() == []


def test_score_is_told_with_its_interval(desk):
    scored = [out for out in heard(desk, Story().burst(5)) if isinstance(out, Scored)]
    assert {out.story_id for out in scored} == {"a0"}
    assert all(out.score.low <= out.score.score <= out.score.high for out in scored)


def test_story_that_has_broken_has_score_one(desk):
    outs = heard(desk, Story().burst(11))
    assert [out for out in outs if isinstance(out, Scored)][-1].score.score == 1.0


def test_window_is_judged_against_what_was_expected(desk):
    heard(desk, Story().burst(4))
    (burst,) = desk.judge(Windows("story", 5, START_MS + 5 * MINUTE_MS, ["a0"], [4]))
    assert isinstance(burst, Burst)
    assert burst.burst.observed == 4
    assert burst.burst.tail_log10 < -2
    assert desk.judge(Windows("story", 5, START_MS, ["unknown"], [4])) == []


def test_entity_with_a_burst_is_shown(desk):
    desk.judge(Windows("entity", 60, START_MS, ["harbour"], [2]))
    told = alerts(heard(desk, Story().burst(6)))
    assert told[0].entities[0].name == "Harbour"
    assert told[0].entities[0].observed > told[0].entities[0].expected


def test_alert_shows_who_is_followed_and_who_is_central(desk):
    heard(desk, Story("z0", "Elsewhere").burst(12))
    told = alerts(heard(desk, Story().burst(6, start=200)))
    (opened,) = [alert for alert in told if alert.state == "opened"]
    assert opened.sources[0].authority > opened.sources[-1].authority > 0
    harbour = opened.entities[0]
    assert harbour.name == "Harbour"
    assert (harbour.centrality, harbour.centrality_before) == (pytest.approx(1.0), 0.0)


def test_state_restores_exactly_in_the_middle(desk):
    story, other = Story(), Story("b0", "Cape")
    flow = [
        *story.burst(7),
        *other.burst(3, start=7, step=3),
        *(story.pickup(f"t{n}", 20 + n) for n in range(40)),
        *other.burst(9, start=190, step=2),
    ]
    kept: dict = {}
    for number, news in enumerate(flow):
        if number == 10:
            again = DeskAtWork(DESK, SCORER, TERMS)
            again.restore(kept)
            rest = [desk.hear(one, WALL_MS) for one in flow[10:]]
            assert [again.hear(one, WALL_MS) for one in flow[10:]] == rest
            assert any(alerts(outs) for outs in rest)
            return
        desk.hear(news, WALL_MS)
        if number == 6:
            (opened,) = [s.alert_id for s in desk.stories.values() if s.alert_id]
            desk.command(ordered(3, "confirm", alert_id=opened), WALL_MS)
            desk.command(ordered(1, "set_budget", value=9.0), WALL_MS)
            desk.command(ordered(2, "mute", source="loud.example"), WALL_MS)
            desk.judge(Windows("entity", 60, START_MS, ["cape"], [2]))
        for name, piece in unpack(pack(desk.changes())).items():
            kept.pop(name, None)
            if piece is not None:
                kept[name] = piece
    pytest.fail("the flow is too short")


def test_hasty_scorer_alerts_earlier_and_shows_what_it_asked_for(desk):
    hasty = DeskAtWork(DESK, replace(SCORER, haste=1.0), TERMS)
    (late,), (early,) = (
        [a for a in alerts(heard(each, Story().burst(9))) if a.state == "opened"]
        for each in (desk, hasty)
    )
    assert early.independent_sources < late.independent_sources
    assert early.threshold <= early.score < late.threshold


def test_live_states_are_states_of_alerts():
    assert set(LIVE) < set(Alert.model_fields["state"].annotation.__args__)
