"""What is told of a story joins neighbourhoods, desks and editors."""

from models.breaking import told
from models.breaking.commands import Addressed, Place
from models.breaking.rank import rank, ranks
from models.breaking.told import MOMENT_MS, MOMENTS_KEPT, PINS_KEPT, Told
from models.packing import pack, unpack
from models.stories import telling
from models.stories.cluster import WIDTH
from models.stories.neighbourhood import News
from models.stories.telling import Telling
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.story import StoryBurst, StoryScore
from schemas.topics import STORIES

START_MS = 1_790_000_000_000 // MOMENT_MS * MOMENT_MS
DESKS = ["sport", "world"]
CONTENT = telling.to_bytes(Telling().content(telling.unit_vector(b"", WIDTH)))


def news(kind: str = "pickup", at_ms: int = START_MS) -> News:
    return News(kind, "a", at_ms, CONTENT, START_MS, "s", at_ms)


def score(value: float, at_ms: int = START_MS) -> StoryScore:
    return StoryScore(desk="world", score=value, low=value, high=value, threshold=0.9, at_ms=at_ms)


def order(kind: str, undo: bool = False, *, command_id: str = "c", **fields) -> Addressed:
    command = EditorialCommand(
        command_id=command_id, kind=kind, author="ada", issued_ms=START_MS, story_id="a", **fields
    )
    taken_back = EditorialCommand(
        command_id="u", kind="undo", author="ada", issued_ms=START_MS, undoes=command_id
    )
    return Addressed(Place.TELLING, "a", command, taken_back if undo else None)


def given(state: Told | None, kind: str, *, undo: bool = False, **fields):
    return told.command(state, order(kind, undo, **fields), pin_ms=1000, wall_ms=5)


def test_course_of_a_story_has_arrivals_expectation_and_highest_score():
    state = Told()
    for at_ms in (START_MS, START_MS + 1000, START_MS + MOMENT_MS):
        told.hear(state, news(at_ms=at_ms))
    told.score(state, score(0.4))
    told.score(state, score(0.2, START_MS + 5))
    burst = StoryBurst(
        minutes=5, window_end_ms=START_MS + MOMENT_MS, observed=2, expected=0.5, tail_log10=-1.0
    )
    told.judge(state, burst)
    record = told.record("a", told.from_bytes(told.to_bytes(state)))
    assert record is not None
    first, second = record.history
    assert (first.observed, first.expected, first.score) == (2, 0.5, 0.4)
    assert (second.observed, second.at_ms) == (1, START_MS + MOMENT_MS)
    assert record.bursts == [burst]
    assert record.scores == [score(0.2, START_MS + 5)]
    assert record.updated_ms == START_MS + MOMENT_MS


def test_older_window_changes_nothing():
    state = Told()
    for end_ms in (START_MS + MOMENT_MS, START_MS):
        told.judge(
            state,
            StoryBurst(minutes=15, window_end_ms=end_ms, observed=1, expected=1.0, tail_log10=0.0),
        )
    assert state.bursts[15][0] == START_MS + MOMENT_MS


def test_course_is_bounded():
    state = Told()
    for moment in range(MOMENTS_KEPT + 10):
        told.hear(state, news(at_ms=START_MS + moment * MOMENT_MS))
    assert len(state.moments) == MOMENTS_KEPT


def test_story_without_content_is_not_told():
    state = Told()
    told.score(state, score(0.5))
    assert told.record("a", state) is None


def test_merged_story_points_to_the_other():
    state = Told()
    told.hear(state, news())
    told.become(state, "b")
    record = told.record("a", state)
    assert record is not None
    assert (record.status, record.merged_into) == ("merged", "b")
    assert given(state, "pin").outcome == "refused"


def test_pin_ends_by_itself_or_when_told():
    state = Told()
    told.hear(state, news())
    assert given(state, "pin").outcome == "applied"
    assert state.pinned_until_ms == START_MS + 1000
    pinned = told.record("a", state)
    assert given(state, "pin", undo=True).command_id == "u"
    assert state.pinned_until_ms is None
    unpinned = told.record("a", state)
    assert pinned is not None
    assert unpinned is not None
    until_ms = pinned.pinned_until_ms
    assert rank(pinned, "world", pinned_until_ms=until_ms) > rank(unpinned, "world")


def test_pin_at_a_desk_holds_there_alone_and_lists_a_story_without_score():
    state = Told()
    told.hear(state, news())
    assert told.pins(state, DESKS) == {}
    given(state, "pin", desk="sport")
    state = told.from_bytes(told.to_bytes(state))
    assert told.pins(state, DESKS) == {"sport": START_MS + 1000, "world": None}
    record = told.record("a", state)
    assert record is not None
    assert record.pinned_until_ms == START_MS + 1000
    listed = ranks(record, told.pins(state, DESKS))
    assert listed == {"sport": rank(record, "sport", pinned_until_ms=START_MS + 1), "world": None}


def test_pin_at_every_desk_can_end_at_one():
    state = Told()
    told.hear(state, news())
    given(state, "pin", until_ms=START_MS + 9)
    assert told.pins(state, DESKS) == dict.fromkeys(DESKS, START_MS + 9)
    given(state, "unpin", command_id="c2", desk="sport")
    assert told.pins(state, DESKS) == {"sport": None, "world": START_MS + 9}
    given(state, "unpin", command_id="c3")
    assert told.pins(state, DESKS) == dict.fromkeys(DESKS)
    assert state.pinned_until_ms is None
    record = told.record("a", state)
    assert record is not None
    assert ranks(record, told.pins(state, DESKS)) == dict.fromkeys(DESKS)


def test_undo_lets_the_pin_stand_that_stood_before():
    state = Told()
    told.hear(state, news())
    given(state, "unpin")
    given(state, "unpin", undo=True)
    assert state.pinned_until_ms is None
    for number in (1, 2, 3):
        given(state, "pin", command_id=f"c{number}", until_ms=START_MS + number)
    given(state, "unpin", command_id="c4")
    for number, ends_ms in ((4, START_MS + 3), (2, START_MS + 3), (3, START_MS + 1), (1, None)):
        assert given(state, "pin", undo=True, command_id=f"c{number}").outcome == "applied"
        assert state.pinned_until_ms == ends_ms
    assert given(state, "pin", undo=True, command_id="c1").outcome == "refused"
    assert given(state, "pin", undo=True, command_id="never given").outcome == "refused"


def test_orders_to_pin_are_bounded():
    state = Told()
    for number in range(PINS_KEPT + 10):
        given(state, "pin", command_id=f"c{number}")
    assert len(state.pins) == PINS_KEPT


def test_story_kept_when_a_pin_was_for_every_desk_is_pinned_at_each():
    kept = unpack(told.to_bytes(Told(status="retracted")))
    del kept["pins"]
    for until_ms, pins in ((START_MS, dict.fromkeys(DESKS, START_MS)), (None, {})):
        state = told.from_bytes(pack(kept | {"pinned_until_ms": until_ms}))
        assert (state.status, state.pinned_until_ms) == ("retracted", until_ms)
        assert told.pins(state, DESKS) == pins


def test_pin_of_an_editor_whose_clock_is_wrong_can_be_told():
    state = Told()
    told.hear(state, news())
    command = order("pin").command.model_copy(update={"issued_ms": 2**63 - 1})
    addressed = Addressed(Place.TELLING, "a", command)
    told.command(state, addressed, pin_ms=1000, wall_ms=START_MS + 5)
    record = told.record("a", state)
    assert record is not None
    assert record.pinned_until_ms == START_MS + 1005
    assert RecordCodec(STORIES).decode(RecordCodec(STORIES).encode(record)) == record


def test_retraction_can_be_taken_back():
    state = Told()
    told.hear(state, news())
    given(state, "retract")
    assert state.status == "retracted"
    given(state, "retract", undo=True)
    assert state.status == "active"


def test_unknown_story_is_refused_and_a_merge_is_answered_elsewhere():
    assert given(None, "pin").outcome == "refused"
    state = Told()
    told.hear(state, news())
    assert given(state, "merge", other_story_id="b") is None


def test_score_outranks_hours_of_age():
    state = Told()
    told.hear(state, news())
    plain = told.record("a", state)
    told.score(state, score(0.9))
    scored = told.record("a", state)
    assert plain is not None
    assert scored is not None
    assert rank(scored, "world") - rank(plain, "world") > 10
    assert rank(scored, "sport") == rank(plain, "sport")
