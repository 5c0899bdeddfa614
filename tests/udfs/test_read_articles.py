"""Enriched articles find their slot; what is none, or dated far ahead, becomes a dead letter."""

from types import SimpleNamespace

import pytest
from made_articles import START_MS, article, articles_as_bytes, raws

from models.stories.partition import slot
from models.stories.received import from_bytes
from schemas.codec import RecordCodec
from schemas.topics import DEAD_LETTERS
from udfs.read_articles import ReadArticles


@pytest.fixture
def read(runtime_context):
    """Reads Kafka values as the operator does: what goes on, and the dead letters."""
    operator = ReadArticles(
        ahead_ms=300_000, future_ms=3_600_000, registry_url=None, registry_auth=None
    )
    operator.open(runtime_context)
    codec = RecordCodec(DEAD_LETTERS)
    context = SimpleNamespace(timestamp=lambda: START_MS)

    def read_all(values):
        sent, letters = [], []
        for row in raws(values, "articles.enriched"):
            for out in operator.process_element(row, context):
                if isinstance(out, tuple) and not hasattr(out, "_fields"):
                    letters.append(codec.decode(bytes(out[1][1])))
                else:
                    sent.append(out)
        return sent, letters

    return read_all


def test_article_goes_to_the_slot_of_its_language(read):
    (sent,), letters = read(articles_as_bytes([article("a", "bridge", "s.example", 3)]))
    key, (_, kind, payload) = sent
    assert (key, kind, letters) == (slot("en"), "article", [])
    known = from_bytes(bytes(payload))
    assert (known.article_id, known.at_ms, known.counts) == ("a", START_MS + 180_000, True)


def test_article_dated_ahead_does_not_count_and_one_dated_far_ahead_is_refused(read):
    articles = [
        article(f"a{minutes}", "embargo", "s.example", minutes, arrived_minute=0)
        for minutes in (4, 30, 90)
    ]
    sent, (letter,) = read(articles_as_bytes(articles))
    assert [from_bytes(bytes(message[2])).counts for _, message in sent] == [True, False]
    assert (letter.reason, letter.job, letter.stage) == ("published_in_future", "breaking", "admit")


def test_bytes_that_are_no_article_become_a_dead_letter(read):
    sent, letters = read([b"not Avro", None])
    assert sent == []
    assert [letter.reason for letter in letters] == ["not_avro", "empty_value"]
    assert [letter.offset for letter in letters] == [0, 1]
