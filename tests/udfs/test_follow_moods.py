"""Moods follow voices: late ones are ignored, stories hear their articles, state comes back."""

from types import SimpleNamespace

import cloudpickle
import pytest
from pyflink.common import Row
from pyflink.datastream import TimeDomain

from models.audience.likeness import signature
from models.audience.mood import MoodPolicy
from models.audience.voices import Voice, packed
from schemas.codec import RecordCodec
from schemas.topics import AUDIENCE_SENTIMENT
from udfs.comment_rows import GONE, PLACED, SAID
from udfs.follow_moods import FollowMoods

NOW_MS = 1_790_000_000_000
LATENESS_S = 600


class Kept:
    """A value or map of keyed state, of one key."""

    def __init__(self):
        self.stored, self.entries = None, {}

    def value(self):
        return self.stored

    def update(self, value):
        self.stored = value

    def items(self):
        return list(self.entries.items())

    def get(self, name):
        return self.entries[name]

    def put(self, name, value):
        self.entries[name] = value

    def remove(self, name):
        del self.entries[name]


class Timers:
    """What an operator asks of time."""

    def __init__(self):
        self.watermark_ms, self.event, self.processing = -(2**63), set(), set()

    def current_watermark(self):
        return self.watermark_ms

    def register_event_time_timer(self, at_ms):
        self.event.add(at_ms)

    def register_processing_time_timer(self, at_ms):
        self.processing.add(at_ms)


class Running:
    """The operator for one subject, with its state and its timers."""

    def __init__(self, runtime_context, kind="article", key="a1"):
        self.key, self.timers = key, Timers()
        self.states = {name: Kept() for name in ("voices", "story", "late")}
        context = SimpleNamespace(
            get_map_state=lambda described: self.states[described.name],
            get_state=lambda described: self.states[described.name],
            get_metrics_group=runtime_context.get_metrics_group,
        )
        operator = FollowMoods(
            kind=kind,
            policy=MoodPolicy(half_life_s=3600, author_weight=2.0, most_voices=100),
            lateness_s=LATENESS_S,
            every_s=10,
            patience_ms=1000,
            in_memory=2,
            registry_url=None,
            registry_auth=None,
        )
        self.operator = cloudpickle.loads(cloudpickle.dumps(operator))
        self.operator.open(context)
        self.context = SimpleNamespace(timer_service=lambda: self.timers)

    def send(self, kind, comment_id="", at_ms=0, voice=b"", story=""):
        """(subject, kind, comment) of each event that the story hears."""
        row = Row(self.key, kind, comment_id, at_ms, voice, story)
        return [
            (event[0], event[1], event[2])
            for _, event in self.operator.process_element(row, self.context)
        ]

    def say(self, comment_id, sentiment=0.5, ago_s=0):
        said = voice_of(comment_id, sentiment, ago_s)
        return self.send(SAID, comment_id, said.published_ms, packed(said))

    def fire(self, at_ms, domain=TimeDomain.EVENT_TIME):
        """The moods that a timer tells."""
        context = SimpleNamespace(
            timer_service=lambda: self.timers,
            get_current_key=lambda: self.key,
            time_domain=lambda: domain,
        )
        codec = RecordCodec(AUDIENCE_SENTIMENT)
        return [codec.decode(row[1]) for row in self.operator.on_timer(at_ms, context)]


def voice_of(comment_id, sentiment, ago_s):
    return Voice(
        published_ms=NOW_MS - ago_s * 1000,
        author=comment_id,
        language="en",
        sentiment=sentiment,
        tone=(sentiment + 1) / 2,
        toxicity=None,
        emotions=None,
        basic=None,
        mark=signature(f"{comment_id} said so"),
        words=3,
    )


@pytest.fixture
def article(new_runtime_context):
    return Running(new_runtime_context())


def test_mood_is_told_at_the_end_of_the_stretch(article):
    article.say("c1", 0.5, ago_s=3)
    (end_ms,) = article.timers.event
    assert NOW_MS - 3_000 <= end_ms < NOW_MS + 10_000
    (mood,) = article.fire(end_ms)
    assert (mood.subject, mood.at_ms, mood.comments, mood.sentiment.mean) == (
        "article/a1",
        end_ms,
        1,
        0.5,
    )
    assert article.fire(end_ms) == []


def test_mood_is_told_by_the_clock_when_event_time_stands_still(article):
    article.say("c1")
    (mood,) = article.fire(min(article.timers.processing), TimeDomain.PROCESSING_TIME)
    assert (mood.at_ms, mood.comments) == (NOW_MS, 1)


def test_clock_waits_while_event_time_moves_on_to_the_end_of_the_stretch(article):
    article.timers.watermark_ms = NOW_MS - 20_000
    article.say("c1")
    article.timers.watermark_ms = NOW_MS - 15_000
    first_ms = article.timers.processing.pop()
    assert article.fire(first_ms, TimeDomain.PROCESSING_TIME) == []
    second_ms = article.timers.processing.pop()  # event time stands still meanwhile
    (mood,) = article.fire(second_ms, TimeDomain.PROCESSING_TIME)
    assert mood.comments == 1


def test_what_is_taken_back_is_told_by_the_clock_though_event_time_moves(article):
    article.say("c1")
    article.say("c2")
    article.fire(max(article.timers.event))
    article.fire(max(article.timers.processing), TimeDomain.PROCESSING_TIME)
    article.send(GONE, "c1")
    article.timers.watermark_ms = NOW_MS + 60_000
    (mood,) = article.fire(max(article.timers.processing), TimeDomain.PROCESSING_TIME)
    assert mood.comments == 1


def test_stretches_of_subjects_end_at_different_moments(new_runtime_context):
    ends = set()
    for number in range(20):
        article = Running(new_runtime_context(), key=f"a{number}")
        article.say("c1")
        ends |= article.timers.event
    assert len(ends) > 15
    assert max(ends) - min(ends) < 10_000


def test_under_backlog_only_the_newest_due_mood_is_told(article):
    article.say("c1", ago_s=60)
    article.say("c2")
    article.timers.watermark_ms = NOW_MS + 60_000
    first, last = min(article.timers.event), max(article.timers.event)
    assert article.fire(first) == []
    assert article.fire(last)[0].comments == 2


def test_late_comment_is_ignored_and_counted(article):
    article.say("c1")
    article.timers.watermark_ms = NOW_MS
    article.say("c2", ago_s=LATENESS_S + 1)
    article.say("c3", ago_s=LATENESS_S)
    (mood,) = article.fire(max(article.timers.event))
    assert (mood.comments, mood.late_ignored) == (2, 1)


def test_edit_that_comes_too_late_takes_the_old_version_back(article):
    article.say("c1", ago_s=5)
    article.timers.watermark_ms = NOW_MS + 2 * LATENESS_S * 1000
    article.say("c1", ago_s=0)
    (mood,) = article.fire(max(article.timers.event))
    assert (mood.comments, mood.sentiment, mood.late_ignored) == (0, None, 1)


def test_taken_back_comment_leaves_mood_and_state(article):
    article.say("c1")
    article.say("c2")
    article.send(GONE, "c1")
    (mood,) = article.fire(NOW_MS, TimeDomain.PROCESSING_TIME)
    assert mood.comments == 1
    assert set(article.states["voices"].entries) == {"c2"}


def test_story_hears_what_was_said_before_and_after_the_article_joined(article):
    assert article.say("c1") == []
    assert article.send(PLACED, story="s1") == [("s1", SAID, "c1")]
    assert article.say("c2") == [("s1", SAID, "c2")]
    assert article.send(GONE, "c1") == [("s1", GONE, "c1")]


def test_article_that_moves_takes_its_comments_along(article):
    article.say("c1")
    article.send(PLACED, story="s1")
    assert article.send(PLACED, story="s2") == [("s1", GONE, "c1"), ("s2", SAID, "c1")]
    assert article.send(PLACED, story="s2") == []


def test_subject_that_left_memory_comes_back_from_state(article):
    article.say("c1")
    article.send(PLACED, story="s1")
    article.operator._subjects.clear()
    assert article.say("c2") == [("s1", SAID, "c2")]
    (mood,) = article.fire(NOW_MS, TimeDomain.PROCESSING_TIME)
    assert mood.comments == 2


def test_old_voices_are_forgotten_and_nothing_is_left(article):
    article.say("c1")
    article.fire(NOW_MS, TimeDomain.PROCESSING_TIME)
    expiry_ms = max(article.timers.event)
    assert expiry_ms >= NOW_MS + 12 * 3600 * 1000
    article.fire(expiry_ms + 10_000)
    assert article.states["voices"].entries == {}


def test_story_ignores_no_lateness(new_runtime_context):
    story = Running(new_runtime_context(), kind="story", key="s1")
    story.timers.watermark_ms = NOW_MS + 2 * LATENESS_S * 1000
    story.say("c1")
    assert story.fire(NOW_MS, TimeDomain.PROCESSING_TIME)[0].subject == "story/s1"
