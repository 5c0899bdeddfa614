"""A desk at work: when it alerts, what editors change, and that its state is whole."""

from dataclasses import replace

import pytest

from models.breaking import scorer
from models.breaking.commands import Addressed, Place, Seen, accept, check, gate_key, subject
from models.breaking.commands import from_bytes as command_from_bytes
from models.breaking.commands import to_bytes as command_to_bytes
from models.breaking.desk import DeskAtWork
from models.breaking.desks import Desk
from models.breaking.outcome import Outcome
from models.breaking.outs import Burst, Scored, Window
from models.breaking.readership import Demand
from models.breaking.watched import LIVE
from models.breaking.watching import Terms
from models.packing import pack, unpack
from models.stories import telling
from models.stories.cluster import WIDTH
from models.stories.neighbourhood import News
from models.stories.received import Name, Received
from models.stories.telling import Telling
from schemas.alert import Alert
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import CommandRefused
from schemas.quality_signal import QualitySignal

MINUTE_MS = 60_000
START_MS = 1_790_000_000_000 // 86_400_000 * 86_400_000
DESK = Desk("world", Outcome(10, 2.0), alerts_per_day=12.0, least_sources=3)
SCORER = scorer.read()
BUSY = replace(DESK, alerts_per_day=60.0)
FLOCK = replace(DESK, reader_outcome=Outcome(350, 2.0))
WALL_MS = 7
TERMS = Terms(model_versions={"scorer": "s", "calibrator": "c"})


@pytest.fixture
def desk() -> DeskAtWork:
    return DeskAtWork(DESK, SCORER, TERMS)


class Story:
    """Pick-ups of one story as its neighbourhood tells them."""

    def __init__(self, story_id: str = "a0", entity: str = "Harbour") -> None:
        self.story_id = story_id
        self._entity = entity
        self._telling = Telling()

    def pickup(self, source: str, minute: float, *, arrived: float | None = None) -> News:
        at_ms = START_MS + round(minute * MINUTE_MS)
        arrived_ms = at_ms if arrived is None else START_MS + round(arrived * MINUTE_MS)
        article = Received(
            article_id=f"{self.story_id}-{source}",
            title=f"{self._entity} news",
            source=source,
            owner=None,
            url=f"https://{source}/",
            language="en",
            at_ms=at_ms,
            published_ms=at_ms,
            arrived_ms=arrived_ms,
            counts=True,
            content_hash=source,
            summary=None,
            names=(Name(self._entity, "place", None),),
            concepts=(),
            embedding=b"",
        )
        centre = telling.unit_vector(b"", WIDTH)
        self._telling.add(article, centre, is_copy=False)
        content = telling.to_bytes(self._telling.content(centre))
        return News(
            "pickup", self.story_id, arrived_ms, content, self._telling.first_ms, source, at_ms
        )

    def burst(self, count: int, start: float = 0.0, step: float = 1.0) -> list[News]:
        return [self.pickup(f"s{n}.example", start + n * step) for n in range(count)]


def heard(desk: DeskAtWork, news) -> list:
    return [out for one in news for out in desk.hear(one, WALL_MS)]


def alerts(outs) -> list[Alert]:
    return [out for out in outs if isinstance(out, Alert)]


def answers(outs) -> list[AuditEntry]:
    return [out for out in outs if isinstance(out, AuditEntry)]


def ordered(number: int, kind: str, minute: float = 0.0, **fields) -> EditorialCommand:
    issued_ms = START_MS + round(minute * MINUTE_MS)
    return EditorialCommand(
        command_id=f"c{number}", kind=kind, author="ada", issued_ms=issued_ms, **fields
    )


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


def test_merged_story_keeps_the_alert_under_its_id(desk):
    first, second = Story("a0"), Story("b0")
    (opened,) = alerts(heard(desk, second.burst(5)))
    heard(desk, [first.pickup("x.example", 5)])
    merged = first.pickup("x.example", 5)._replace(kind="merged", other="b0", source="")
    heard(desk, [merged])
    assert desk.live() == ["a0"]
    assert desk.stories["a0"].alert_id == opened.alert_id
    assert len(desk.stories["a0"].pickups.times_ms) == 6
    more = [first.pickup(f"y{n}", 6 + n / 2) for n in range(12)]
    assert [(a.state, a.story_id, a.sequence) for a in alerts(heard(desk, more))] == [
        ("escalated", "a0", 2)
    ]


def merged_into(desk: DeskAtWork, kept: Story, gone: str, minute: float) -> list:
    """Another story becomes part of this one, which has as many sources as it had."""
    news = kept.pickup("s0.example", minute)
    return desk.hear(news._replace(kind="merged", other=gone, source=""), WALL_MS)


def test_score_of_an_editor_holds_for_the_story_that_its_story_becomes_part_of(desk):
    kept, gone = Story("a0"), Story("b0")
    heard(desk, [kept.pickup("s0.example", 0), gone.pickup("s1.example", 0)])
    until_ms = START_MS + 60 * MINUTE_MS
    order = ordered(1, "override_score", 1, story_id="b0", value=0.99, until_ms=until_ms)
    (opened,) = alerts(desk.command(order, WALL_MS))
    assert alerts(merged_into(desk, kept, "b0", 2)) == []
    assert desk.stories["a0"].alert_id == opened.alert_id
    assert desk.stories["a0"].score.value == 0.99
    undone = desk.take_back(ordered(2, "undo", 3, undoes="c1"), order, WALL_MS)
    assert [answer.outcome for answer in answers(undone)] == ["applied"]
    assert desk.stories["a0"].score.value < 0.99


def test_score_that_was_set_for_a_story_outlives_that_of_one_that_joins_it(desk):
    kept, gone = Story("a0"), Story("b0")
    heard(desk, [kept.pickup("s0.example", 0), gone.pickup("s1.example", 0)])
    for number, (story, value) in enumerate({"a0": 0.0, "b0": 0.99}.items()):
        desk.command(ordered(number, "override_score", 1, story_id=story, value=value), WALL_MS)
    merged_into(desk, kept, "b0", 2)
    assert desk.stories["a0"].score.value == 0.0


def test_mute_of_a_story_holds_for_the_story_that_it_becomes_part_of(desk):
    kept, gone = Story("a0"), Story("b0")
    heard(desk, [kept.pickup("s0.example", 0), gone.pickup("s1.example", 0)])
    desk.command(ordered(1, "mute", 0, story_id="b0"), WALL_MS)
    merged_into(desk, kept, "b0", 1)
    assert alerts(heard(desk, [kept.pickup(f"t{n}", 2 + n / 2) for n in range(8)])) == []


def test_story_that_an_editor_dismissed_stays_so_in_another(desk):
    kept, gone = Story("a0"), Story("b0")
    (opened,) = alerts(heard(desk, gone.burst(5)))
    desk.command(ordered(1, "dismiss", 5, alert_id=opened.alert_id), WALL_MS)
    heard(desk, [kept.pickup("s0.example", 5)])
    assert alerts(merged_into(desk, kept, "b0", 6)) == []
    assert alerts(heard(desk, [kept.pickup(f"t{n}", 6 + n / 2) for n in range(10)])) == []


def test_alert_ends_where_its_story_becomes_part_of_one_that_was_dismissed(desk):
    kept, gone = Story("a0"), Story("b0")
    (opened,) = alerts(heard(desk, kept.burst(5)))
    desk.command(ordered(1, "dismiss", 5, alert_id=opened.alert_id), WALL_MS)
    heard(desk, gone.burst(5, start=6))
    (closed,) = alerts(merged_into(desk, kept, "b0", 12))
    assert (closed.state, closed.story_id) == ("closed", "b0")
    assert closed.note == "part of a story that was dismissed"
    assert desk.live() == []


def test_parted_story_keeps_its_own_sources(desk):
    story = Story()
    heard(desk, story.burst(4))
    voices = {"s0.example": START_MS, "s1.example": START_MS}
    news = story.pickup("s0.example", 4)._replace(kind="parted", other="a0", voices=voices)
    heard(desk, [news])
    assert desk.stories["a0"].pickups.sources == ("s0.example", "s1.example")


def test_window_is_judged_against_what_was_expected(desk):
    heard(desk, Story().burst(4))
    (burst,) = desk.judge(Window("story", "a0", 5, START_MS + 5 * MINUTE_MS, 4))
    assert isinstance(burst, Burst)
    assert burst.burst.observed == 4
    assert burst.burst.tail_log10 < -2
    assert desk.judge(Window("story", "unknown", 5, START_MS, 4)) == []


def test_entity_with_a_burst_is_shown(desk):
    desk.judge(Window("entity", "harbour", 60, START_MS, 2))
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
            desk.judge(Window("entity", "cape", 60, START_MS, 2))
        for name, piece in unpack(pack(desk.changes())).items():
            kept.pop(name, None)
            if piece is not None:
                kept[name] = piece
    pytest.fail("the flow is too short")


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


def test_hasty_scorer_alerts_earlier_and_shows_what_it_asked_for(desk):
    hasty = DeskAtWork(DESK, replace(SCORER, haste=1.0), TERMS)
    (late,), (early,) = (
        [a for a in alerts(heard(each, Story().burst(9))) if a.state == "opened"]
        for each in (desk, hasty)
    )
    assert early.independent_sources < late.independent_sources
    assert early.threshold <= early.score < late.threshold


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


# ── the gate of commands ────────────────────────────────────────────────────────────────────────


def flocking(story_id: str = "a0", *, lag_ms: int = 1000) -> list[Demand]:
    """Seven minutes of readers, a window every twenty seconds: more and more come to a story.

    lag_ms  between the end of a window and its being told
    """
    found = []
    for n, readers in enumerate([1, 1, 2, 3, 5, 8, 10, *[14] * 14]):
        begin_ms = START_MS + n * 20_000
        end_ms = begin_ms + 20_000
        by_story = {story_id: readers, "unknown": 40}
        found.append(Demand(begin_ms, end_ms, end_ms + lag_ms, readers + 40, by_story))
    return found


def read(desk: DeskAtWork, windows) -> list:
    return [out for one in windows for out in desk.hear_readers(one, WALL_MS)]


def test_alert_shows_readers_beside_those_that_were_expected(desk):
    story = Story()
    heard(desk, [story.pickup("s0.example", 0)])
    assert read(desk, flocking()) == []  # shown, no more
    (opened,) = alerts(heard(desk, [story.pickup(f"s{n}.example", 7 + n) for n in range(1, 6)]))
    assert (opened.readers.minutes, opened.readers.observed, opened.readers.total) == (15, 226, 226)
    assert 0 < opened.readers.expected < 30
    assert opened.readers.tail_log10 < -2
    assert opened.readers.end_ms == flocking()[-1].end_ms
    assert (opened.readers.score, opened.readers.outcome) == (None, None)


def test_alert_says_nothing_of_readers_that_nobody_told_of(desk):
    story = Story()
    read(desk, flocking("unknown here"))
    (opened,) = alerts(heard(desk, story.burst(6)))
    assert opened.readers is None


def test_readers_of_long_ago_are_not_shown(desk):
    story = Story()
    heard(desk, [story.pickup("s0.example", 0)])
    read(desk, flocking())
    late = [story.pickup(f"s{n}.example", 30 + n / 2) for n in range(1, 8)]
    told = alerts(heard(desk, late))
    assert told
    assert {alert.readers for alert in told} == {None}


@pytest.fixture
def flocked() -> DeskAtWork:
    """A desk that is alerted by readers, and a story that one source has."""
    desk = DeskAtWork(FLOCK, SCORER, TERMS)
    heard(desk, [Story().pickup("s0.example", 0)])
    return desk


def test_readers_alone_raise_an_alert_where_the_desk_wants_it(flocked):
    (opened,) = alerts(read(flocked, flocking()))
    assert (opened.state, opened.independent_sources) == ("opened", 1)
    assert opened.score >= opened.threshold
    assert opened.unadjusted_score == opened.score == opened.readers.score
    assert opened.outcome == opened.readers.outcome == "readers=350,hours=2"
    assert opened.readers.total < 0.6 * 350
    assert "readers" in opened.reasons[0]
    assert not any("source" in reason for reason in opened.reasons)


def test_readers_that_stop_coming_close_the_alert(flocked):
    read(flocked, flocking())
    empty = [
        Demand(at_ms - 20_000, at_ms, at_ms, 40, {"unknown": 40})
        for at_ms in range(START_MS + 460_000, START_MS + 110 * MINUTE_MS, 20_000)
    ]
    for window in empty:
        flocked.hear_readers(window, WALL_MS)
    later = [out for m in range(8, 112) for out in flocked.tick(START_MS + m * MINUTE_MS, WALL_MS)]
    assert [alert.state for alert in alerts(later)] == ["closed"]


@pytest.mark.parametrize(
    "order",
    [
        ordered(1, "mute", desk="world", story_id="a0"),
        ordered(1, "override_score", story_id="a0", value=0.0),
        ordered(1, "set_budget", desk="world", value=0.0),
        ordered(1, "retract", story_id="a0"),
    ],
)
def test_what_editors_say_holds_for_readers(flocked, order):
    flocked.command(order, WALL_MS)
    assert alerts(read(flocked, flocking())) == []


def test_demand_that_took_hours_to_be_told_opens_no_alert(flocked):
    assert alerts(read(flocked, flocking(lag_ms=3 * 3_600_000))) == []


def test_story_that_broke_by_its_sources_is_no_news_by_its_readers():
    desk = DeskAtWork(FLOCK, SCORER, replace(TERMS, stale_ms=-1))
    heard(desk, Story().burst(12, step=0.1))  # stale, so that it raises no alert itself
    assert alerts(read(desk, flocking(lag_ms=-2))) == []


def test_merged_story_has_the_readers_of_both(flocked):
    other = Story("b0")
    heard(flocked, [other.pickup("t0.example", 1)])
    read(flocked, flocking("b0")[:6])
    merged = other.pickup("t0.example", 1)._replace(kind="merged", story_id="a0", other="b0")
    flocked.hear(merged, WALL_MS)
    (opened,) = alerts(read(flocked, flocking()[6:]))
    assert opened.story_id == "a0"
    assert opened.readers.total > 20


def let_through(past: Seen, order: EditorialCommand):
    return accept(past, order, desks=["world", "sport"], slots=3, at_ms=WALL_MS)


def test_command_passes_once():
    order = ordered(1, "mute", entity="Q64")
    first = let_through(Seen(), order)
    assert [(a.place, a.key) for a in first.addressed] == [
        (Place.DESK, "sport"),
        (Place.DESK, "world"),
    ]
    again = let_through(first.seen, order)
    assert again.addressed == []
    assert [answer.outcome for answer in again.answers] == ["repeated"]


def test_undo_waits_at_the_gate_of_its_command():
    order, undo = ordered(1, "pin", story_id="a"), ordered(2, "undo", undoes="c1")
    assert gate_key(undo) == gate_key(order)
    first = let_through(Seen(), order)
    second = let_through(first.seen, undo)
    assert second.addressed == [Addressed(Place.TELLING, "a", order, undo)]
    assert let_through(second.seen, undo).answers[0].outcome == "repeated"
    assert let_through(second.seen, ordered(3, "undo", undoes="c1")).answers[0].outcome == "refused"
    assert let_through(Seen(), undo).answers[0].outcome == "refused"


def test_commands_for_other_jobs_are_left_to_them():
    order = ordered(1, "moderate", comment_id="k", verdict="remove")
    first = let_through(Seen(), order)
    assert (first.addressed, first.answers) == ([], [])
    undone = let_through(first.seen, ordered(2, "undo", undoes="c1"))
    assert (undone.addressed, undone.answers) == ([], [])


def test_merge_reaches_every_slot():
    order = ordered(1, "merge", story_id="a", other_story_id="b")
    keys = [a.key for a in let_through(Seen(), order).addressed if a.place is Place.STORIES]
    assert keys == ["0", "1", "2"]


@pytest.mark.parametrize(
    "order",
    [
        ordered(1, "mute"),
        ordered(1, "confirm"),
        ordered(1, "pin"),
        ordered(1, "split", story_id="a"),
        ordered(1, "merge", story_id="a"),
        ordered(1, "set_budget"),
        ordered(1, "set_budget", value=-1.0),
        ordered(1, "override_score", story_id="a", value=1.5),
        ordered(1, "mute", desk="nobody"),
    ],
)
def test_command_that_says_too_little_is_refused(order):
    with pytest.raises(CommandRefused):
        check(order, ["world"])
    assert let_through(Seen(), order).answers[0].outcome == "refused"


def test_addressed_command_survives_the_stream():
    order, undo = ordered(1, "pin", story_id="a"), ordered(2, "undo", undoes="c1")
    for sent in (Addressed(Place.DESK, "world", order), Addressed(Place.DESK, "w", order, undo)):
        assert command_from_bytes(command_to_bytes(sent)) == sent


def test_subject_names_what_a_command_is_about():
    assert subject(ordered(1, "mute", source="s.example")) == "source/s.example"
    assert subject(ordered(1, "undo", undoes="c9")) == "command/c9"
    assert subject(ordered(1, "set_budget", value=1.0)) == "desk/*"


def test_live_states_are_states_of_alerts():
    assert set(LIVE) < set(Alert.model_fields["state"].annotation.__args__)
