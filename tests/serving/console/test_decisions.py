from schemas.editorial import AuditEntry, EditorialCommand
from serving.console.decisions import (
    UNDO_MS,
    gather,
    last_to_undo,
    mute_on,
)
from serving.views import Given

NOW = 1_790_000_000_000


def given(kind: str, command_id: str = "c1", outcome: str | None = None, **fields: object) -> Given:
    command = EditorialCommand(
        **{"author": "ada", "issued_ms": NOW, "kind": kind, "command_id": command_id} | fields
    )
    answers = []
    if outcome:
        answers = [
            AuditEntry(
                command_id=command_id,
                kind=kind,
                author="ada",
                issued_ms=NOW,
                applied_ms=NOW + 300,
                job="breaking",
                subject="alert/a1",
                outcome=outcome,
                detail="because",
            )
        ]
    return Given(command, answers)


def undone(by: str, what: Given) -> Given:
    what.undone_by = by
    return what


def test_newest_verdict_counts_and_a_refused_one_does_not():
    decided = gather(
        [
            given("confirm", "c1", alert_id="a1"),
            given("dismiss", "c2", alert_id="a1", reason="no"),
            given("confirm", "c3", "refused", alert_id="a1"),
        ],
        NOW,
    )
    assert decided.verdicts["a1"].command.command_id == "c2"
    assert [decision.outcome for decision in decided.all] == ["pending", "pending", "refused"]


def test_verdict_that_was_taken_back_reopens_its_alert():
    decided = gather(
        [undone("u", given("confirm", alert_id="a1")), given("undo", "u", undoes="c1")], NOW
    )
    assert decided.verdicts == {}
    assert decided.reopened == {"a1"}


def test_undo_that_a_job_refused_leaves_the_decision_standing():
    decided = gather(
        [
            undone("u", given("confirm", "c1", "applied", alert_id="a1")),
            given("undo", "u", "refused", undoes="c1"),
        ],
        NOW,
    )
    assert decided.verdicts["a1"].outcome == "applied"
    assert decided.reopened == frozenset()


def test_mute_ends_by_itself_and_by_unmute():
    running = given("mute", "c1", source="loud.example", until_ms=NOW + 1)
    over = given("mute", "c2", entity="Q64", until_ms=NOW)
    ended = [given("mute", "c3", story_id="s1"), given("unmute", "c4", story_id="s1")]
    assert [mute.name for mute in gather([running, over, *ended], NOW).mutes] == ["loud.example"]


def test_source_mutes_a_story_only_when_it_is_its_only_source():
    mutes = gather([given("mute", source="loud.example")], NOW).mutes
    assert mute_on(mutes, story_id="s", sources={"loud.example"}) is not None
    assert mute_on(mutes, story_id="s", sources={"loud.example", "other.example"}) is None


def test_pin_override_and_budget_hold_until_they_end():
    decided = gather(
        [
            given("pin", "c1", story_id="s1", until_ms=NOW + 1),
            given("pin", "c2", story_id="s2", until_ms=NOW + 1),
            given("unpin", "c3", story_id="s2"),
            given("override_score", "c4", story_id="s1", desk="world", value=0.9),
            given("clear_override", "c5", story_id="s1", desk="world"),
            given("set_budget", "c6", desk="world", value=8.0),
            given("set_budget", "c7", desk="world", value=5.0),
        ],
        NOW,
    )
    assert decided.pins == {"s1": NOW + 1}
    assert decided.overrides == {}
    assert decided.budgets == {"world": 5.0}


def test_merge_shows_only_until_a_job_has_answered():
    merge = {"story_id": "s1", "other_story_id": "s2"}
    assert gather([given("merge", **merge)], NOW).merging == {"s2": "s1"}
    assert gather([given("merge", outcome="applied", **merge)], NOW).merging == {}


def test_only_the_author_can_undo_and_only_for_a_minute():
    decided = gather([given("confirm", alert_id="a1")], NOW)
    assert last_to_undo(decided, "ada", NOW + UNDO_MS - 1) is not None
    assert last_to_undo(decided, "ada", NOW + UNDO_MS) is None
    assert last_to_undo(decided, "bob", NOW) is None


def test_answer_seen_before_its_command_is_no_decision():
    assert (
        gather([Given(None, given("pin", outcome="applied", story_id="s").answers)], NOW).all == ()
    )
