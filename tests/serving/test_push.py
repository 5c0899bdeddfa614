"""Publishers push: signed, normalised, once."""

import json

import pytest
from server_parts import NOW_MS

from ingest.normalise import Origin
from schemas.codec import RecordCodec
from schemas.errors import ServiceError, SettingError
from schemas.topics import ARTICLES_RAW
from serving import signing
from serving.errors import BadPush, BadSignature
from serving.push import PUBLISHER, Publisher, Push, read_publishers

SECRET = signing.new_secret()


@pytest.fixture
def push(kafka):
    known = {"courier": Publisher(SECRET, Origin(name="courier", source="courier.example"))}
    return Push(known, kafka, RecordCodec(ARTICLES_RAW))


def signed(body, *, message="m1", now_ms=NOW_MS, secret=SECRET, publisher="courier"):
    data = json.dumps(body).encode()
    return signing.headers(secret, message, data, now_s=now_ms // 1000) | {
        PUBLISHER: publisher
    }, data


def bodies(*articles):
    return {"articles": list(articles)}


async def test_a_push_is_normalised_as_feeds_are(push, kafka):
    headers, data = signed(
        bodies(
            {
                "url": "http://www.Courier.example/7?utm_source=cms",
                "title": "Bridge &amp; ferry",
                "body": "<p>Closed.</p><script>x()</script>",
                "published": "2026-11-01T08:00:00+01:00",
                "authors": ["A. Writer"],
            }
        )
    )
    pushed = await push.take(headers, data, now_ms=NOW_MS)
    ((topic, key, article),) = kafka.sent
    assert topic == "articles.raw"
    assert pushed.article_ids == [key.decode()] == [article.article_id]
    assert article.url == "http://www.courier.example/7"
    assert (article.source, article.title) == ("courier.example", "Bridge & ferry")
    assert "Closed." in article.body
    assert "x()" not in article.body
    assert article.published_ms == 1_793_516_400_000
    assert article.metadata["feed"] == "courier"


async def test_the_same_message_is_sent_once(push, kafka):
    headers, data = signed(bodies({"url": "https://courier.example/1", "title": "Rain"}))
    first = await push.take(headers, data, now_ms=NOW_MS)
    again = await push.take(headers, data, now_ms=NOW_MS + 1000)
    assert again.article_ids == first.article_ids
    assert again.repeated
    assert len(kafka.sent) == 1


async def test_a_push_that_kafka_did_not_take_may_come_again(push, kafka):
    headers, data = signed(bodies({"url": "https://courier.example/1", "title": "Rain"}))
    kafka.away = True
    with pytest.raises(ServiceError):
        await push.take(headers, data, now_ms=NOW_MS)
    kafka.away = False
    assert not (await push.take(headers, data, now_ms=NOW_MS)).repeated
    assert len(kafka.sent) == 1


async def test_what_has_no_text_is_refused_by_its_place(push, kafka):
    headers, data = signed(bodies({"url": "https://courier.example/1"}, {"title": "Rain"}))
    pushed = await push.take(headers, data, now_ms=NOW_MS)
    assert [r.place for r in pushed.refused] == [0]
    assert len(pushed.article_ids) == len(kafka.sent) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"secret": signing.new_secret()},
        {"publisher": "nobody"},
        {"now_ms": NOW_MS - 301_000},
        {"now_ms": NOW_MS + 302_000},
        {"message": ""},
    ],
)
async def test_a_push_that_is_not_signed_as_agreed_is_denied(push, kafka, how):
    headers, data = signed(bodies({"title": "Rain"}), **how)
    with pytest.raises(BadSignature):
        await push.take(headers, data, now_ms=NOW_MS)
    assert kafka.sent == []


async def test_a_changed_body_is_denied(push):
    headers, data = signed(bodies({"title": "Rain"}))
    with pytest.raises(BadSignature):
        await push.take(headers, data + b" ", now_ms=NOW_MS)


@pytest.mark.parametrize("body", [[], {}, {"articles": []}, bodies({"headline": "x"}), bodies(7)])
async def test_a_body_that_is_none_is_refused(push, body):
    headers, data = signed(body)
    with pytest.raises(BadPush):
        await push.take(headers, data, now_ms=NOW_MS)


def test_publishers_come_from_a_file_and_their_secrets_from_others(tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    file = tmp_path / "publishers.toml"
    file.write_text(
        f'[courier]\nsecret_file = "{tmp_path}/secret"\nsource = "courier.example"\n'
        'timezone = "Europe/Berlin"\n'
    )
    found = read_publishers(file)["courier"]
    assert found.secret == SECRET
    assert found.origin.source == "courier.example"
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "table",
    [
        "[a]",
        '[a]\nsecret = "short"',
        '[a]\nsecret_file = "nowhere"',
        '[a]\nsecret = "0123456789abcdef0"\nzone = "x"',
        '[a]\nsecret = "0123456789abcdef0"\ntimezone = "Nowhere/X"',
        "a = 1",
        "[",
    ],
)
def test_a_file_of_publishers_that_is_none_says_why(tmp_path, table):
    file = tmp_path / "publishers.toml"
    file.write_text(table)
    with pytest.raises(SettingError):
        read_publishers(file)
