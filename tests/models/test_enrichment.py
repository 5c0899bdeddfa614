"""The enriched record: entities are found again in the article as it was given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.analyzer import Analysis
from models.enrichment import enriched, located
from models.heads import FoundEntity
from models.mentions import Mention
from models.text import article_text
from schemas.article import Article
from schemas.enriched_article import Language, Sentiment


def article(**fields):
    known = {"article_id": "a1", "source": "courier.example", "published_ms": 1, "fetched_ms": 2}
    return Article(**known | fields)


def named(given_article, *names):
    """Entities where the cleaned text has these names."""
    head = article_text(given_article).head(10_000)
    end, found = 0, []
    for name in names:
        start = head.index(name, end)
        end = start + len(name)
        found.append(FoundEntity(Mention(start, end, "place", 0.9), name))
    return found


def places(given_article, found):
    entities = located(given_article, article_text(given_article), found)
    return [(e.field, e.start, e.end, e.text) for e in entities]


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"title": "Fire in Paris", "body": "Rain."}, "Paris", ("title", 8, 13, "Paris")),
        ({"title": "Fire", "body": "In\n\n Paris."}, "Paris", ("body", 5, 10, "Paris")),
        ({"title": "", "body": "At Ayr"}, "Ayr", ("body", 3, 6, "Ayr")),
        ({"title": "<b>Ayr</b> burns", "body": "x"}, "Ayr", ("title", 3, 6, "Ayr")),
        ({"title": "T", "body": "<p>AT&amp;T</p>"}, "AT&T", ("body", 3, 11, "AT&amp;T")),
        ({"title": "T", "body": "<i>B</i>ath"}, "Bath", ("body", 3, 11, "B</i>ath")),
        ({"title": "", "body": "", "html": "<h1>In Ayr</h1>"}, "Ayr", ("html", 7, 10, "Ayr")),
        ({"title": "🔥 Ayr", "body": "x"}, "Ayr", ("title", 2, 5, "Ayr")),
    ],
    ids=["title", "white space", "no title", "markup", "reference", "inside", "html", "emoji"],
)
def test_entity_is_cut_from_the_field_as_given(fields, name, expected):
    given_article = article(**fields)
    assert places(given_article, named(given_article, name)) == [expected]
    field, start, end, text = expected
    assert getattr(given_article, field)[start:end] == text


def test_entities_of_title_and_body_keep_their_order():
    given_article = article(title="Ayr and Bath", body="<p>Bath</p><p>Ayr</p>")
    found = named(given_article, "Ayr", "Bath", "Bath", "Ayr")
    assert [(p[0], p[3]) for p in places(given_article, found)] == [
        ("title", "Ayr"),
        ("title", "Bath"),
        ("body", "Bath"),
        ("body", "Ayr"),
    ]


def test_name_across_title_and_body_is_dropped():
    given_article = article(title="Fire in New", body="York burns")
    across = FoundEntity(Mention(8, 16, "place", 0.9), "New\nYork")
    assert located(given_article, article_text(given_article), [across]) == []
    rest = named(given_article, "York")
    assert places(given_article, [across, *rest]) == [("body", 0, 4, "York")]


def test_no_entities_are_an_empty_list():
    assert located(article(title="Fire"), article_text(article(title="Fire")), []) == []


def test_what_is_known_of_an_entity_is_told():
    sentiment = Sentiment(label="positive", negative=0.1, neutral=0.2, positive=0.7)
    mention = Mention(0, 3, "person", 0.75, "politician")
    found = FoundEntity(mention, "Roe", wikidata_id="Q1", sentiment=sentiment)
    given_article = article(title="Roe wins")
    (entity,) = located(given_article, article_text(given_article), [found])
    assert (entity.type, entity.fine_type, entity.score) == ("person", "politician", 0.75)
    assert (entity.wikidata_id, entity.sentiment) == ("Q1", sentiment)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["<b>", "</b>", "&amp;", " ", "a", "É", "🔥", "<p>", "\x00"])),
    st.lists(st.sampled_from(["<i>", "</i>", "&#65;", "\n", "b", "日", "<br>"])),
    st.integers(0, 20),
    st.integers(1, 20),
)
def test_every_entity_is_cut_from_its_field(title, body, start, size):
    given_article = article(title="".join(title), body="".join(body))
    found = FoundEntity(Mention(start, start + size, "other", 0.5), "")
    for entity in located(given_article, article_text(given_article), [found]):
        raw = getattr(given_article, entity.field)
        assert entity.text == raw[entity.start : entity.end] != ""


def test_record_tells_the_article_and_the_answers():
    given_article = article(
        title="<b>Ayr</b>", body="Rain.", url="https://courier.example/a1", published_ms=5
    )
    text = article_text(given_article)
    analysis = Analysis(
        language=Language(code="en", confidence=0.9),
        answers={"entities": tuple(named(given_article, "Ayr")), "tone_score": 0.25},
        model_versions={"language": "l-1", "entities": "m-2"},
    )
    record = enriched(given_article, text, analysis, ingested_ms=6, enriched_ms=7)
    assert (record.article_id, record.source, record.url) == (
        "a1",
        "courier.example",
        "https://courier.example/a1",
    )
    assert record.title == "<b>Ayr</b>"
    assert (record.published_ms, record.ingested_ms, record.enriched_ms) == (5, 6, 7)
    assert record.content_hash == text.content_hash
    assert [entity.text for entity in record.entities] == ["Ayr"]
    assert record.tone_score == 0.25
    assert record.model_versions == {"language": "l-1", "entities": "m-2"}
    unanswered = ("topics", "tags", "sentiment", "summary", "summary_method", "importance")
    assert all(getattr(record, name) is None for name in unanswered)


def test_equal_texts_written_differently_share_an_analysis_not_their_offsets():
    plain, marked = article(title="In Ayr"), article(title="<p>In <b>Ayr</b></p>")
    assert article_text(plain) == article_text(marked)
    found = named(plain, "Ayr")
    assert places(plain, found) == [("title", 3, 6, "Ayr")]
    assert places(marked, found) == [("title", 9, 12, "Ayr")]
