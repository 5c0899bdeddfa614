"""What the topics say now: bounded, in order, whatever comes twice."""

import pytest
from server_parts import NOW_MS, alert, answer, article, command, placed, story

from schemas.record import Record
from serving.views import Limits, Wall


@pytest.fixture
def wall():
    return Wall(Limits(alerts=3, stories=3, articles=3))


def test_states_of_an_alert_stand_in_sequence_however_they_come(wall):
    assert wall.apply(alert(sequence=2, state="escalated"))
    assert wall.apply(alert(sequence=1))
    assert not wall.apply(alert(sequence=1))
    assert [state.sequence for state in wall.alerts["a1"]] == [1, 2]
    assert wall.alert("a1").state == "escalated"


def test_an_ended_alert_is_not_open(wall):
    wall.apply(alert())
    wall.apply(alert("a2", story_id="s2"))
    wall.apply(alert(sequence=2, state="dismissed"))
    assert [a.alert_id for a in wall.open_alerts()] == ["a2"]


def test_memory_is_bounded_and_what_changed_last_stays(wall):
    forgotten = []
    wall.forget = forgotten.append
    for n in range(5):
        wall.apply(alert(f"a{n}"))
        wall.apply(story(f"s{n}"))
        wall.apply(article(f"art{n}"))
        wall.apply(placed(f"art{n}", f"s{n}"))
    assert list(wall.alerts) == ["a2", "a3", "a4"]
    assert list(wall.stories) == ["s2", "s3", "s4"]
    assert forgotten == ["art0", "art1"]
    assert list(wall.members) == ["s2", "s3", "s4"]
    assert len(wall.articles) == 3


def test_an_older_version_of_an_article_replaces_nothing(wall):
    assert wall.apply(article(title="new"))
    assert not wall.apply(article(title="old", published_ms=NOW_MS - 1))
    assert wall.articles.get("art1").title == "new"


def test_an_article_comes_back_whole_but_for_its_vector(wall):
    wall.apply(article())
    assert wall.articles.get("art1") == article(embedding=None)


def test_a_moved_article_leaves_its_former_story(wall):
    wall.apply(placed("art1", "s1"))
    wall.apply(placed("art1", "s2", previous_story_id="s1"))
    assert wall.members_of("s1") == []
    assert [m.article_id for m in wall.members_of("s2")] == ["art1"]


def test_a_merged_story_is_found_as_the_one_it_is_part_of(wall):
    wall.apply(story("s1", status="merged", merged_into="s2"))
    wall.apply(story("s2", aliases=["s1"]))
    assert wall.story("s1").story_id == "s2"
    assert [s.story_id for s in wall.newest_stories()] == ["s2"]


def test_stories_that_are_merged_into_each_other_are_no_trap(wall):
    wall.apply(story("s1", status="merged", merged_into="s2"))
    wall.apply(story("s2", status="merged", merged_into="s1"))
    assert wall.story("s1").story_id in ("s1", "s2")


def test_the_last_correction_counts_unless_it_was_undone(wall):
    says = {"kind": "correct_article", "article_id": "art1"}
    wall.apply(command(command_id="c1", corrections={"tags": '["a"]'}, **says))
    wall.apply(command(command_id="c2", corrections={"tags": '["b"]'}, **says))
    assert wall.corrections("art1")["tags"].value == ["b"]
    wall.apply(command("undo", "c3", undoes="c2"))
    assert wall.corrections("art1")["tags"].value == ["a"]


def test_an_answer_may_come_before_its_command(wall):
    wall.apply(answer())
    assert wall.commands["c1"].outcome == "applied"
    wall.apply(command(story_id="s1"))
    assert wall.commands["c1"].command.story_id == "s1"


def test_what_ran_out_was_undone_or_refused_is_not_in_force(wall):
    wall.apply(command("mute", "c1", source="x", until_ms=NOW_MS - 1))
    wall.apply(command("mute", "c2", source="y", until_ms=NOW_MS + 1))
    wall.apply(command("mute", "c3", source="z"))
    wall.apply(answer("c3", kind="mute", outcome="refused"))
    assert [c.command_id for c in wall.in_force(["mute"], NOW_MS)] == ["c2"]


def test_a_record_without_a_place_is_a_defect(wall):
    with pytest.raises(TypeError, match="Record"):
        wall.apply(Record())
