from hypothesis import given
from hypothesis import strategies as st

from schemas.story import StoryMoment
from serving.console.plots import STRETCH_MS, filled, gauge, nice_ticks, spark, timeline

BEGIN = 1_790_000_100_000 // STRETCH_MS * STRETCH_MS


def moment(place: int, observed: int, expected: float = 0.5, score: float = 0.2) -> StoryMoment:
    return StoryMoment(
        at_ms=BEGIN + place * STRETCH_MS, observed=observed, expected=expected, score=score
    )


histories = st.lists(
    st.builds(
        moment,
        st.integers(0, 400),
        st.integers(0, 50),
        st.floats(0, 100),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=60,
)


def test_story_without_a_course_has_no_picture():
    assert spark([], BEGIN) is None
    assert timeline([], BEGIN, None, []) is None


def test_quiet_stretches_are_drawn_as_nothing_seen():
    row = filled([moment(0, 3), moment(3, 1)], BEGIN + 4 * STRETCH_MS, 5)
    assert [each.observed for each in row] == [3, 0, 0, 1, 0]
    assert {each.expected for each in row} == {0.5}


def test_spark_tells_the_last_quarter_of_an_hour_in_numbers():
    drawn = spark([moment(0, 9), moment(1, 1), moment(2, 2), moment(3, 3)], BEGIN + 3 * STRETCH_MS)
    assert (drawn.observed_total, drawn.expected_total, drawn.minutes) == (6, 1.5, 15)


@given(histories)
def test_everything_is_drawn_inside_the_picture(history):
    until_ms = max(each.at_ms for each in history)
    small = spark(history, until_ms)
    assert all(bar.x >= 0 and bar.x + bar.width <= small.width for bar in small.bars)
    assert all(bar.y >= -0.1 and bar.y + bar.height <= small.height + 0.1 for bar in small.bars)
    large = timeline(history, until_ms, 0.5, [(until_ms, "Alert opened")])
    points = [tuple(map(float, p.split(","))) for p in f"{large.score} {large.expected}".split()]
    assert all(0 <= x <= large.width and 0 <= y <= large.floor + 0.1 for x, y in points)
    assert [mark.label for mark in large.marks] == ["Alert opened"]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_gauge_holds_the_score_inside_its_interval(score, one, other):
    drawn = gauge(score, min(one, other), max(one, other), None, 100)
    assert drawn.low <= drawn.at + 2.01
    assert drawn.at <= drawn.low + drawn.span + 2.01
    assert 0 <= drawn.low <= drawn.low + drawn.span <= 100.01


@given(st.floats(0, 1e6))
def test_axis_reaches_what_it_shows(most):
    ticks = nice_ticks(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert len(ticks) <= 4
