from newsroom_records import alert, demo

from schemas.alert import Alert
from schemas.editorial import EditorialCommand
from schemas.story import Story
from serving.console import wall
from serving.console.decisions import Decisions, gather
from serving.console.wall import Filter
from serving.views import Given

BASE = 1_790_000_000_000
NOW = BASE + 3 * 3_600_000
GROUPED, STORIES = demo(BASE)
BY_ID = {story.story_id: story for story in STORIES}
BREAKING = BY_ID["s-marenholm"]
NOTHING = gather([], NOW)


def alert_of(story: Story, **changes: object) -> Alert:
    made = alert(story, GROUPED[story.story_id.removeprefix("s-")])
    return made.model_copy(update=changes)


def given(kind: str, **fields: object) -> Given:
    return Given(
        EditorialCommand(
            **{"command_id": "c", "author": "ada", "issued_ms": NOW, "kind": kind} | fields
        )
    )


def built(
    alerts: list[Alert] | None = None,
    decisions: Decisions = NOTHING,
    stories: list[Story] = STORIES,
    **chosen: object,
) -> wall.Page:
    return wall.build(stories, alerts or [], decisions, lambda _: None, Filter(**chosen), NOW)


def keys(page: wall.Page) -> dict[str, list[str]]:
    return {s.key: [row.story.story_id for row in s.rows] for s in page.sections}


def test_alert_that_waits_stands_above_everything():
    page = built([alert_of(BREAKING)])
    assert keys(page)["waiting"] == ["s-marenholm"]
    assert page.waiting == 1


def test_confirmed_alert_waits_no_more_before_the_job_answers():
    confirmed = gather([given("confirm", alert_id=alert_of(BREAKING).alert_id)], NOW)
    page = built([alert_of(BREAKING)], confirmed)
    assert "waiting" not in keys(page)
    row = page.sections[0].rows[0]
    assert (row.standing.state, row.standing.by, row.standing.sent) == ("confirmed", "ada", True)


def test_confirmation_taken_back_makes_the_alert_wait_again():
    undone = given("confirm", alert_id=alert_of(BREAKING).alert_id)
    undone.undone_by = "u"
    page = built([alert_of(BREAKING, state="confirmed", by="ada")], gather([undone], NOW))
    assert page.waiting == 1


def test_muted_story_is_last_and_waits_for_nobody():
    muted = gather([given("mute", story_id="s-marenholm")], NOW)
    page = built([alert_of(BREAKING)], muted, limit=500)
    assert page.sections[-1].key == "muted"
    assert page.waiting == 0


def test_pinned_story_stands_above_others_with_a_higher_score():
    quiet = next(s for s in STORIES if s.independent_sources == 1)
    page = built(decisions=gather([given("pin", story_id=quiet.story_id)], NOW))
    assert keys(page)["pinned"] == [quiet.story_id]
    assert page.sections[0].key == "pinned"


def test_stories_stand_by_score():
    scores = [row.score.score for row in built().sections[0].rows]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == wall.ROWS


def test_filters_by_desk_language_and_words():
    assert {row.score.desk for row in built(desk="sport").sections[0].rows} == {"sport"}
    assert all("sv" in row.story.languages for row in built(language="sv").sections[0].rows)
    assert keys(built(query="MARENHOLM grain"))["stories"] == ["s-marenholm"]
    assert built(query="no such words at all").sections == ()


def test_merged_and_expired_stories_are_gone():
    gone = [BREAKING.model_copy(update={"status": state}) for state in ("merged", "expired")]
    assert built(stories=gone).sections == ()


def test_desks_tell_how_many_alerts_wait():
    waiting = {choice.value: choice.count for choice in built([alert_of(BREAKING)]).desks}
    assert waiting["world"] == 1
    assert waiting["sport"] == 0


def test_announcement_changes_with_each_state_of_an_alert():
    first, second = alert_of(BREAKING), alert_of(BREAKING, state="escalated", sequence=2)
    told = {wall.standing(alert, NOTHING).announcement for alert in (first, second, first)}
    assert len(told) == 2
