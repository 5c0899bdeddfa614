"""Webhooks and mail: signed, each state once, tried again, dead in the end, nobody delayed."""

import asyncio
import email
import json
from collections.abc import Callable
from email import policy

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from server_parts import HOSTILE, NOW_MS, alert, parts, take

from local.ports import any_free
from schemas.alert import AlertArticle
from serving import messages, signing
from serving.channels import NotDelivered, Subscription, channels, check_target
from serving.deliveries import Deliveries
from serving.errors import BadTarget
from serving.settings import Role
from serving.streams import wish

ALL = wish(["alert"], [], [], [], 0)
PATIENCE_S = 120


class Subscriber:
    """Someone's web server; `answers` says with which status."""

    def __init__(self, answers: Callable[[int], int] = lambda _: 200) -> None:
        self.got = []
        self.answers = answers
        self.holds = None

    async def answer(self, request):
        self.got.append((dict(request.headers), await request.read()))
        if self.holds:
            await self.holds.wait()
        return web.Response(
            status=self.answers(len(self.got)), headers={"location": "http://127.0.0.1:1/"}
        )


@pytest.fixture
async def at_address():
    """Serves subscribers, each at an address of its own."""
    runners = []

    async def serve(subscriber):
        app = web.Application()
        app.router.add_post("/hook", subscriber.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}/hook"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def delivering(services):
    """Runs the deliveries of services that may call private addresses."""
    settings = services.settings.model_copy(
        update={
            "webhook_private": True,
            "webhook_first_retry_s": 0.01,
            "webhook_attempts": 3,
            "webhook_timeout_s": 5,
        }
    )
    clock = {"ms": NOW_MS}
    async with channels(settings, "http://console.example") as ways:
        made = Deliveries(services.history, ways, settings, services.metrics, lambda: clock["ms"])
        services.deliveries = made
        task = asyncio.create_task(made.run())

        async def tick():
            while True:
                await asyncio.sleep(0.02)
                clock["ms"] += 50

        ticking = asyncio.create_task(tick())
        yield made
        made.close()
        await task
        ticking.cancel()


async def until(holds):
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def settled(made, subscription, count=1):
    """The deliveries of a subscription once none waits."""

    async def done():
        rows = await made.shown(subscription.id, 10)
        return len(rows) >= count and all(row["state"] != "waiting" for row in rows)

    await until(done)
    return await made.shown(subscription.id, 10)


async def test_each_state_of_an_alert_is_delivered_once_and_signed(
    services, delivering, at_address
):
    subscriber = Subscriber()
    made = await delivering.subscribe("webhook", await at_address(subscriber), ALL, by="ada")
    first = alert(raised_ms=made.created_ms)
    second = alert(sequence=2, state="confirmed", raised_ms=made.created_ms)
    await take(services, first)
    await take(services, first, second)
    await delivering.alerts([first])
    await settled(delivering, made, 2)
    assert len(subscriber.got) == 2
    headers, body = subscriber.got[0]
    lower = {name.lower(): value for name, value in headers.items()}
    now_s = int(lower["webhook-timestamp"])
    assert signing.verify(made.secret, lower, body, now_s=now_s) == f"{made.id}.a1.1"
    assert json.loads(body)["type"] == "alert.opened"
    assert json.loads(subscriber.got[1][1])["type"] == "alert.confirmed"


async def test_a_subscriber_hears_only_of_what_it_asked_for_and_since_it_asked(
    services, delivering, at_address
):
    subscriber = Subscriber()
    asked = wish(["alert"], ["sport"], [], [], 0.5)
    made = await delivering.subscribe("webhook", await at_address(subscriber), asked, by="ada")
    later = made.created_ms + 1
    await take(services, alert("old", desk="sport", raised_ms=later - 3_600_000))
    await take(services, alert("other", desk="world", raised_ms=later), offset=1)
    await take(services, alert("wanted", desk="sport", raised_ms=later), offset=2)
    rows = await settled(delivering, made)
    assert [row["alert_id"] for row in rows] == ["wanted"]


async def test_who_was_told_of_an_alert_hears_its_end_whatever_its_score(
    services, delivering, at_address
):
    asked = wish(["alert"], [], [], [], 0.5)
    made = await delivering.subscribe("webhook", await at_address(Subscriber()), asked, by="ada")
    at_ms = made.created_ms
    await take(services, alert("told", raised_ms=at_ms))
    await settled(delivering, made)
    ends = [
        alert(name, sequence=2, state="closed", score=0.1, low=0.0, raised_ms=at_ms)
        for name in ("told", "unheard")
    ]
    low = alert("unheard", score=0.2, low=0.1, raised_ms=at_ms)
    await take(services, low, *ends, offset=1)
    rows = await settled(delivering, made, 2)
    assert [(row["alert_id"], row["sequence"]) for row in rows] == [("told", 2), ("told", 1)]


async def test_a_failed_delivery_is_tried_again_then_dead_then_revived(
    services, delivering, at_address
):
    subscriber = Subscriber(lambda n: 500 if n <= 3 else 200)
    made = await delivering.subscribe("webhook", await at_address(subscriber), ALL, by="ada")
    await take(services, alert(raised_ms=made.created_ms))
    (row,) = await settled(delivering, made)
    assert (row["state"], row["attempts"]) == ("dead", 3)
    assert "status 500" in row["error"]
    assert await delivering.revive(row["id"])
    assert not await delivering.revive(row["id"])
    (row,) = await settled(delivering, made)
    assert row["state"] == "delivered"
    identities = {dict(h)["webhook-id"] for h, _ in subscriber.got}
    assert len(identities) == 1


async def test_a_slow_subscriber_delays_no_other(services, delivering, at_address):
    slow, quick = Subscriber(), Subscriber()
    slow.holds = asyncio.Event()
    held = await delivering.subscribe("webhook", await at_address(slow), ALL, by="ada")
    other = await delivering.subscribe("webhook", await at_address(quick), ALL, by="ada")
    await take(services, *(alert(f"a{n}", raised_ms=other.created_ms) for n in range(3)))
    rows = await settled(delivering, other, 3)
    assert all(row["state"] == "delivered" for row in rows)
    assert {row["state"] for row in await delivering.shown(held.id, 10)} == {"waiting"}
    slow.holds.set()


async def test_a_subscriber_that_is_gone_is_asked_no_more(services, delivering, at_address):
    subscriber = Subscriber(lambda _: 410)
    made = await delivering.subscribe("webhook", await at_address(subscriber), ALL, by="ada")
    await take(services, alert(raised_ms=made.created_ms))
    (row,) = await settled(delivering, made)
    assert row["state"] == "dead"

    async def ended():
        return delivering.all() == []

    await until(ended)


async def test_a_redirect_is_not_followed(services, delivering, at_address):
    subscriber = Subscriber(lambda _: 307)
    made = await delivering.subscribe("webhook", await at_address(subscriber), ALL, by="ada")
    await take(services, alert(raised_ms=made.created_ms))
    (row,) = await settled(delivering, made)
    assert "status 307" in row["error"]


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/x", "http://0x7f.1/", "http://[::1]/", "http://localhost:9/"]
)
async def test_a_private_address_is_never_called(services, target):
    async with channels(services.settings, "http://console.example") as ways:
        told = Subscription("s", "webhook", target, "0123456789abcdef", ALL, 0)
        with pytest.raises(NotDelivered, match="private address"):
            await ways["webhook"].tell(told, alert())


async def test_two_servers_deliver_once(tmp_path, services, delivering, at_address, kafka):
    subscriber = Subscriber()
    made = await delivering.subscribe("webhook", await at_address(subscriber), ALL, by="ada")
    other = parts(f"sqlite:///{tmp_path}/serve.sqlite", kafka)
    await other.deliveries.open()
    await take(services, alert(raised_ms=made.created_ms))
    await take(other, alert(raised_ms=made.created_ms))
    await settled(delivering, made)
    assert len(subscriber.got) == 1
    await other.redis.close()
    await other.history.close()


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("webhook", "ftp://x.example/"),
        ("webhook", "javascript:alert(1)"),
        ("slack", "x"),
        ("mail", "ada@example.org"),
    ],
)
async def test_a_target_that_is_none_is_refused(delivering, kind, target):
    with pytest.raises(BadTarget):
        await delivering.subscribe(kind, target, ALL, by="ada")


@pytest.mark.parametrize("target", ["nobody", "a@b", "a b@c.example", "a@c.example\r\nBcc: x"])
def test_an_address_of_mail_that_is_none_is_refused(target):
    with pytest.raises(BadTarget):
        check_target("mail", target)


async def test_the_api_makes_lists_and_ends_subscriptions(as_role, delivering):
    admin = await as_role(Role.ADMIN)
    body = {"kind": "slack", "target": "https://hooks.slack.example/x", "desks": ["world"]}
    made = (await admin.post("/v1/subscriptions", json=body)).json()
    assert made["desks"] == ["world"]
    assert [s["id"] for s in (await admin.get("/v1/subscriptions")).json()] == [made["id"]]
    assert (await admin.get(f"/v1/subscriptions/{made['id']}/deliveries")).json() == []
    assert (await admin.delete(f"/v1/subscriptions/{made['id']}")).status_code == 204
    assert (await admin.delete(f"/v1/subscriptions/{made['id']}")).status_code == 404
    actions = [a["action"] for a in (await admin.get("/v1/history/actions")).json()]
    assert actions == ["unsubscribe", "subscribe"]


async def test_mail_comes_as_plain_text_and_headlines_add_no_headers(services):
    class Inbox:
        def __init__(self):
            self.mails = []

        async def handle_DATA(self, server, session, envelope):  # noqa: N802, ARG002  aiosmtpd
            self.mails.append((envelope.rcpt_tos, envelope.content))
            return "250 OK"

    inbox = Inbox()
    port = any_free(avoid=set())
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings = services.settings.model_copy(
            update={"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
        )
        async with channels(settings, "http://console.example") as ways:
            told = Subscription("s", "mail", "ada@example.org", None, ALL, 0)
            await ways["mail"].tell(told, alert(title=HOSTILE))
    finally:
        controller.stop()
    ((to, content),) = inbox.mails
    mail = email.message_from_bytes(content, policy=policy.default)
    assert to == ["ada@example.org"]
    assert mail.get_content_type() == "text/plain"
    assert mail["bcc"] is None
    assert "<script>" in mail["subject"]
    assert "8 independent sources in 15 minutes" in mail.get_content()


def test_slack_and_teams_get_headlines_without_markup():
    lead = AlertArticle(
        article_id="x", title="t", source="a|b<c>", url="https://a.example/?q=1&r=2"
    )
    bad = AlertArticle(article_id="y", title="t", source="b", url="javascript:alert(1)")
    hostile = alert(title=HOSTILE, lead_articles=[lead, bad])
    slack = messages.as_slack(hostile, "http://console.example")
    assert "<script>" not in slack["text"]
    markdown = [b["text"]["text"] for b in slack["blocks"] if b["text"]["type"] == "mrkdwn"]
    assert markdown[0] == "<https://a.example/?q=1&amp;r=2|a¦b&lt;c&gt;>"
    card = messages.as_teams(hostile, "http://console.example")["attachments"][0]["content"]
    assert card["body"][0]["text"].startswith(r"Breaking: \<script\>")
    assert [a["url"] for a in card["actions"]] == ["http://console.example", lead.url]


def test_the_state_is_in_the_headline():
    assert messages.headline(alert(state="corrected")).startswith("Correction: ")
