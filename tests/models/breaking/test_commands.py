"""The gate of commands: each passes once, to those whom it concerns, or is refused."""

import pytest
from newsdesk import WALL_MS, ordered

from models.breaking.commands import Addressed, Place, Seen, accept, check, gate_key, subject
from models.breaking.commands import from_bytes as command_from_bytes
from models.breaking.commands import to_bytes as command_to_bytes
from schemas.editorial import EditorialCommand
from schemas.errors import CommandRefused


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


def test_undo_that_came_before_its_command_does_not_use_it_up():
    order, undo = ordered(1, "pin", story_id="a"), ordered(2, "undo", undoes="c1")
    early = let_through(Seen(), undo)
    assert early.answers[0].outcome == "refused"
    first = let_through(early.seen, order)
    for again in (undo, ordered(3, "undo", undoes="c1")):
        second = let_through(first.seen, again)
        assert second.addressed == [Addressed(Place.TELLING, "a", order, again)]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (ordered(1, "mute", desk="nobody"), "no desk 'nobody'"),
        (ordered(1, "pin"), "pin needs story_id"),
        (ordered(1, "confirm", alert_id="nobody.0"), "alert nobody.0 is not known"),
    ],
)
def test_undo_of_what_was_refused_is_refused_with_the_reason(order, reason):
    refused = let_through(Seen(), order)
    undone = let_through(refused.seen, ordered(2, "undo", undoes="c1"))
    assert undone.addressed == []
    assert [answer.outcome for answer in undone.answers] == ["refused"]
    assert reason in undone.answers[0].detail


def test_undo_cannot_be_taken_back():
    answer = let_through(Seen(), ordered(3, "undo", undoes="c2")).answers[0]
    assert answer.outcome == "refused"
    assert "it is an undo" in answer.detail


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
