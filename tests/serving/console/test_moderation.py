from newsroom_records import NOW_HELD as NOW
from newsroom_records import held as item

from schemas.editorial import EditorialCommand
from serving.console import moderation
from serving.console.decisions import gather
from serving.views import Given

NOTHING = gather([], NOW)


def verdict(name: str, comment_id: str = "c1") -> Given:
    return Given(
        EditorialCommand(
            command_id="d",
            kind="moderate",
            author="ada",
            issued_ms=NOW,
            comment_id=comment_id,
            verdict=name,
        )
    )


def test_most_urgent_comment_comes_first():
    queue = moderation.build([item("a", score=0.7), item("b", score=0.9)], NOTHING)
    assert [entry.item.comment_id for entry in queue.waiting] == ["b", "a"]


def test_decision_moves_a_comment_before_the_job_has_answered():
    queue = moderation.build([item()], gather([verdict("remove")], NOW))
    assert queue.waiting == ()
    (entry,) = queue.decided
    assert (entry.state, entry.by, entry.sent) == ("removed", "ada", True)
    escalated = moderation.build([item()], gather([verdict("escalate")], NOW)).escalated
    assert escalated[0].waiting


def test_filters_keep_desk_and_language_and_withdrawn_ones_are_gone():
    items = [item("a"), item("b", desk="sport"), item("c", language="de")]
    items.append(item("d", state="withdrawn"))
    assert len(moderation.build(items, NOTHING).waiting) == 3
    assert [e.item.comment_id for e in moderation.build(items, NOTHING, "sport").waiting] == ["b"]
    assert [e.item.comment_id for e in moderation.build(items, NOTHING, None, "de").waiting] == [
        "c"
    ]


def test_toxic_parts_are_told_from_the_rest():
    assert [(p.text, p.toxic) for p in moderation.entry(item(), None).parts] == [
        ("you utter ", False),
        ("muppet", True),
    ]


def test_span_outside_the_text_is_not_followed():
    assert "".join(p.text for p in moderation.parts("short", [(2, 3), (1, 2), (4, 99)])) == "short"
