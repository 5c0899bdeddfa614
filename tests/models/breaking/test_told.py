"""What is told of a story joins neighbourhoods, desks and editors."""

from models.breaking import told
from models.breaking.commands import Addressed, Place
from models.breaking.rank import rank
from models.breaking.told import MOMENT_MS, MOMENTS_KEPT, Told
from models.stories import telling
from models.stories.cluster import WIDTH
from models.stories.neighbourhood import News
from models.stories.telling import Telling
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.story import StoryBurst, StoryScore
from schemas.topics import STORIES

START_MS = 1_790_000_000_000 // MOMENT_MS * MOMENT_MS
CONTENT = telling.to_bytes(Telling().content(telling.unit_vector(b"", WIDTH)))


def news(kind: str = "pickup", at_ms: int = START_MS) -> News:
    return News(kind, "a", at_ms, CONTENT, START_MS, "s", at_ms)


def score(value: float, at_ms: int = START_MS) -> StoryScore:
    return StoryScore(desk="world", score=value, low=value, high=value, threshold=0.9, at_ms=at_ms)


def order(kind: str, undo: bool = False, **fields) -> Addressed:
    command = EditorialCommand(
        command_id="c", kind=kind, author="ada", issued_ms=START_MS, story_id="a", **fields
    )
    taken_back = EditorialCommand(
        command_id="u", kind="undo", author="ada", issued_ms=START_MS, undoes="c"
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
    assert rank(pinned, "world") > rank(unpinned, "world")


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
