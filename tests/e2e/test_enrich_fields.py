"""An ordinary article comes out of the job with every field filled."""

import time

import pytest
from kafka import KafkaProducer
from topic_reader import TopicReader

from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW

pytestmark = pytest.mark.e2e

NOW_MS = time.time_ns() // 1_000_000
TITLE = "Prime Minister Anna Lind resigns, <b>election</b> in March"
BODY = (
    "<p>Prime Minister Anna Lind resigned on Tuesday after parliament in Berlin rejected her "
    "budget by three votes, ending a government that lasted 14 months.</p>"
    "<p>Lind told reporters that she would stay until the president of Germany had named a "
    "successor. An election is to be held in March. Her party will choose a new candidate for it "
    "at a congress next week, and two of her ministers said that they would stand.</p>"
    "<p>The opposition said that voters had waited long enough for a change of politics.</p>"
)


@pytest.fixture(scope="module")
def found(enrich):
    """The enriched article."""
    enriched = TopicReader(enrich.kafka, ARTICLES_ENRICHED.name)
    article = Article(
        article_id="resigns",
        source="courier.example",
        owner="Courier Group",
        title=TITLE,
        body=BODY,
        published_ms=NOW_MS,
        fetched_ms=NOW_MS,
    )
    producer = KafkaProducer(bootstrap_servers=enrich.kafka)
    value = RecordCodec(ARTICLES_RAW).encode(article)
    producer.send(ARTICLES_RAW.name, key=b"resigns", value=value).get(10)
    producer.close()
    enriched.wait(lambda: any(key == b"resigns" for _, key, _ in enriched.records), 120)
    values = [value for _, key, value in enriched.records if key == b"resigns"]
    enriched.close()
    return RecordCodec(ARTICLES_ENRICHED).decode(values[-1])


def test_every_field_is_answered_and_says_by_which_model(found):
    unanswered = {name for name, value in found.model_dump().items() if value is None}
    assert unanswered == set()
    assert {"topics", "entities", "sentiment", "summary", "importance"} <= set(found.model_versions)


def test_topics_come_with_names_ancestors_and_scores(found):
    names = {topic.name for topic in found.topics}
    assert "politics" in names
    for topic in found.topics:
        assert topic.code.startswith("medtop:")
        assert {"de", "fr", "es"} <= set(topic.names)
        assert set(topic.ancestors) <= {other.code for other in found.topics}


def test_entities_cut_their_text_out_of_the_article_as_given(found):
    given = {"title": TITLE, "body": BODY}
    for entity in found.entities:
        assert given[entity.field][entity.start : entity.end] == entity.text
    berlin = [entity for entity in found.entities if entity.text == "Berlin"]
    assert [(e.type, e.wikidata_id) for e in berlin] == [("place", "Q64")]
    lind = [entity for entity in found.entities if "Lind" in entity.text]
    assert {entity.type for entity in lind} == {"person"}
    assert any(entity.sentiment is not None for entity in lind)


def test_summary_is_made_of_the_articles_own_sentences(found):
    assert found.summary_method == "extractive"
    for sentence in found.summary.split(". "):
        assert sentence.rstrip(".") in BODY
