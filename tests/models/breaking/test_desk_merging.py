"""What becomes of alerts, mutes and scores where stories merge or part."""

from newsdesk import (
    DESK,
    MINUTE_MS,
    SCORER,
    START_MS,
    TERMS,
    WALL_MS,
    Story,
    alerts,
    answers,
    heard,
    ordered,
)

from models.breaking.desk import DeskAtWork


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


def parted(
    desk: DeskAtWork, story: Story, into: str, voices: dict[str, int], minute: float
) -> list:
    """Some of a story leaves it: what is told of one of both parts."""
    news = story.pickup("s0.example", minute)._replace(
        kind="parted", story_id=into, other=story.story_id, source="", voices=voices
    )
    return desk.hear(news, WALL_MS)


def test_alert_of_a_story_that_keeps_no_source_of_its_own_ends(desk):
    story = Story()
    (opened,) = alerts(heard(desk, story.burst(6)))
    took = {f"s{n}.example": START_MS + n * MINUTE_MS for n in range(6)}
    parted(desk, story, "b0", took, 6)
    (closed,) = alerts(parted(desk, story, "a0", {}, 6))
    assert (closed.state, closed.alert_id) == ("closed", opened.alert_id)
    assert len(desk.stories["b0"].pickups.sources) == 6
    assert desk.live() == []
    desk.tick(START_MS + 8 * MINUTE_MS, WALL_MS)


def test_copies_that_leave_a_story_are_watched_from_their_first_source_on(desk):
    story = Story()
    heard(desk, story.burst(2))
    assert parted(desk, story, "b0", {}, 3) == []
    order = ordered(1, "override_score", 3, story_id="b0", value=0.9)
    (answer,) = answers(desk.command(order, WALL_MS))
    assert "not watched" in answer.detail
    heard(desk, [Story("b0").pickup("t0.example", 4)])
    assert desk.stories["b0"].pickups.sources == ("t0.example",)


def test_savepoint_with_a_story_of_no_sources_is_taken_up_without_it(desk):
    heard(desk, Story().burst(2))
    kept = desk.changes()
    empty = {**kept["story/a0"], "pickups": [[], [], []], "told": "opened"}
    again = DeskAtWork(DESK, SCORER, TERMS)
    again.restore({**kept, "story/b0": empty})
    assert list(again.stories) == ["a0"]
    assert again.changes()["story/b0"] is None
    again.tick(START_MS + 5 * MINUTE_MS, WALL_MS)
