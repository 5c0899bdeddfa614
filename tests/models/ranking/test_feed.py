"""Feeds: who gets what, what is on top whatever the profile says, and why."""

from dataclasses import replace

import numpy as np
import pytest

from models.ranking import rankers
from models.ranking.article import FeedArticle
from models.ranking.features import NAMES, Popularity
from models.ranking.feed import Feed
from models.ranking.fresh import HOUR_MS, FreshArticles
from models.ranking.reader import Context, Desk, OpenAlert, Pick, Reader
from models.ranking.rerank import Policy
from models.ranking.shelf import Floor

NOW = 1_000_000 * HOUR_MS
SUBJECTS = ("sport", "economy", "politics")
STEADY = Policy(epsilon=0.0)


def vector(subject: str, number: int = 0) -> np.ndarray:
    base = np.zeros(8, np.float32)
    base[SUBJECTS.index(subject)] = 1
    base[3 + number % 5] = 0.4
    return base / np.linalg.norm(base)


def article(name: str, subject: str = "sport", number: int = 0, **changed) -> FeedArticle:
    given = FeedArticle(
        article_id=name,
        title=f"About {name}",
        source=f"paper {number % 7}",
        published_ms=NOW - HOUR_MS,
        language="en",
        vector=vector(subject, number),
        vector_version="1",
        topics={subject: 0.9},
        topic_names={subject: subject.title()},
        subject=subject,
        entities={f"q{number}": f"Name {number}"},
        importance=0.3,
        story_id=f"story {name}",
    )
    return replace(given, **changed)


def newsroom(*more: FeedArticle, count: int = 60, **options) -> Feed:
    articles = FreshArticles()
    articles.add_all(article(f"a{n}", SUBJECTS[n % 3], n) for n in range(count))
    articles.add_all(more)
    feed = Feed(articles, rankers.read(), policy=options.pop("policy", STEADY), **options)
    feed.refresh({f"a{n}": Popularity(1, 10, 50) for n in range(count)}, NOW)
    return feed


def fan(subject: str, clicks: float = 30, **changed) -> Reader:
    given = Reader(
        long=vector(subject),
        session=vector(subject),
        vector_version="1",
        clicks=clicks,
        topics={subject: 1.0},
        recent=("a0",),
        seen=frozenset({"a0"}),
    )
    return replace(given, **changed)


def context(**changed) -> Context:
    return replace(Context(NOW, ("en",)), **changed)


def alert(story: str = "story quake", **changed) -> OpenAlert:
    given = OpenAlert(
        alert_id="1",
        desk="world",
        story_id=story,
        title="Quake",
        languages=frozenset({"en"}),
        articles=("quake",),
        score=0.9,
        at_ms=NOW,
        expires_ms=NOW + HOUR_MS,
    )
    return replace(given, **changed)


def subjects(feed: Feed, items) -> list[str]:
    return [feed._articles.get(item.article_id).subject for item in items]


def test_two_readers_get_different_feeds():
    feed = newsroom()
    sport = feed.rank(fan("sport"), context(), 10)
    economy = feed.rank(fan("economy"), context(), 10)
    assert subjects(feed, sport).count("sport") > subjects(feed, economy).count("sport")
    assert subjects(feed, economy)[0] == "economy"


def test_one_click_already_changes_the_feed():
    feed = newsroom()
    one = feed.rank(fan("economy", clicks=1), context(), 10)
    none = feed.rank(Reader(), context(), 10)
    assert [i.article_id for i in one] != [i.article_id for i in none]
    assert subjects(feed, one).count("economy") >= subjects(feed, none).count("economy")


def test_a_new_reader_gets_what_is_popular_recent_and_varied():
    hot = article("hot", "economy", 7)
    feed = newsroom(hot)
    feed.refresh({"hot": Popularity(30, 500, 900), "a1": Popularity(0, 1, 2)}, NOW)
    items = feed.rank(Reader(), context(), 10)
    assert items[0].article_id == "hot"
    assert {item.strategy for item in items} == {"cold_start"}
    assert len(set(subjects(feed, items))) == 3


def test_of_two_equally_popular_articles_a_new_reader_gets_the_newer_first():
    old = article("old", number=8, published_ms=NOW - 40 * HOUR_MS)
    new = article("new", number=9, published_ms=NOW - HOUR_MS // 2)
    feed = newsroom(old, new, count=0)
    feed.refresh({"old": Popularity(1, 9, 9), "new": Popularity(1, 9, 9)}, NOW)
    assert [i.article_id for i in feed.rank(Reader(), context(), 2)] == ["new", "old"]


@pytest.mark.parametrize(
    "reader",
    [
        Reader(),
        fan("sport"),
        fan("sport", hidden_sources=frozenset(f"paper {n}" for n in range(7))),
        fan(
            "sport",
            hidden_articles=frozenset({"quake"}),
            hidden_stories=frozenset({"story quake"}),
            topics={"politics": -1.0},
        ),
    ],
    ids=["new", "fan of something else", "hides every source", "hid the very story"],
)
def test_breaking_news_is_on_top_whatever_the_profile_says(reader):
    feed = newsroom(article("quake", "politics", 1, story_id="story quake"))
    items = feed.rank(reader, context(alerts=(alert(),), desks=(Desk("world"),)), 10)
    assert items[0].article_id == "quake"
    assert items[0].strategy == "override"
    assert "breaking news: Quake" in items[0].explanation.words


@pytest.mark.parametrize(
    "changed",
    [
        {"languages": frozenset({"de"})},
        {"desk": "sport desk"},
        {"expires_ms": NOW - 1},
    ],
    ids=["another language", "another desk", "expired"],
)
def test_an_alert_that_does_not_concern_the_reader_overrides_nothing(changed):
    feed = newsroom(article("quake", "politics", 1, story_id="story quake"))
    served = context(alerts=(alert(**changed),), desks=(Desk("world"),))
    assert all(i.strategy != "override" for i in feed.rank(fan("sport"), served, 10))


def test_a_story_breaks_once_in_a_feed():
    feed = newsroom(
        article("quake", "politics", 1, story_id="story quake"),
        article("quake2", "politics", 2, story_id="story quake"),
    )
    alerts = (alert(), alert(alert_id="2", desk="national"))
    items = feed.rank(Reader(), context(alerts=alerts), 20)
    assert [i.article_id for i in items if i.article_id.startswith("quake")] == ["quake"]


def test_an_alert_shows_the_article_in_the_readers_language():
    feed = newsroom(
        article("quake", "politics", 1, story_id="story quake"),
        article("beben", "politics", 2, story_id="story quake", language="de"),
    )
    both = alert(languages=frozenset({"de", "en"}))
    items = feed.rank(Reader(), Context(NOW, ("de", "en"), alerts=(both,)), 5)
    assert items[0].article_id == "beben"


def test_an_editors_pick_stands_below_alerts_and_above_the_rest():
    feed = newsroom(article("quake", "politics", 1, story_id="story quake"))
    pick = Pick("article", "a5", NOW + HOUR_MS)
    items = feed.rank(fan("sport"), context(alerts=(alert(),), picks=(pick,)), 5)
    assert [i.strategy for i in items[:3]] == ["override", "pick", "personal"]
    assert items[1].article_id == "a5"


def test_what_everyone_should_know_is_shown_to_who_hides_everything():
    big = article("big", "politics", 2, importance=0.95)
    feed = newsroom(big, floor=Floor(place=4))
    hides = fan("sport", hidden_sources=frozenset(f"paper {n}" for n in range(7)))
    items = feed.rank(hides, context(), 10)
    assert [(i.article_id, i.strategy) for i in items] == [("big", "floor")]
    place = {i.article_id: i.position for i in feed.rank(fan("sport"), context(), 10)}
    assert place["big"] <= 4


def test_what_an_editor_put_on_top_is_not_shown_again_as_what_everyone_should_know():
    big = article("big", "politics", 2, importance=0.95, story_id=None)
    items = newsroom(big).rank(
        fan("sport"), context(picks=(Pick("article", "big", NOW + HOUR_MS),)), 10
    )
    assert [(i.article_id, i.strategy) for i in items if i.article_id == "big"] == [("big", "pick")]


def test_seen_and_hidden_articles_do_not_come_back():
    feed = newsroom()
    reader = fan("sport", seen=frozenset({"a0", "a3"}), hidden_articles=frozenset({"a6"}))
    names = {i.article_id for i in feed.rank(reader, context(), 50)}
    assert names.isdisjoint({"a0", "a3", "a6"})


def test_hidden_topics_and_entities_are_not_shown():
    feed = newsroom()
    reader = fan(
        "sport", hidden_topics=frozenset({"economy"}), hidden_entities=frozenset({"q2", "q5"})
    )
    items = feed.rank(reader, context(), 50)
    assert "economy" not in subjects(feed, items)
    assert {i.article_id for i in items}.isdisjoint({"a2", "a5"})


def test_what_everyone_should_know_is_not_told_to_who_has_read_of_it():
    big = article("big", "politics", 2, importance=0.95, story_id="story big")
    other = article("other", "politics", 9, story_id="story big")
    feed = newsroom(big, other)
    items = feed.rank(Reader(seen=frozenset({"other"})), context(), 10)
    assert all(item.strategy != "floor" for item in items)


def test_only_languages_of_the_reader_are_shown():
    feed = newsroom(article("german", "sport", 1, language="de"))
    names = {i.article_id for i in feed.rank(fan("sport"), context(), 50)}
    assert "german" not in names


def test_a_desk_with_topics_serves_those():
    feed = newsroom()
    items = feed.rank(Reader(), context(desks=(Desk("money", frozenset({"economy"})),)), 10)
    assert set(subjects(feed, items)) == {"economy"}


def test_vectors_of_an_older_encoder_are_never_compared():
    feed = newsroom()
    old = fan("economy", vector_version="0", topics={}, recent=())
    for item in feed.rank(old, context(), 10):
        assert item.features["long"] == item.features["session"] == 0


def test_unknown_recent_articles_and_a_clock_that_is_behind_do_no_harm():
    feed = newsroom(article("future", published_ms=NOW + 2 * HOUR_MS))
    reader = fan("sport", recent=("never heard of",))
    items = feed.rank(reader, context(), 10)
    assert len(items) == 10
    assert all(np.isfinite(i.score) for i in items)


def test_an_empty_newsroom_gives_an_empty_feed():
    assert newsroom(count=0).rank(fan("sport"), context(), 10) == []


def test_the_same_draw_gives_the_same_feed_and_another_explores_otherwise():
    feed = newsroom(policy=Policy(epsilon=0.5))
    one, again, other = (
        [i.article_id for i in feed.rank(fan("sport"), context(), 10, draw=d)] for d in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_items_are_logged_with_what_was_served():
    feed = newsroom()
    items = feed.rank(fan("sport"), context(), 10)
    assert [i.position for i in items] == list(range(1, 11))
    assert all(tuple(i.features) == NAMES and i.ranking == "prior-1" for i in items)
    assert all(0 < i.propensity <= 1 for i in items)


def test_an_explanation_names_interests_and_articles():
    feed = newsroom()
    item = feed.rank(fan("sport"), context(), 5)[0]
    found = {reason.kind: reason for reason in item.explanation.reasons}
    assert found["interest"].names == ("Sport",)
    assert found["article"].names == ("About a0",)
    assert found["interest"].value > 0
    assert "Sport" in item.explanation.words or "About a0" in item.explanation.words


def test_reasons_add_up_to_the_score_of_a_linear_ranking():
    feed = newsroom()
    item = feed.rank(fan("sport"), context(), 5)[0]
    weights = rankers.read().weights
    assert sum(weights[n] * v for n, v in item.features.items()) == pytest.approx(item.score)
