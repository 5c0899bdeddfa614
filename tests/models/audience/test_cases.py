"""Moderators' decisions: each once, audited, and never about a text that is gone."""

from itertools import permutations

import pytest

from models.audience.cases import (
    Case,
    Gate,
    address,
    decide,
    gate_bytes,
    gate_from,
    packed,
    queue,
    supersede,
    unpacked,
)
from schemas.editorial import EditorialCommand
from schemas.moderation import ModerationItem


def queued(published_ms=5, **more):
    return ModerationItem(
        comment_id="c1",
        article_id="a1",
        author_key="1.x",
        desk="sport",
        language="en",
        state="queued",
        at_ms=9,
        published_ms=published_ms,
        queued_ms=9,
        text="you fool",
        masked_text="you ••••",
        score=0.8,
        threshold=0.5,
        reasons=["insult"],
        model_versions={},
    ).model_copy(update=more)


def verdict(which="approve", command_id="m1", **more):
    fields = {"comment_id": "c1", "verdict": which} | more
    return EditorialCommand(
        command_id=command_id, kind="moderate", author="ed", issued_ms=10, **fields
    )


def decided(case, command):
    return decide(case, command, job="audience", at_ms=11)


@pytest.mark.parametrize(
    ("which", "state"), [("approve", "approved"), ("remove", "removed"), ("escalate", "escalated")]
)
def test_decision_changes_the_item_and_is_audited(which, state):
    found = decided(queue(Case(), queued()).case, verdict(which, reason="as discussed"))
    assert (found.item.state, found.item.by, found.item.note) == (state, "ed", "as discussed")
    assert (found.audit.outcome, found.audit.subject, found.audit.job) == (
        "applied",
        "comment/c1",
        "audience",
    )
    assert found.audit.detail == f"queued before, {state} now"


def test_command_that_comes_again_is_repeated():
    once = decided(queue(Case(), queued()).case, verdict())
    again = decided(once.case, verdict())
    assert (again.item, again.audit.outcome) == (None, "repeated")


def test_moderator_may_think_better_of_it():
    once = decided(queue(Case(), queued()).case, verdict("remove"))
    assert decided(once.case, verdict("approve", "m2")).item.state == "approved"


@pytest.mark.parametrize(
    ("case", "command", "why"),
    [
        (Case(), verdict(), "in no queue"),
        (Case(item=queued()), verdict(None), "no verdict"),
        (Case(item=queued()), verdict(desk="news"), "queue of desk sport"),
        (Case(item=queued(state="withdrawn")), verdict(), "deleted or edited"),
        (Case(), verdict(comment_id=None), "no comment_id"),
    ],
)
def test_command_that_cannot_be_followed_is_refused_with_the_reason(case, command, why):
    found = decided(case, command)
    assert (found.item, found.audit.outcome) == (None, "refused")
    assert why in found.audit.detail


def test_deletion_takes_the_text_out_of_the_queue():
    found = supersede(queue(Case(), queued()).case, 7, deleted=True, at_ms=8)
    assert (found.item.state, found.item.text, found.item.author_key) == ("withdrawn", "", "")
    assert queue(found.case, queued(9)).item is None


def apply(case, step):
    kind, *values = step
    if kind == "queued":
        return queue(case, queued(values[0]))
    return supersede(case, values[0], deleted=values[1], at_ms=8)


@pytest.mark.parametrize(
    ("steps", "state", "published_ms"),
    [
        ([("queued", 5), ("edited", 6, False), ("queued", 6)], "queued", 6),
        ([("queued", 5), ("edited", 6, False)], "withdrawn", 5),
        ([("queued", 5), ("edited", 6, True)], "withdrawn", 5),
    ],
)
def test_whatever_the_order_the_newest_version_stands(steps, state, published_ms):
    for order in permutations(steps):
        case = Case()
        for step in order:
            case = apply(case, step).case
        found = case.item
        if found is None:  # its deletion, or the edit, came before it was queued
            assert state == "withdrawn"
        else:
            assert (found.state, found.published_ms) == (state, published_ms)


def test_case_survives_its_state():
    case = decided(queue(Case(), queued()).case, verdict()).case
    assert unpacked(packed(case)) == case
    assert unpacked(packed(Case())) == Case()


def undo(undoes="m1", command_id="u1"):
    return EditorialCommand(
        command_id=command_id, kind="undo", author="ed", issued_ms=12, undoes=undoes
    )


def test_last_decision_can_be_taken_back_once():
    once = decided(queue(Case(), queued()).case, verdict("remove"))
    back = decided(once.case, undo())
    assert (back.item.state, back.item.by) == ("queued", None)
    assert (back.audit.outcome, back.audit.subject) == ("applied", "comment/c1")
    assert decided(back.case, undo("m1", "u2")).audit.outcome == "refused"


def test_decision_that_was_decided_anew_cannot_be_taken_back():
    once = decided(queue(Case(), queued()).case, verdict("remove"))
    twice = decided(once.case, verdict("approve", "m2"))
    refused = decided(twice.case, undo("m1"))
    assert (refused.item, refused.audit.outcome) == (None, "refused")
    assert decided(refused.case, undo("m2", "u2")).item.state == "removed"


def test_text_that_was_withdrawn_does_not_come_back():
    once = decided(queue(Case(), queued()).case, verdict("remove"))
    gone = supersede(once.case, 9, deleted=True, at_ms=13).case
    assert decided(gone, undo()).item is None
    assert gone.before is None


def test_undo_goes_where_the_command_went():
    gate, heard = address(Gate(), verdict(), b"m1")
    assert heard == [("c1", b"m1")]
    assert address(gate_from(gate_bytes(gate)), undo(), b"u1")[1] == [("c1", b"u1")]


def test_undo_that_comes_first_waits_for_its_command():
    gate, heard = address(Gate(), undo(), b"u1")
    assert heard == []
    assert address(gate_from(gate_bytes(gate)), verdict(), b"m1")[1] == [
        ("c1", b"m1"),
        ("c1", b"u1"),
    ]
