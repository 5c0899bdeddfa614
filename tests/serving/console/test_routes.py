import re
import time

import httpx
from newsroom import BROKE, morning, take
from newsroom_records import held

from serving.console import pages
from serving.console.decisions import UNDO_MS
from serving.settings import Role

SCRIPT = '<script>alert("x")</script>'


async def filled(desk) -> None:
    await take(desk.services, morning(time.time_ns() // 1_000_000, *BROKE))


def waiting(desk):
    return next(a for a in desk.services.wall.open_alerts() if a.story_id == "s-marenholm")


async def test_every_page_answers_with_and_without_news(desk):
    for _ in range(2):
        for path, name, _ in pages.PAGES:
            answer = await desk.http.get(path)
            assert answer.status_code == 200, path
            assert f"{name} · Wiredesk</title>" in answer.text
        await filled(desk)


async def test_pages_hold_to_a_strict_policy_and_carry_no_script_or_style_of_their_own(desk):
    await filled(desk)
    for path in [path for path, _, _ in pages.PAGES] + ["/console?open=s-marenholm", "/login"]:
        answer = await desk.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert re.findall(r"<script(?![^>]*\bsrc=)", answer.text) == []
        assert re.findall(r"<[^>]+\s(?:style|on\w+)=", answer.text) == []
        assert (
            re.findall(r"""(?:src|href)=["'](?:https?:)?//(?!\w+\.example/)""", answer.text) == []
        )


async def test_hostile_texts_are_escaped_wherever_they_stand(desk):
    await filled(desk)
    story = desk.services.wall.story("s-marenholm")
    article = desk.services.wall.articles.get(story.lead_article_id)
    hostile = {"title": SCRIPT, "summary": SCRIPT}
    entities = [story.entities[0].model_copy(update={"name": SCRIPT})]
    newer = {"ingested_ms": article.ingested_ms + 1, "url": "javascript:alert(1)"}
    alert = waiting(desk).model_copy(
        update={"sequence": 9, "title": SCRIPT, "reasons": [SCRIPT], "note": SCRIPT}
    )
    await take(
        desk.services,
        [
            story.model_copy(update=hostile | {"entities": entities}),
            article.model_copy(update=hostile | newer | {"tags": [SCRIPT]}),
            alert,
            held(text=SCRIPT, masked_text=SCRIPT, desk=SCRIPT),
        ],
    )
    paths = ["/console", "/console?open=s-marenholm", f"/console?q={SCRIPT}&desk={SCRIPT}"]
    paths += [f"/console/dialogs/{kind}?story=s-marenholm" for kind in ("mute", "merge", "split")]
    paths += [f"/console/dialogs/correct_article?article={article.article_id}"]
    paths += ["/console/moderation", "/console/decisions", f"/console/reader?user={SCRIPT}"]
    for path in paths:
        text = (await desk.http.get(path)).text
        assert "&lt;script&gt;" in text or path == "/console/decisions", path
        assert SCRIPT not in text, path
        assert "javascript:" not in text, path


async def test_confirm_reaches_control_and_shows_at_once(desk):
    await filled(desk)
    alert = waiting(desk)
    answer = await desk.give(kind="confirm", alert_id=alert.alert_id, desk="world")
    assert answer.json()["said"] == "Confirmed"
    (command,) = desk.kafka.sent
    assert (command.kind, command.alert_id, command.author) == ("confirm", alert.alert_id, "ada")
    page = (await desk.http.get("/console?open=s-marenholm")).text
    assert "Confirmed by ada" in page

    await desk.give(kind="undo", undoes=answer.json()["undo"])
    assert "Confirmed by ada" not in (await desk.http.get("/console?open=s-marenholm")).text


async def test_only_ones_own_decision_of_the_last_minute_is_taken_back(desk):
    await filled(desk)
    given = await desk.give(kind="confirm", alert_id=waiting(desk).alert_id)
    undo = {"kind": "undo", "undoes": given.json()["undo"]}
    assert f'data-undo="{undo["undoes"]}"' in (await desk.http.get("/console")).text
    await desk.log_in("bob")
    assert (await desk.give(**undo)).status_code == 422

    await desk.log_in("ada")
    now_ms = desk.services.now_ms
    desk.services.now_ms = lambda: now_ms() + UNDO_MS
    assert (await desk.give(**undo)).status_code == 422
    desk.services.now_ms = now_ms
    assert (await desk.give(**undo)).status_code == 200


async def test_correction_shows_at_once(desk):
    await filled(desk)
    article_id = desk.services.wall.story("s-marenholm").lead_article_id
    answer = await desk.http.post(
        "/console/corrections",
        data={"article_id": article_id, "sentiment": "positive"},
        headers={"x-csrf-token": desk.csrf, "x-live": "1"},
    )
    assert answer.json()["said"] == "Corrected sentiment"
    dialog = (await desk.http.get(f"/console/dialogs/correct_article?article={article_id}")).text
    assert 'value="positive" checked' in dialog


async def test_form_without_script_comes_back_to_its_story(desk):
    await filled(desk)
    fields = {"kind": "unpin", "story_id": "s-marenholm", "csrf": desk.csrf}
    answer = await desk.http.post("/console/commands", data=fields)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console?open=s-marenholm"


async def test_command_without_the_sessions_token_is_refused(desk):
    for token in ("", "wrong"):
        answer = await desk.http.post(
            "/console/commands", data={"kind": "unpin", "story_id": "s", "csrf": token}
        )
        assert answer.status_code == 403
    assert desk.kafka.sent == []


async def test_reader_sees_everything_and_steers_nothing(desk):
    await filled(desk)
    await desk.log_in("rea", Role.READER)
    page = (await desk.http.get("/console?open=s-marenholm")).text
    assert "Why" in page
    assert "<button" in page
    assert 'data-command="confirm"' not in page
    assert (await desk.give(kind="unpin", story_id="s")).status_code == 403


async def test_kafka_away_is_said_and_nothing_pretends_to_be_given(desk):
    await filled(desk)
    desk.kafka.away = True
    answer = await desk.give(kind="confirm", alert_id=waiting(desk).alert_id)
    assert answer.status_code == 503
    assert "not given" in answer.json()["error"]
    assert "Confirmed by" not in (await desk.http.get("/console")).text


async def test_incomplete_form_says_what_is_missing(desk):
    answer = await desk.give(kind="dismiss", alert_id="a1")
    assert (answer.status_code, "reason" in answer.json()["error"]) == (422, True)


async def test_stranger_is_led_to_the_login_and_back(desk):
    desk.http.cookies.clear()
    answer = await desk.http.get("/console?desk=world")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fconsole%3Fdesk%3Dworld"
    assert (await desk.http.get("/console", headers={"x-live": "1"})).status_code == 401

    key = await desk.services.access.add_key("bob", Role.EDITOR)
    answer = await desk.http.post("/login", data={"key": key, "next": "/console?desk=world"})
    assert answer.headers["location"] == "/console?desk=world"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert (await desk.http.get("/console")).status_code == 200


async def test_login_leads_to_no_other_site(desk):
    key = await desk.services.access.add_key("bob", Role.EDITOR)
    for elsewhere in ("https://evil.example", "//evil.example/console", "/\\evil.example"):
        answer = await desk.http.post("/login", data={"key": key, "next": elsewhere})
        assert answer.headers["location"] == "/console"


async def test_login_link_is_used_up_by_its_button_not_by_looking(desk):
    desk.http.cookies.clear()
    link = await desk.services.access.add_login_link("eve", Role.EDITOR)
    for _ in range(2):
        assert (await desk.http.get(link)).status_code == 200
    assert (await desk.http.post(link)).status_code == 303
    again: httpx.Response = await desk.http.post(link)
    assert again.status_code == 401
    assert "used" in again.text


async def test_logging_out_needs_the_token_and_ends_the_session(desk):
    assert (await desk.http.post("/logout", data={"csrf": "no"})).status_code == 403
    assert (await desk.http.post("/logout", data={"csrf": desk.csrf})).status_code == 303
    assert (await desk.http.get("/console")).status_code == 303


async def test_files_have_addresses_that_change_with_them_and_may_be_kept(desk):
    address = re.search(r'href="([^"]+console\.css)"', (await desk.http.get("/login")).text)[1]
    answer = await desk.http.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert "http" not in re.sub(r"/\*.*?\*/", "", answer.text)


async def test_story_address_for_people_opens_it_on_the_wall(desk):
    answer = await desk.http.get("/console/stories/s-marenholm")
    assert answer.headers["location"] == "/console?open=s-marenholm"


async def test_unknown_story_and_form_are_said_in_words(desk):
    assert "not at hand" in (await desk.http.get("/console?open=none")).text
    assert (await desk.http.get("/console/dialogs/launch")).status_code == 404
    assert (await desk.http.get("/console/dialogs/mute?story=none")).status_code == 404


async def test_address_that_leads_nowhere_is_said_in_words(desk):
    answer = await desk.http.get("/console/nosuch")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text
