import pytest
from newsroom_records import HOUR_MS, alert, demo

from models.breaking.outcome import Outcome
from schemas.alert import Alert
from schemas.editorial import EditorialCommand
from schemas.quality_signal import QualitySignal
from schemas.story import StoryMoment
from serving.console import quality
from serving.console.decisions import gather
from serving.console.words import DAY_MS
from serving.views import Given

BASE = 1_790_000_000_000
GROUPED, (STORY,) = demo(BASE, "marenholm")
NOW = BASE + 8 * HOUR_MS
NOTHING = gather([], NOW)


def told(number: int, days_ago: int = 0, **changes: object) -> Alert:
    made = alert(STORY, GROUPED["marenholm"])
    raised_ms = NOW - days_ago * DAY_MS
    return made.model_copy(update={"alert_id": f"a{number}", "raised_ms": raised_ms} | changes)


def test_alerts_are_counted_by_day_against_the_budget():
    budget = EditorialCommand(
        command_id="b", kind="set_budget", author="ada", issued_ms=NOW, desk="world", value=2.0
    )
    alerts = [told(n) for n in range(3)] + [told(9, days_ago=1), told(10, days_ago=40)]
    (desk,) = quality.desks(alerts, gather([Given(budget)], NOW), {"world": 25.0}, NOW)
    assert [day.alerts for day in desk.days][-2:] == [1, 3]
    assert (desk.total, desk.budget, desk.by_editor, desk.over) == (4, 2.0, True, 1)


def test_until_an_editor_sets_a_budget_that_of_the_desks_file_holds():
    quiet, world = quality.desks([told(1)], NOTHING, {"world": 0.0, "quiet": 3.0}, NOW)
    assert (world.budget, world.by_editor, world.over) == (0.0, False, 1)
    assert (quiet.budget, quiet.total, quiet.over) == (3.0, 0, 0)


def test_a_desk_that_is_in_no_file_has_no_budget():
    (desk,) = quality.desks([told(1)], NOTHING, {}, NOW)
    assert (desk.budget, desk.line, desk.over) == (None, None, 0)


def test_an_editors_budget_for_all_desks_stands_above_the_files():
    given = EditorialCommand(command_id="b", kind="set_budget", author="a", issued_ms=NOW, value=5)
    assert quality.budget("world", gather([Given(given)], NOW), {"world": 25.0}) == 5


def test_precision_is_what_editors_say_and_none_before_they_do():
    assert quality.precision([told(1)], NOTHING) == (None, 1)
    alerts = [told(1, state="confirmed"), told(2, state="confirmed"), told(3, state="dismissed")]
    right, undecided = quality.precision([*alerts, told(4, state="closed")], NOTHING)
    assert (right.hits, right.of, undecided) == (2, 3, 1)
    assert right.low < right.share < right.high


def test_verdict_counts_before_the_job_has_answered():
    confirm = EditorialCommand(
        command_id="c", kind="confirm", author="ada", issued_ms=NOW, alert_id="a1"
    )
    right, _ = quality.precision([told(1)], gather([Given(confirm)], NOW))
    assert right.hits == 1


def test_story_breaks_when_its_kth_independent_source_is_in_time():
    voices = [s for s in quality.sources(STORY) if not s.copy and not s.again]
    assert quality.broke_at(STORY, Outcome(10, 6)) == voices[9].first_seen_ms
    assert quality.broke_at(STORY, Outcome(10, 0.01)) is None
    assert quality.broke_at(STORY, Outcome(500, 6)) is None


def test_reliability_waits_until_a_storys_time_is_up():
    early = STORY.first_seen_ms + 6 * HOUR_MS - 1
    assert quality.reliability([STORY], Outcome(10, 6), early) is None
    assert quality.reliability([STORY], None, NOW) is None
    shown = quality.reliability([STORY], Outcome(10, 6), NOW)
    assert (shown.stories, shown.broke) == (1, 1)


def test_what_breaking_means_is_what_the_newest_alert_says():
    alerts = [
        told(1, days_ago=1, outcome="sources=3,hours=1"),
        told(2, outcome="sources=10,hours=6"),
    ]
    assert quality.newest_outcome(alerts) == Outcome(10, 6)
    assert quality.newest_outcome([told(1, outcome="nonsense")]) is None
    assert quality.newest_outcome([]) is None


def test_score_that_is_right_has_no_calibration_error():
    def story(place: int, broke: bool):
        moment = StoryMoment(at_ms=STORY.first_seen_ms, observed=1, expected=0.1, score=0.25)
        sources = STORY.sources if broke else STORY.sources[:1]
        update = {"story_id": str(place), "history": [moment], "sources": sources}
        return STORY.model_copy(update=update)

    stories = [story(place, place % 4 == 0) for place in range(40)]
    shown = quality.reliability(stories, Outcome(10, 6), NOW)
    assert shown.error == pytest.approx(0)
    assert shown.brier == pytest.approx(0.25 * 0.75)
    assert len(shown.bins) == 1


def test_newest_signal_of_each_subject_is_shown_with_how_often_it_came():
    def signal(subject: str, raised_ms: int) -> QualitySignal:
        return QualitySignal(
            kind="silent_source",
            subject=subject,
            origin="ingest",
            observed=0,
            expected=3,
            detail="",
            raised_ms=raised_ms,
        )

    shown = quality.newest([signal("a", 1), signal("b", 3), signal("a", 2)])
    assert [(s.signal.subject, s.signal.raised_ms, s.times) for s in shown] == [
        ("b", 3, 1),
        ("a", 2, 2),
    ]


def test_share_of_nothing_is_none():
    assert quality.share(0, 0) is None
