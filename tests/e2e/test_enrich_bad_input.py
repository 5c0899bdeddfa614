"""Every kind of bad input through the running job."""

import time
from dataclasses import dataclass

import pytest
from kafka import KafkaProducer
from redis import Redis
from topic_reader import TopicReader

from schemas import avro_schemas
from schemas.article import Article
from schemas.codec import SINGLE_OBJECT_MARKER, RecordCodec
from schemas.enriched_article import EnrichedArticle
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS

pytestmark = pytest.mark.e2e

NOW_MS = time.time_ns() // 1_000_000
YEAR_MS = 365 * 24 * 3600 * 1000
CODEC = RecordCodec(ARTICLES_RAW)


@dataclass(frozen=True)
class Bad:
    value: bytes | None
    stage: str
    reason: str


@dataclass(frozen=True)
class Odd:
    article: Article
    language: str | None = "en"


def article(article_id: str, **fields: object) -> Article:
    plain = {
        "source": "courier.example",
        "title": "Harbour bridge reopens after repairs",
        "body": "The old bridge over the harbour carries traffic again since Monday morning.",
        "published_ms": NOW_MS,
        "fetched_ms": NOW_MS,
    }
    return Article.model_validate({"article_id": article_id} | plain | fields)


def encoded(article_id: str, **fields: object) -> bytes:
    return CODEC.encode(article(article_id, **fields))


BAD = {
    "not-avro": Bad(b"<rss>this is no Avro</rss>", "decode", "not_avro"),
    "unknown-schema": Bad(SINGLE_OBJECT_MARKER + b"12345678" + b"abc", "decode", "unknown_schema"),
    "registry-id": Bad(b"\x00\x00\x00\x00\x07abc", "decode", "unknown_schema"),
    "truncated": Bad(encoded("truncated")[:-9], "decode", "truncated"),
    "header-only": Bad(encoded("header-only")[:7], "decode", "truncated"),
    "tombstone": Bad(None, "decode", "empty_value"),
    "invalid-utf8": Bad(
        encoded("invalid-utf8").replace(b"Harbour", b"Harb\xff\xfer"), "decode", "invalid_utf8"
    ),
    "no-id": Bad(
        SINGLE_OBJECT_MARKER
        + avro_schemas.fingerprint(avro_schemas.current("article"))
        + b"\x00" * 12,
        "decode",
        "invalid_record",
    ),
    "no-title-no-body": Bad(encoded("none", title="", body=""), "admit", "no_text"),
    "white-space": Bad(encoded("space", title=" \n\t", body="\u00a0 \r\n"), "admit", "no_text"),
    "only-markup": Bad(encoded("markup", title="", body="<p><br/></p>"), "admit", "no_text"),
    "future": Bad(encoded("future", published_ms=NOW_MS + YEAR_MS), "admit", "published_in_future"),
    "1970": Bad(encoded("1970", published_ms=0), "admit", "published_too_old"),
}

ODD = {
    "5-megabytes": Odd(article("5-megabytes", body="Rain is on the way. " * 262_144)),
    "million-tokens": Odd(article("million-tokens", body="word " * 1_000_000)),
    "html": Odd(article("html", body="<div><p>Rain &amp; wind</p><script>alert(1)</script></div>")),
    "controls": Odd(article("controls", body="Storm\x00 warning\x07 for\x1b the coast \x9f today")),
    "right-to-left": Odd(
        article(
            "right-to-left", title="عاصفة \u200fقوية\u200e", body="حذرت السلطات من عاصفة قوية."
        ),
        "ar",
    ),
    "overrides": Odd(article("overrides", title="Storm \u202egnihton\u202c warning issued today")),
    "emoji": Odd(article("emoji", body="Fans 🎉🎉👩‍👩‍👧 celebrate the cup win in the old town 🏆")),
    "only-emoji": Odd(article("only-emoji", title="🔥🔥🔥", body=""), "und"),
    "one-character": Odd(article("one-character", title="x", body=""), "und"),
    "unknown-language": Odd(
        article("unknown-language", title="ᎣᏏᏲ ᎡᎶᎯ", body="ᎤᏍᎪᎸᎢ ᏓᏂᏍᏓᏲᎯᎲ"), "und"
    ),
    "title-only": Odd(article("title-only", body="")),
    "html-field": Odd(
        article("html-field", title="", body="", html="<p>The bridge is open to all traffic.</p>")
    ),
}


@pytest.fixture(scope="module")
def outcome(enrich):
    """Sends everything once, a good article last, and collects both output topics."""
    enriched = TopicReader(enrich.kafka, ARTICLES_ENRICHED.name)
    letters = TopicReader(enrich.kafka, DEAD_LETTERS.name)
    producer = KafkaProducer(bootstrap_servers=enrich.kafka, max_request_size=16 << 20)
    placed = {}
    for name, bad in BAD.items():
        placed[name] = producer.send(ARTICLES_RAW.name, key=name.encode(), value=bad.value).get(10)
    for name, odd in ODD.items():
        producer.send(ARTICLES_RAW.name, key=name.encode(), value=CODEC.encode(odd.article)).get(10)
    versions = [
        article("twice", title="First version", fetched_ms=NOW_MS),
        article("twice", title="Second version", published_ms=NOW_MS + 1000),
        article("twice", title="Late and older", published_ms=NOW_MS - 60_000),
    ]
    for version in versions:
        producer.send(ARTICLES_RAW.name, key=b"twice", value=CODEC.encode(version)).get(10)
    producer.send(ARTICLES_RAW.name, key=b"good", value=encoded("good")).get(10)
    producer.close()
    letters.wait(lambda: len(letters.records) >= len(BAD), 120)
    enriched.wait(
        lambda: (
            {*ODD, "good"} <= {*enriched.keys()} and enriched.keys().count("twice") == len(versions)
        ),
        120,
    )
    yield placed, enriched, letters
    enriched.close()
    letters.close()


@pytest.mark.parametrize("name", BAD)
def test_bad_record_becomes_a_dead_letter_with_its_bytes_origin_and_reason(outcome, name):
    placed, _, letters = outcome
    origin = f"{ARTICLES_RAW.name}/{placed[name].partition}/{placed[name].offset}"
    codec = RecordCodec(DEAD_LETTERS)
    (found,) = [codec.decode(v) for _, key, v in letters.records if key.decode() == origin]
    assert (found.stage, found.reason) == (BAD[name].stage, BAD[name].reason)
    assert found.value == (BAD[name].value or b"")
    assert found.key == name.encode()
    assert found.origin == origin
    assert found.detail
    assert abs(found.failed_ms - time.time() * 1000) < 10 * 60 * 1000


@pytest.mark.parametrize("name", ODD)
def test_odd_text_is_enriched(outcome, name):
    found = last_enriched(outcome, name)
    assert found.title == ODD[name].article.title
    assert found.language.code == ODD[name].language
    assert (found.embedding is not None) == ("embedding" in found.model_versions)
    if found.language.code == "en":
        assert len(found.embedding) == 768


def test_every_version_of_an_article_is_enriched_and_redis_keeps_the_newest(outcome, enrich):
    _, enriched, _ = outcome
    assert enriched.keys().count("twice") == 3
    host, port = enrich.redis.split(":")
    redis = Redis(host, int(port), decode_responses=False)
    deadline = time.monotonic() + 10
    while redis.hget("article:twice", "title") != b"Second version":
        assert time.monotonic() < deadline, redis.hgetall("article:twice")
        time.sleep(0.1)
    assert redis.ttl("article:twice") > 0


def test_nothing_else_became_a_dead_letter_and_the_job_never_restarted(outcome, enrich):
    _, enriched, letters = outcome
    assert len(letters.records) == len(BAD)
    assert "good" in enriched.keys()  # noqa: SIM118
    assert enrich.restarts() == 0


def last_enriched(outcome, article_id: str) -> EnrichedArticle:
    _, enriched, _ = outcome
    values = [value for _, key, value in enriched.records if key.decode() == article_id]
    return RecordCodec(ARTICLES_ENRICHED).decode(values[-1])
