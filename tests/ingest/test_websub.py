"""WebSub against a hub of our own on loopback: asked, verified, told, renewed."""

import asyncio
import hashlib
import hmac

import aiohttp
import pytest
from aiohttp import web

from ingest.sources.source import SourceSettings
from ingest.sources_file import load
from ingest.state import State
from ingest.websub import (
    RETRY_MS,
    Subscription,
    WebSubSettings,
    announced,
    is_signed,
    listening,
    renewed,
    verified,
)
from schemas.errors import SetupError

HUB, TOPIC = "https://hub.example/", "https://news.example/rss"
DAY_MS = 24 * 3600 * 1000


def asked(now_ms=0):
    return renewed(None, HUB, TOPIC, now_ms)


def test_feed_with_a_hub_is_subscribed_to_with_secrets_of_its_own():
    one, two = asked(), asked()
    assert (one.hub, one.topic, one.until_ms) == (HUB, TOPIC, 0)
    assert one.token != two.token
    assert one.secret != two.secret


@pytest.mark.parametrize(("hub", "topic"), [("", TOPIC), (HUB, "")])
def test_feed_without_a_hub_is_not(hub, topic):
    assert renewed(None, hub, topic, 0) is None


def test_hub_that_does_not_verify_is_asked_again_after_an_hour():
    first = asked()
    assert renewed(first, HUB, TOPIC, RETRY_MS - 1) is None
    again = renewed(first, HUB, TOPIC, RETRY_MS)
    assert (again.token, again.asked_ms) == (first.token, RETRY_MS)


def test_lease_is_renewed_when_a_quarter_of_it_is_left():
    held = verified(asked(), 24 * 3600, 0)
    assert held.holds(DAY_MS - 1)
    assert not held.holds(DAY_MS)
    assert renewed(held, HUB, TOPIC, DAY_MS * 3 // 4 - 1) is None
    assert renewed(held, HUB, TOPIC, DAY_MS * 3 // 4).until_ms == DAY_MS


def test_another_hub_gets_another_subscription():
    held = verified(asked(), 24 * 3600, 0)
    moved = renewed(held, "https://other.example/", TOPIC, 1)
    assert moved.token != held.token
    assert moved.until_ms == 0


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_signature_of_every_method_is_known(method):
    right = hmac.new(b"s", b"news", getattr(hashlib, method)).hexdigest()
    assert is_signed("s", b"news", f"{method}={right}")
    assert not is_signed("s", b"other", f"{method}={right}")


def test_first_hub_of_a_link_header_counts():
    header = f'<{HUB}>; rel="hub", <https://b.example/>; rel="hub", <{TOPIC}>; rel="self"'
    assert announced({"link": header}, "") == (HUB, TOPIC)
    assert announced({}, "") == ("", "")


def test_callback_that_is_no_address_is_refused(tmp_path):
    file = tmp_path / "feeds.toml"
    file.write_text('feeds = ["https://news.example/rss"]\n[websub]\ncallback = "news.example"\n')
    with pytest.raises(SetupError, match=r"\[websub\] callback"):
        load(file)


class Kafka:
    """Takes everything."""

    def __init__(self):
        self.number = 0

    def begin(self):
        return self.number

    def send(self, batch):
        self.number = batch[-1].number
        return self.number


class Hub:
    """Verifies what it is asked for, and can be told to publish."""

    def __init__(self, site):
        self.asked = []
        site.pages["/hub"] = self.subscribe

    async def subscribe(self, request):
        self.asked.append(dict(await request.post()))
        return web.Response(status=202)

    async def verify(self, callback, **changes):
        wanted = self.asked[-1]
        query = {
            "hub.mode": "subscribe",
            "hub.topic": wanted["hub.topic"],
            "hub.challenge": "c-7",
            "hub.lease_seconds": "3600",
        } | changes
        async with aiohttp.ClientSession() as session, session.get(callback, params=query) as got:
            return got.status, await got.text()

    async def publish(self, callback, body=b"<rss/>", secret=None):
        key = (secret or self.asked[-1]["hub.secret"]).encode()
        signature = hmac.new(key, body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature": f"sha256={signature}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(callback, data=body, headers=headers) as got,
        ):
            return got.status


async def until(satisfied):
    async with asyncio.timeout(30):
        while not satisfied():
            await asyncio.sleep(0.01)


def polls(site):
    return site.paths().count("/rss")


async def test_news_of_a_hub_makes_its_feed_be_asked_at_once(serve, opened, tmp_path):
    site = await serve()
    hub = Hub(site)
    site.pages["/rss"] = (
        f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>T</title>'
        f'<atom:link rel="hub" href="{site.url}/hub"/>'
        f'<atom:link rel="self" href="{site.url}/rss"/></channel></rss>'
    ).encode()
    settings = WebSubSettings(callback="http://callback.example/", listen="127.0.0.1:0")
    stop = asyncio.Event()
    state = State(tmp_path / "state.sqlite")
    async with (
        opened(
            [SourceSettings(url=f"{site.url}/rss", name="t", interval_s=3600)],
            state=state,
            deliverer=Kafka(),
            chance=lambda: 0.0,
            hubs=settings,
        ) as ingest,
        listening(ingest.hubs, settings) as port,
    ):
        running = asyncio.create_task(ingest.run(stop))
        await until(lambda: hub.asked)
        wanted = hub.asked[0]
        assert (wanted["hub.mode"], wanted["hub.topic"]) == (
            "subscribe",
            f"{site.url}/rss",
        )
        token = wanted["hub.callback"].removeprefix(settings.callback)
        callback = f"http://127.0.0.1:{port}/{token}"

        assert (await hub.verify(callback, **{"hub.topic": "another"}))[0] == 404
        assert (await hub.verify(callback.replace(token, "x")))[0] == 404
        assert await hub.verify(callback) == (200, "c-7")
        (kept,) = state.subscriptions().values()
        assert Subscription(**kept).holds(ingest.hubs.now_ms())

        before = polls(site)
        assert await hub.publish(callback, secret="wrong") == 202
        assert await hub.publish(callback) == 202
        await until(lambda: polls(site) == before + 1)
        assert ingest.counts.told == 1

        assert (await hub.verify(callback, **{"hub.mode": "denied"}))[0] == 200
        (kept,) = state.subscriptions().values()
        assert not Subscription(**kept).holds(ingest.hubs.now_ms())
        stop.set()
        await running
