"""Events meet what is known of their article, and the story it is in."""

import pytest

from models.profiles import facts, passage, signals
from models.profiles.facts import ArticleFacts, Placement
from models.profiles.signals import Signal
from udfs.join_articles import JoinArticles

NOW_MS = 1_790_000_000_000
ARTICLE = ArticleFacts("en", "courier.example", 1, None, None, (), ("Q64",))
CLICK = Signal("k", "click", NOW_MS, NOW_MS, 0, 0, 1.0, "a1", None, None, b"12345678")


class Value:
    """Flink's ValueState."""

    def __init__(self):
        self._value = None

    def value(self):
        return self._value

    def update(self, value):
        self._value = value


class Elements(list):
    """Flink's ListState."""

    def add(self, value):
        self.append(value)

    def get(self):
        return list(self)


class Context:
    """As much of Flink's as the operator uses: timers are set and never fire."""

    def timer_service(self):
        return self

    def register_event_time_timer(self, at_ms):
        pass


@pytest.fixture
def join(runtime_context, monkeypatch):
    for name, kind in (("get_state", Value), ("get_list_state", Elements)):
        monkeypatch.setattr(
            type(runtime_context), name, lambda _, __, made=kind: made(), raising=False
        )
    operator = JoinArticles(keep_s=3600, wait_ms=60_000)
    operator.open(runtime_context)
    return operator


def told(join, *known):
    """What the operator emits while it is told of the article."""
    return [row for one in known for row in join.process_element2(facts.pack(one), Context())]


def met(join):
    """The article as a click meets it; None where the click waits."""
    rows = join.process_element1(signals.pack(CLICK), Context())
    return passage.unpack(rows[0][1])[1] if rows else None


@pytest.mark.parametrize(
    "known", [(ARTICLE, Placement("s1")), (Placement("s1"), ARTICLE)], ids=["after", "before"]
)
def test_click_meets_its_article_with_the_story_whichever_came_first(join, known):
    told(join, *known)
    assert met(join) == ARTICLE._replace(story_id="s1")


def test_article_in_no_story_is_met_without_one(join):
    told(join, ARTICLE)
    assert met(join) == ARTICLE


def test_article_that_moves_is_met_in_its_new_story(join):
    told(join, ARTICLE, Placement("s1"), Placement("s2"))
    assert met(join).story_id == "s2"


def test_article_that_is_enriched_again_stays_in_its_story(join):
    newer = ARTICLE._replace(enriched_ms=2, entities=("Q90",))
    told(join, ARTICLE, Placement("s1"), newer)
    assert met(join) == newer._replace(story_id="s1")


def test_older_version_of_an_article_changes_nothing(join):
    newer = ARTICLE._replace(enriched_ms=2)
    told(join, newer, Placement("s1"), ARTICLE)
    assert met(join) == newer._replace(story_id="s1")


def test_click_waits_for_its_article_and_not_for_its_story(join):
    assert met(join) is None
    assert told(join, Placement("s1")) == []
    (row,) = told(join, ARTICLE)
    assert passage.unpack(row[1]) == ([CLICK], ARTICLE._replace(story_id="s1"))
    assert told(join, ARTICLE) == []
