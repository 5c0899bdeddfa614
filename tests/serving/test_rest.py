"""What is answered: articles joined, stories, alerts and why, commands, and plain refusals."""

import pytest
from server_parts import HOSTILE, NOW_MS, alert, answer, article, command, placed, story, take

from schemas.audience import AudienceMood
from schemas.errors import ServiceError
from schemas.topics import EDITORIAL_CONTROL
from serving.middleware import HEADERS
from serving.routes.feed import FeedAnswer
from serving.streams import wish

ASKED_FOR = {
    "article_id",
    "topics",
    "tags",
    "entities",
    "sentiment",
    "tone_score",
    "summary",
    "importance",
    "breaking_score",
    "story",
    "personalized_rank",
    "audience_mood",
}


@pytest.fixture
async def told(services):
    """A story with an article, an alert and the readers' mood."""
    mood = AudienceMood(
        subject="article/art1",
        at_ms=NOW_MS,
        half_life_s=3600,
        comments=4,
        authors=4,
        effective_size=3.5,
        capped_authors=0,
        near_copies=0,
        late_ignored=0,
        updated_ms=NOW_MS,
    )
    await take(services, story(), placed(), article(), alert(), mood)


async def test_an_article_is_joined_from_the_topics(reader, told):
    found = (await reader.get("/v1/articles/art1")).json()
    assert found.keys() >= ASKED_FOR
    assert found["breaking_score"] == 0.6
    assert found["story"]["story_id"] == "s1"
    assert found["audience_mood"]["comments"] == 4
    assert found["sentiment"]["label"] == "negative"
    assert found["personalized_rank"] is None
    assert "embedding" not in found


async def test_an_article_without_redis_is_marked_stale_and_an_unknown_one_is_unavailable(
    reader, told
):
    assert (await reader.get("/v1/articles/art1")).json()["stale"]
    unknown = await reader.get("/v1/articles/none")
    assert unknown.status_code == 503
    assert unknown.json()["detail"] == "Redis is away"
    assert unknown.headers["retry-after"]


async def test_the_article_has_its_place_in_a_readers_feed(services, reader, told):
    services.feeds._feed.refresh({}, NOW_MS)
    found = (await reader.get("/v1/articles/art1", params={"user": "u1"})).json()
    assert found["personalized_rank"] == 1


async def test_a_feed_is_what_its_schema_says(services, reader, told):
    services.feeds._feed.refresh({}, NOW_MS)
    found = (await reader.get("/v1/feed/u1")).json()
    assert [item["article_id"] for item in found["items"]] == ["art1"]
    assert found["items"][0]["reasons"]
    assert FeedAnswer.model_validate(found).model_dump(mode="json") == found


async def test_a_feed_follows_each_change_of_an_alert_and_of_what_is_pinned(services, reader, told):
    services.feeds._feed.refresh({}, NOW_MS)

    async def top() -> str:
        return (await reader.get("/v1/feed/u1")).json()["items"][0]["strategy"]

    assert await top() == "override"
    await take(services, alert(sequence=9, state="dismissed"))
    assert await top() == "cold_start"
    await take(services, command("pin", "pinned", story_id="s1"))
    assert await top() == "pick"
    await take(services, command("undo", "undone", undoes="pinned"))
    assert await top() == "cold_start"


async def test_a_correction_shows_at_once_and_is_kept_as_a_label(services, reader, editor, told):
    body = {
        "kind": "correct_article",
        "article_id": "art1",
        "command_id": "fix",
        "corrections": {"sentiment": "positive", "topics": ["medtop:9"], "importance": 0.1},
    }
    assert (await editor.post("/v1/editorial/commands", json=body)).status_code == 202
    sent = command(
        "correct_article",
        "fix",
        article_id="art1",
        corrections={"sentiment": '"positive"', "topics": '["medtop:9"]', "importance": "0.1"},
    )
    await take(services, sent)
    found = (await reader.get("/v1/articles/art1")).json()
    assert found["sentiment"]["label"] == "positive"
    assert [t["code"] for t in found["topics"]] == ["medtop:9"]
    assert found["importance"] == 0.1
    assert found["corrected"].keys() == {"sentiment", "topics", "importance"}
    labels = (await editor.get("/v1/history/labels")).json()
    before = {label["field"]: label["before"] for label in labels}
    assert before["sentiment"]["label"] == "negative"
    assert before["importance"] == 0.7

    await take(services, command("undo", "u", undoes="fix"), offset=1)
    assert (await reader.get("/v1/articles/art1")).json()["sentiment"]["label"] == "negative"
    assert (await editor.get("/v1/history/labels")).json() == []


@pytest.mark.parametrize(
    "corrections",
    [
        {"title": "x"},
        {"importance": 2},
        {"importance": "high"},
        {"sentiment": "angry"},
        {"tags": [1]},
        {"topics": "medtop:1"},
    ],
)
async def test_a_correction_that_is_none_is_refused(kafka, editor, corrections):
    body = {"kind": "correct_article", "article_id": "a", "corrections": corrections}
    answer = await editor.post("/v1/editorial/commands", json=body)
    assert answer.status_code == 422
    assert kafka.sent == []


async def test_stories_with_timeline_members_and_alerts(reader, told):
    (listed,) = (await reader.get("/v1/stories", params={"desk": "world"})).json()["stories"]
    assert listed["alerts"] == ["a1"]
    assert "embedding" not in listed
    found = (await reader.get("/v1/stories/s1")).json()
    assert found["members"][0]["article_id"] == "art1"
    assert found["history"][0]["observed"] == 2
    assert (await reader.get("/v1/stories/none")).status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 1), ("desk=sport", 0), ("language=de", 0), ("min_score=0.95", 0), ("open=true", 1)],
)
async def test_alerts_are_filtered(reader, told, query, count):
    assert len((await reader.get(f"/v1/alerts?{query}")).json()["alerts"]) == count


async def test_an_explanation_has_words_evidence_and_what_editors_did(services, reader, told):
    await take(services, command("confirm", alert_id="a1"), answer(kind="confirm"), offset=5)
    await take(services, alert(sequence=2, state="confirmed", by="ada"), offset=6)
    found = (await reader.get("/v1/alerts/a1/explanation")).json()
    assert "8 independent sources in 15 minutes" in " ".join(found["why"])
    assert "412 readers came to it in 15 minutes" in " ".join(found["why"])
    assert (found["readers"]["observed"], found["readers"]["score"]) == (412, None)
    assert "at least 8 independent sources carry it within 6 hours" in found["why"][0]
    assert [s["state"] for s in found["states"]] == ["opened", "confirmed"]
    assert found["timeline"][0]["observed"] == 2
    assert found["decisions"][0]["outcome"] == "applied"


async def test_what_left_the_wall_is_found_in_the_history(services, reader, told):
    services.wall.alerts.clear()
    services.wall.stories.clear()
    assert (await reader.get("/v1/alerts/a1")).json()["alert_id"] == "a1"
    assert (await reader.get("/v1/stories/s1")).json()["story_id"] == "s1"


async def test_a_command_carries_who_gave_it_and_when(kafka, editor):
    given = {"kind": "dismiss", "alert_id": "a1", "reason": "old", "command_id": "c9"}
    answer = await editor.post("/v1/editorial/commands", json=given)
    assert answer.json()["outcome"] == "pending"
    ((topic, key, sent),) = kafka.sent
    assert (topic, key) == (EDITORIAL_CONTROL.name, b"c9")
    assert (sent.author, sent.issued_ms, sent.reason) == ("a editor", NOW_MS, "old")


async def test_a_command_is_refused_in_words_while_kafka_is_away(kafka, editor, admin):
    kafka.away = True
    answer = await editor.post("/v1/editorial/commands", json={"kind": "pin", "story_id": "s"})
    assert answer.status_code == 503
    assert "was not given" in answer.json()["detail"]
    (action,) = (await admin.get("/v1/history/actions")).json()
    assert (action["who"], action["action"], action["outcome"]) == ("a editor", "pin", "refused")
    assert action["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "dismiss", "alert_id": "a"},
        {"kind": "mute"},
        {"kind": "override_score", "story_id": "s", "value": 3},
        {"kind": "set_budget", "desk": "d", "value": -1},
        {"kind": "split", "story_id": "s"},
        {"kind": "erase"},
        {"kind": "pin", "story_id": "s", "author": "someone else"},
    ],
)
async def test_an_incomplete_command_is_refused(kafka, editor, body):
    assert (await editor.post("/v1/editorial/commands", json=body)).status_code == 422
    assert kafka.sent == []


async def test_a_command_can_wait_for_its_answer(services, editor):
    body = {"kind": "pin", "story_id": "s1", "command_id": "c1"}
    await take(services, command(story_id="s1"), answer())
    answered = await editor.post("/v1/editorial/commands", params={"wait_s": 5}, json=body)
    assert answered.json()["outcome"] == "applied"
    assert (await editor.get("/v1/editorial/commands/c1")).json()["answers"][0]["job"] == "breaking"
    assert (await editor.get("/v1/editorial/commands/none")).status_code == 404


async def test_every_answer_has_its_headers_and_an_id(reader, stranger):
    for given in (await reader.get("/v1/alerts"), await stranger.get("/nothing")):
        for name, value in HEADERS.items():
            assert given.headers[name] == value
        assert given.headers["x-request-id"]
        assert "server" not in given.headers
    given = await reader.get("/healthz", headers={"x-request-id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    forged = await reader.get("/healthz", headers={"x-request-id": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"


async def test_other_sites_may_not_call(reader):
    answer = await reader.get("/v1/alerts", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_body_that_is_too_large_is_refused(services, editor):
    large = "x" * (services.settings.max_body_kib * 1024 + 1)
    answer = await editor.post("/v1/search", json={"query": large})
    assert answer.status_code == 413

    async def pieces():
        yield b'{"query": "'
        for _ in range(services.settings.max_body_kib + 1):
            yield b"x" * 1024

    assert (await editor.post("/v1/search", content=pieces())).status_code == 413


async def test_who_asks_too_often_waits(services, reader, stranger):
    services.limits._burst = 3
    services.limits._clock = lambda: 0.0
    answers = [await reader.get("/v1/me") for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    guesses = [await stranger.get("/v1/me") for _ in range(5)]
    assert guesses[-1].status_code == 429


async def test_a_defect_shows_no_trace(services, reader, monkeypatch):
    monkeypatch.setattr(services, "wall", None)
    answer = await reader.get("/v1/alerts")
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the server has a defect; its log tells"
    assert "NoneType" not in answer.text


async def test_health_readiness_and_metrics(services, stranger, reader):
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    ready = await stranger.get("/readyz")
    assert ready.json() == {"ready": True, "away": ["redis"]}
    text = (await reader.get("/metrics")).text
    assert 'wiredesk_serve_answers_total{method="GET",route="/readyz",status="200"} 1.0' in text
    assert "wiredesk_serve_redis_up 0.0" in text


async def test_without_models_analyze_says_so_and_search_goes_by_words(reader, told):
    answer = await reader.post("/v1/analyze", json={"title": "Bridge"})
    assert answer.status_code == 503
    assert "without models" in answer.json()["detail"]
    found = (await reader.post("/v1/search", json={"query": "the bridge"})).json()
    assert not found["semantic"]
    assert "words alone" in found["note"]
    assert [hit["article_id"] for hit in found["hits"]] == ["art1"]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"languages": ["en"]}, 1),
        ({"languages": ["de"]}, 0),
        ({"sources": ["courier.example"]}, 1),
        ({"topics": ["medtop:2"]}, 0),
        ({"entities": ["marenholm"]}, 1),
        ({"entities": ["Q2"]}, 0),
        ({"story_id": "s1"}, 1),
        ({"min_importance": 0.8}, 0),
        ({"published_from_ms": NOW_MS + 1}, 0),
        ({"published_to_ms": NOW_MS - 1}, 0),
    ],
)
async def test_search_is_filtered(reader, told, wanted, count):
    found = (await reader.post("/v1/search", json={"query": "bridge"} | wanted)).json()
    assert len(found["hits"]) == count


async def test_hostile_headlines_are_data(services, reader):
    await take(services, article(title=HOSTILE), alert(title=HOSTILE))
    answer = await reader.get("/v1/alerts")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["alerts"][0]["title"] == HOSTILE


async def test_graphql_answers_as_rest_does(reader, told):
    query = """{
      alerts(desks: ["world"]) { alertId score raisedMs windows { observed } readers { observed expected } }
      story(id: "s1") { title members { articleId } mood { comments } }
      article(id: "art1") { breakingScore story { storyId } topics { names } }
      explanation(alertId: "a1") { why }
      search(query: "bridge") { hits { articleId } }
      none: story(id: "none") { title }
    }"""
    data = (await reader.post("/v1/graphql", json={"query": query})).json()["data"]
    assert data["alerts"] == [
        {
            "alertId": "a1",
            "score": 0.9,
            "raisedMs": NOW_MS,
            "windows": [{"observed": 8}],
            "readers": {"observed": 412, "expected": 60.0},
        }
    ]
    assert data["story"]["members"] == [{"articleId": "art1"}]
    assert data["article"]["breakingScore"] == 0.6
    assert data["explanation"]["why"]
    assert data["search"]["hits"] == [{"articleId": "art1"}]
    assert data["none"] is None


async def test_graphql_is_bounded_and_closed(reader, stranger):
    assert (await stranger.post("/v1/graphql", json={"query": "{__typename}"})).status_code == 401
    deep = "{ __schema { types " + "{ fields { type " * 9 + "{ name }" + "}}" * 9 + " } }"
    assert "errors" in (await reader.post("/v1/graphql", json={"query": deep})).json()
    many = "{" + " ".join(f"a{n}: alerts {{ alertId }}" for n in range(50)) + "}"
    assert "errors" in (await reader.post("/v1/graphql", json={"query": many})).json()
    assert (
        "errors"
        in (
            await reader.post("/v1/graphql", json={"query": "{ alerts(limit: 9999) { alertId } }"})
        ).json()
    )


async def test_streams_go_on_while_the_database_is_away_and_the_history_catches_up(
    services, reader, monkeypatch
):
    working = services.history.record

    async def away(_):
        raise ServiceError("the database (postgresql) is away")

    monkeypatch.setattr(services.history, "record", away)
    subscriber, _ = services.hub.subscribe(wish(["alert"], [], [], [], 0), None)
    await take(services, alert())
    assert len(await subscriber.take(0.01)) == 1
    assert len(services.unwritten) == 1
    monkeypatch.setattr(services.history, "record", working)
    await take(services, story())
    assert len(services.unwritten) == 0
    services.wall.alerts.clear()
    assert (await reader.get("/v1/alerts/a1")).status_code == 200
