from itertools import pairwise

from newsroom_records import alert, demo

from schemas.alert import AlertReaders
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.quality_signal import QualitySignal
from serving.console import evidence
from serving.console.decisions import gather
from serving.views import Given

BASE = 1_790_000_000_000
NOW = BASE + 3 * 3_600_000
GROUPED, (STORY,) = demo(BASE, "marenholm")
OPENED = alert(STORY, GROUPED["marenholm"])
ESCALATED = alert(STORY, GROUPED["marenholm"], "escalated", 2)


def detail(commands: list[Given] = (), alerts=(ESCALATED,), signals=()) -> evidence.Detail:
    states = {OPENED.alert_id: [OPENED, ESCALATED]}
    decided = gather(commands, NOW)
    return evidence.build(STORY, alerts, states, decided, [], signals, None, None, False, NOW)


def given(kind: str, outcome: str | None = None, **fields: object) -> Given:
    command = EditorialCommand(
        command_id="c", kind=kind, author="ada", issued_ms=NOW, story_id=STORY.story_id, **fields
    )
    if outcome is None:
        return Given(command)
    entry = AuditEntry(
        command_id="c",
        kind=kind,
        author="ada",
        issued_ms=NOW,
        applied_ms=NOW + 1,
        job="breaking",
        subject="s",
        outcome=outcome,
        detail="no such alert",
    )
    return Given(command, [entry])


def test_copies_and_second_mastheads_of_an_owner_do_not_count():
    shown = evidence.sources(STORY)
    counted = [source for source in shown if not source.copy and not source.again]
    assert len(counted) == STORY.independent_sources
    again = next(source for source in shown if source.again)
    assert again.owner in {source.owner for source in counted}
    assert shown[0].after_ms == 0
    assert all(one.after_ms <= two.after_ms for one, two in pairwise(shown))


def test_what_carries_a_story_is_told_in_words():
    one = detail().story
    fast = one.model_copy(
        update={"independent_sources": 4, "copies": 1, "last_seen_ms": one.first_seen_ms + 720_000}
    )
    assert evidence.carried(fast) == (
        "4 independent sources carry it, the newest article 12 min after the first. "
        "1 copy did not count."
    )
    alone = one.model_copy(update={"independent_sources": 1, "copies": 0})
    assert evidence.carried(alone) == "One source carries it so far."


def test_windows_tell_the_odds_in_words():
    assert [window.minutes for window in evidence.windows(STORY, OPENED)] == [5, 15, 60]
    assert evidence.windows(STORY, OPENED)[-1].odds == "less than 1 in a billion"


def test_readers_are_shown_beside_those_that_were_expected():
    seen = AlertReaders(
        minutes=15, end_ms=NOW, observed=412, expected=60.0, tail_log10=-4.3, total=480
    )
    shown = detail(alerts=[ESCALATED.model_copy(update={"readers": seen})]).readers
    assert (shown.observed, shown.expected, shown.total) == (412, 60.0, 480)
    assert shown.odds == "1 in 20,000"
    assert detail().readers is None


def test_alert_that_readers_raised_says_what_its_score_means():
    by_readers = ESCALATED.model_copy(update={"outcome": "readers=350,hours=2"})
    note = detail(alerts=[by_readers]).calibration
    assert (note.outcome.sources, note.outcome.hours, note.who) == (350, 2, "readers")
    assert detail().calibration.who == "independent sources"


def test_log_tells_states_and_commands_without_saying_one_thing_twice():
    log = [event.what for event in detail([given("confirm", "applied", alert_id="x")]).events]
    assert log == ["Alert escalated", "Alert opened", "First article"]
    pending = detail([given("confirm", alert_id=OPENED.alert_id)]).events[0]
    assert (pending.what, pending.by, pending.pending) == ("Confirm", "ada", True)
    refused = detail([given("merge", "refused", other_story_id="s2")]).events[0]
    assert (refused.what, refused.note) == ("Merged, refused", "no such alert")


def test_states_of_the_alert_are_marked_in_the_course():
    assert {mark.label for mark in detail().timeline.marks} == {"Alert opened", "Alert escalated"}


def test_calibration_note_says_what_the_score_means_and_who_doubts_it():
    doubt = QualitySignal(
        kind="calibration_drift",
        subject="world",
        origin="breaking",
        observed=0.3,
        expected=0.05,
        detail="Scores at world run high.",
        raised_ms=NOW,
    )
    other = doubt.model_copy(update={"kind": "silent_source"})
    note = detail(signals=[doubt, other]).calibration
    assert (note.outcome.sources, note.outcome.hours) == (10, 6)
    assert note.doubts == (doubt,)
    assert note.desk == "world"


def test_newer_score_of_the_story_counts_over_that_of_the_alert():
    later = STORY.scores[0].model_copy(update={"score": 0.3, "low": 0.2, "high": 0.4})
    assert detail().score == STORY.scores[0]
    old = later.model_copy(update={"at_ms": OPENED.at_ms - 1})
    story = STORY.model_copy(update={"scores": [old]})
    shown = evidence.build(story, [OPENED], {}, gather([], NOW), [], [], None, None, False, NOW)
    assert shown.score.score == OPENED.score


def test_story_without_alert_or_score_shows_what_there_is():
    bare = STORY.model_copy(update={"scores": [], "history": [], "bursts": []})
    shown = evidence.build(bare, [], {}, gather([], NOW), [], [], None, None, False, NOW)
    assert (shown.score, shown.timeline, shown.calibration, shown.windows) == (None, None, None, ())
    assert [event.what for event in shown.events] == ["First article"]
