"""Enriched articles find their slot; what is none, or dated far ahead, becomes a dead letter."""

import pytest
from made_articles import START_MS, article, articles_as_bytes, moment, raws

from models.stories.partition import slot
from models.stories.received import from_bytes
from schemas.codec import RecordCodec
from schemas.topics import DEAD_LETTERS
from udfs.addressing import messages
from udfs.read_articles import ReadArticles


@pytest.fixture
def read(runtime_context):
    """Reads Kafka values as the operator does: what goes on, and the dead letters."""
    operator = ReadArticles(
        ahead_ms=300_000, future_ms=3_600_000, registry_url=None, registry_auth=None
    )
    operator.open(runtime_context)
    codec = RecordCodec(DEAD_LETTERS)

    def read_all(values):
        sent, letters = [], []
        for out in operator.process_element(moment(raws(values, "articles.enriched")), None):
            if isinstance(out, tuple) and not hasattr(out, "_fields"):
                letters.append(codec.decode(bytes(out[1][1])))
            else:
                sent += [(out[0], message) for message in messages(out[1])]
        return sent, letters

    return read_all


def test_article_goes_to_the_slot_of_its_language(read):
    (sent,), letters = read(articles_as_bytes([article("a", "bridge", "s.example", 3)]))
    key, (_, kind, payload) = sent
    assert (key, kind, letters) == (slot("en"), "article", [])
    known = from_bytes(payload)
    assert (known.article_id, known.at_ms, known.counts) == ("a", START_MS + 180_000, True)


def test_articles_of_a_language_travel_together_in_their_order(read):
    articles = [article(f"a{n}", "bridge", "s.example", n) for n in range(3)]
    sent, _ = read(
        [*articles_as_bytes(articles[:2]), b"not Avro", *articles_as_bytes(articles[2:])]
    )
    assert [from_bytes(message.payload).article_id for _, message in sent] == ["a0", "a1", "a2"]


def test_article_dated_ahead_does_not_count_and_one_dated_far_ahead_is_refused(read):
    articles = [
        article(f"a{minutes}", "embargo", "s.example", minutes, arrived_minute=0)
        for minutes in (4, 30, 90)
    ]
    sent, (letter,) = read(articles_as_bytes(articles))
    assert [from_bytes(message.payload).counts for _, message in sent] == [True, False]
    assert (letter.reason, letter.job, letter.stage) == ("published_in_future", "breaking", "admit")


def test_bytes_that_are_no_article_become_a_dead_letter(read):
    sent, letters = read([b"not Avro", None])
    assert sent == []
    assert [letter.reason for letter in letters] == ["not_avro", "empty_value"]
    assert [letter.offset for letter in letters] == [0, 1]
