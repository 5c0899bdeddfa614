"""The set of articles a feed may show."""

from dataclasses import replace

import numpy as np

from models.ranking.article import FeedArticle, from_enriched
from models.ranking.fresh import HOUR_MS, FreshArticles
from schemas.enriched_article import EnrichedArticle, Entity, Language, TopicScore

NOW = 1000 * HOUR_MS


def article(name: str, **changed) -> FeedArticle:
    given = FeedArticle(
        name,
        name,
        "paper",
        NOW,
        "en",
        np.eye(4, dtype=np.float32)[0],
        "1",
        entities={"q1": "Berlin"},
        story_id="s",
    )
    return replace(given, **changed)


def test_a_newer_version_takes_the_place_of_an_older_one():
    articles = FreshArticles()
    articles.add(article("a"))
    articles.add(article("a", vector=np.eye(4, dtype=np.float32)[1], entities={}, story_id=None))
    near = articles.nearest(np.eye(4)[0], "1", ["en"], 10, 0)
    assert [round(cosine, 2) for _, cosine in near] == [0.0]
    assert articles.about("q1") == []
    assert [a.article_id for a in articles.of_story("s")] == ["a"]
    assert len(articles) == 1


def test_an_article_moves_to_another_story():
    articles = FreshArticles()
    articles.add(article("a"))
    articles.place("a", "t")
    articles.place("never heard of", "t")
    assert articles.of_story("s") == []
    assert articles.get("a").story_id == "t"
    assert articles.nearest(np.eye(4)[0], "1", ["en"], 1, 0)[0][0].story_id == "t"


def test_a_retracted_article_is_found_nowhere():
    articles = FreshArticles()
    articles.add_all([article("a"), article("b")])
    articles.remove("a")
    articles.remove("a")
    assert [a.article_id for a, _ in articles.nearest(np.eye(4)[0], "1", ["en"], 9, 0)] == ["b"]
    assert [a.article_id for a in articles.newest(["en"], 9, 0)] == ["b"]
    assert [a.article_id for a in articles.about("q1")] == ["b"]


def test_what_is_no_longer_fresh_is_forgotten():
    articles = FreshArticles(keep_ms=10 * HOUR_MS)
    articles.add_all([article("old", published_ms=NOW - 11 * HOUR_MS), article("new")])
    articles.tidy(NOW)
    assert articles.get("old") is None
    assert len(articles) == 1


def test_languages_and_encoders_have_their_own_indexes():
    articles = FreshArticles()
    articles.add_all(
        [
            article("en"),
            article("de", language="de"),
            article("later", vector_version="2"),
            article("none", vector=None),
        ]
    )
    found = {
        (version, language): [
            a.article_id for a, _ in articles.nearest(np.eye(4)[0], version, [language], 9, 0)
        ]
        for version in ("1", "2")
        for language in ("en", "de")
    }
    assert found == {
        ("1", "en"): ["en"],
        ("1", "de"): ["de"],
        ("2", "en"): ["later"],
        ("2", "de"): [],
    }


def test_an_enriched_record_becomes_an_article():
    record = EnrichedArticle(
        article_id="a",
        url="u",
        source="s",
        title="t",
        published_ms=1,
        ingested_ms=1,
        enriched_ms=1,
        content_hash="h",
        language=Language(code="en", confidence=1),
        topics=[TopicScore(code="medtop:3", name="Football", score=0.8, ancestors=["medtop:1"])],
        entities=[
            Entity(text="Berlin", type="LOC", start=0, end=6, score=1, wikidata_id="Q64"),
            Entity(text="The Courier", type="ORG", start=0, end=6, score=1),
        ],
        embedding=np.array([3, 4], "<f2").tobytes(),
        model_versions={"embedding": "m@1"},
    )
    found = from_enriched(record, "story")
    assert found.subject == "medtop:1"
    assert found.topics == {"medtop:3": 0.8, "medtop:1": 0.8}
    assert found.entities == {"Q64": "Berlin", "the courier": "The Courier"}
    assert found.vector.tolist() == [np.float32(0.6), np.float32(0.8)]
    assert (found.vector_version, found.story_id) == ("m@1", "story")
