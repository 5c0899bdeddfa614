"""Sources to outbox to Kafka: nothing lost, nothing twice, and nobody held up."""

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import web

from ingest.sources.source import SourceSettings
from ingest.state import State
from schemas.article import Article
from schemas.errors import ServiceError, SetupError

TEXT = "The bridge over the harbour is open again after eleven months of repairs. " * 4
PAGE = f"""<html lang="en"><head><title>{{title}} | The Courier</title>
<meta property="og:site_name" content="The Courier"></head>
<body><article><h1>{{title}}</h1><p>{TEXT}</p><p>{TEXT}</p></article></body></html>"""
DAY_MS = 24 * 3600 * 1000


def rss(*items):
    body = "".join(
        f"<item><title>{title}</title><link>{link}</link><guid>{guid}</guid>"
        f"<description>{text}</description></item>"
        for guid, link, title, text in items
    )
    return f'<rss version="2.0"><channel><title>T</title>{body}</channel></rss>'.encode()


class Kafka:
    """Keeps batches and the number of the last record together, as one transaction does."""

    def __init__(self):
        self.articles = []
        self.number = 0
        self.down = 0

    def begin(self):
        return self.number

    def send(self, batch):
        if self.down:
            self.down -= 1
            raise ServiceError("Kafka is down")
        self.articles += [Article.model_validate_json(record.value) for record in batch]
        self.number = batch[-1].number
        return self.number

    @property
    def titles(self):
        return [article.title for article in self.articles]


class Now:
    """A clock that is moved by hand."""

    def __init__(self):
        self.ms = 1_790_000_000_000

    def __call__(self):
        return self.ms


@pytest.fixture
def kafka():
    return Kafka()


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def ingest(opened, kafka, now):
    """Poll sources once, and count."""

    async def poll(*sources, **more):
        settings = [SourceSettings(**source) for source in sources]
        more |= {"deliverer": kafka, "clock": now, "chance": lambda: 0.0}
        async with opened(settings, **more) as running:
            await running.run_once()
            return running.counts

    return poll


async def test_teasers_become_articles_with_the_text_of_their_pages(serve, ingest, kafka):
    site = await serve()
    site.pages["/rss"] = rss(("1", f"{site.url}/a?utm_source=rss", "Bridge reopens", "Short."))
    site.pages["/a"] = (200, {"Content-Type": "text/html"}, PAGE.format(title="Bridge").encode())
    await ingest({"url": f"{site.url}/rss", "name": "courier"})
    (article,) = kafka.articles
    assert (article.title, article.url) == ("Bridge reopens", f"{site.url}/a")
    assert article.body.startswith("The bridge over the harbour")
    assert (article.language_hint, article.metadata["feed"]) == ("en", "courier")


async def test_nothing_is_sent_twice_and_an_unchanged_feed_costs_one_request(serve, ingest, kafka):
    async def conditional(request):
        if request.headers.get("If-None-Match") == '"7"':
            return web.Response(status=304)
        body = rss(("1", f"{site.url}/a", "Bridge reopens", "Short."))
        return web.Response(body=body, headers={"ETag": '"7"'})

    site = await serve()
    site.pages["/rss"] = conditional
    source = {"url": f"{site.url}/rss", "text": "feed"}
    await ingest(source)
    counts = await ingest(source)
    assert (kafka.titles, counts.unchanged) == (["Bridge reopens"], 1)
    assert site.paths() == ["/rss", "/rss"]


async def test_changed_item_is_a_new_version_with_the_same_id(serve, ingest, kafka, now):
    site = await serve()
    source = {"url": f"{site.url}/rss", "text": "feed"}
    for title in ("Bridge reopens", "Bridge reopens", "Bridge reopens at last"):
        site.pages["/rss"] = rss(("1", f"{site.url}/a", title, "Short."))
        await ingest(source)
        now.ms += 60_000
    first, second = kafka.articles
    assert first.article_id == second.article_id
    assert second.metadata["version"] == "2"
    assert second.published_ms > first.published_ms


async def test_article_of_two_feeds_is_sent_once(serve, ingest, kafka):
    site = await serve()
    site.pages["/a.rss"] = rss(("1", f"{site.url}/7/", "Bridge reopens", "Short."))
    site.pages["/b.rss"] = rss(("x", f"{site.url}/7?utm_medium=b", "Bridge opens!", "Other words."))
    await ingest(
        {"url": f"{site.url}/a.rss", "text": "feed"}, {"url": f"{site.url}/b.rss", "text": "feed"}
    )
    assert len(kafka.articles) == 1


async def test_changing_guids_send_nothing_again(serve, ingest, kafka):
    site = await serve()
    for guid in ("1", "2", "3"):
        site.pages["/rss"] = rss((guid, f"{site.url}/a", "Bridge reopens", "Short."))
        await ingest({"url": f"{site.url}/rss", "text": "feed"})
    assert kafka.titles == ["Bridge reopens"]


async def test_one_guid_for_two_articles_sends_both(serve, ingest, kafka):
    site = await serve()
    site.pages["/rss"] = rss(
        ("1", f"{site.url}/a", "Bridge reopens", ""), ("1", f"{site.url}/b", "Mayor resigns", "")
    )
    await ingest({"url": f"{site.url}/rss", "text": "feed"})
    assert sorted(kafka.titles) == ["Bridge reopens", "Mayor resigns"]


async def test_page_that_reserves_its_text_gives_only_the_teaser(serve, ingest, kafka):
    site = await serve()
    site.pages["/rss"] = rss(("1", f"{site.url}/a", "Bridge reopens", "Short."))
    headers = {"Content-Type": "text/html", "X-Robots-Tag": "noai"}
    site.pages["/a"] = (200, headers, PAGE.format(title="Bridge").encode())
    await ingest({"url": f"{site.url}/rss"})
    assert (kafka.articles[0].body, kafka.articles[0].metadata["reserved"]) == ("Short.", "noai")


async def test_page_that_is_missing_leaves_the_teaser(serve, ingest, kafka):
    site = await serve()
    site.pages["/rss"] = rss(("1", f"{site.url}/missing", "Bridge reopens", "Short."))
    counts = await ingest({"url": f"{site.url}/rss"})
    assert kafka.articles[0].body == "Short."
    assert counts.failed == {"page_http_status": 1}


async def test_page_that_fails_is_tried_again_later(serve, ingest, kafka, monkeypatch):
    answers = iter([web.Response(status=503), web.Response(text=PAGE, content_type="text/html")])

    async def sometimes(request):
        return next(answers)

    site = await serve()
    site.pages |= {"/rss": rss(("1", f"{site.url}/a", "Bridge", "Short.")), "/a": sometimes}
    monkeypatch.setattr("ingest.pages._RETRY_S", 0.0)
    await ingest({"url": f"{site.url}/rss"})
    assert len(kafka.articles[0].body) > 100


async def test_old_items_are_not_sent_at_first_sight_but_later_ones_are(serve, ingest, kafka, now):
    def dated(guid, ms):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))
        return (
            f"<entry><id>{guid}</id><title>{guid}</title><updated>{when}</updated>"
            f'<link href="{site.url}/{guid}"/></entry>'
        )

    def atom(*entries):
        return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()

    site = await serve()
    source = {"url": f"{site.url}/atom", "text": "feed"}
    old, fresh = dated("old", now.ms - 9 * DAY_MS), dated("fresh", now.ms)
    site.pages["/atom"] = atom(old, fresh)
    await ingest(source)
    site.pages["/atom"] = atom(old, fresh, dated("late", now.ms - 8 * DAY_MS))
    await ingest(source)
    assert kafka.titles == ["fresh", "late"]


async def test_future_date_is_set_to_when_it_was_seen(serve, ingest, kafka, now):
    site = await serve()
    site.pages["/rss"] = (
        b'<rss version="2.0"><channel><item><title>Soon</title><guid>7</guid>'
        b"<pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate></item></channel></rss>"
    )
    await ingest({"url": f"{site.url}/rss"})
    assert kafka.articles[0].published_ms == now.ms
    assert kafka.articles[0].metadata["published_given"].startswith("2100")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body>Sign in</body></html>", "html"),
        (b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss>&b;</rss>', "unsafe_xml"),
        (b"", "empty"),
        (b"%PDF-1.7", "not_a_feed"),
        (b"x" * 5_000, "too_large"),
    ],
)
async def test_bad_feed_has_an_outcome_and_harms_no_other(
    serve, ingest, kafka, quick, content, reason
):
    site = await serve()
    site.pages |= {"/bad": content, "/good": rss(("1", f"{site.url}/a", "Bridge", "Short."))}
    counts = await ingest(
        {"url": f"{site.url}/bad"},
        {"url": f"{site.url}/good", "text": "feed"},
        web_settings=quick(max_bytes=4_000),
    )
    assert (counts.failed, kafka.titles) == ({reason: 1}, ["Bridge"])


async def test_stalled_source_does_not_hold_up_another(serve, ingest, kafka, quick):
    sent_s = []

    async def stall(request):
        async with asyncio.timeout(4):
            while not kafka.articles:
                await asyncio.sleep(0.01)
        sent_s.append(len(kafka.articles))
        return web.Response(body=rss(("9", "http://127.0.0.2/z", "Late", "")))

    slow, good = await serve("127.0.0.2"), await serve()
    slow.pages["/rss"] = stall
    good.pages["/rss"] = rss(("1", f"{good.url}/a", "Bridge", "Short."))
    await ingest(
        {"url": f"{slow.url}/rss", "text": "feed"}, {"url": f"{good.url}/rss", "text": "feed"}
    )
    assert (sent_s, kafka.titles) == ([1], ["Bridge", "Late"])


async def test_permanent_redirect_is_remembered(serve, ingest, kafka):
    site = await serve()
    site.pages["/old"] = (308, {"Location": "/new"}, b"")
    site.pages["/new"] = rss(("1", f"{site.url}/a", "Bridge", "Short."))
    for _ in range(2):
        await ingest({"url": f"{site.url}/old", "text": "feed"})
    assert site.paths() == ["/old", "/new", "/new"]


async def test_articles_wait_while_kafka_is_down(serve, ingest, kafka, monkeypatch):
    site = await serve()
    site.pages["/rss"] = rss(("1", f"{site.url}/a", "Bridge", "Short."))
    monkeypatch.setattr("ingest.outbox._RETRY_S", 0.0)
    kafka.down = 99
    with pytest.raises(ServiceError, match="Kafka is down"):  # --once ends with the reason
        await ingest({"url": f"{site.url}/rss", "text": "feed"})
    kafka.down = 0
    await ingest({"url": f"{site.url}/rss", "text": "feed"})
    assert kafka.titles == ["Bridge"]


async def test_killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice(
    serve, ingest, kafka, tmp_path, monkeypatch
):
    """An image of disk and Kafka after each commit of either: from each one, all goes on."""
    site = await serve()
    for n in range(3):
        site.pages[f"/{n}"] = (200, {"Content-Type": "text/html"}, PAGE.encode())
    site.pages["/rss"] = rss(
        *((str(n), f"{site.url}/{n}", f"Title {n}", "Short.") for n in range(3))
    )
    source = {"url": f"{site.url}/rss", "name": "courier"}
    images, states = [], []
    commit, arrived = State.transaction, State.arrived

    def image():
        path = tmp_path / f"image-{len(images)}.sqlite"
        with sqlite3.connect(path) as copy:
            states[0]._db.backup(copy)
        copy.close()
        images.append((path, list(kafka.articles), kafka.number))

    @contextmanager
    def committing(state):
        outermost = not state._db.in_transaction
        with commit(state):
            yield
        if outermost and states == [state]:
            image()

    def arriving(state, number):
        if states == [state]:
            image()  # Kafka has it, the outbox too
        arrived(state, number)

    state = State(tmp_path / "state.sqlite")
    states.append(state)
    monkeypatch.setattr(State, "transaction", committing)
    monkeypatch.setattr(State, "arrived", arriving)
    await ingest(source, state=state)
    states.clear()
    assert len(images) > 6
    for path, articles, number in images:
        kafka.articles, kafka.number = list(articles), number
        await asyncio.wait_for(ingest(source, state=State(path)), 5)
        assert sorted(kafka.titles) == ["Title 0", "Title 1", "Title 2"], path.name


async def test_what_kafka_gets_was_on_the_disk_before(serve, ingest, kafka, monkeypatch):
    site = await serve()
    site.pages["/rss"] = rss(("1", f"{site.url}/a", "Bridge", ""))
    done, sync, send = [], State.sync, kafka.send
    monkeypatch.setattr(State, "sync", lambda state: (sync(state), done.append("sync")))
    monkeypatch.setattr(kafka, "send", lambda batch: (done.append("send"), send(batch))[1])
    await ingest({"url": f"{site.url}/rss", "text": "feed"})
    assert done == ["sync", "send"]


def test_one_state_is_used_by_one_process(tmp_path):
    with State(tmp_path / "state.sqlite") as state:
        state.arrived(0)
        with pytest.raises(SetupError, match="does another ingest run"):
            State(tmp_path / "state.sqlite")


async def test_what_the_watch_raises_goes_out_with_the_articles(serve, opened, now):
    site = await serve()
    raised = []

    class Signals(Kafka):
        def send(self, batch):
            raised.extend((one.topic, one.key) for one in batch)
            return batch[-1].number

    for _ in range(10):
        now.ms += DAY_MS
        async with opened(
            [SourceSettings(url=f"{site.url}/missing", name="courier")],
            signal=lambda signal: signal.model_dump_json().encode(),
            deliverer=Signals(),
            clock=now,
        ) as running:
            await running.run_once()
    assert raised == [("quality.signals", b"failing_source/courier")]


async def stall(request):
    await asyncio.sleep(60)


@asynccontextmanager
async def polling(ingest):
    """It polls until the block ends, and stops in good time."""
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    async with asyncio.timeout(60):
        yield
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_polling_goes_on_until_it_is_stopped_whatever_stalls(serve, opened, kafka):
    slow, good = await serve("127.0.0.2"), await serve()
    slow.pages["/rss"] = stall
    quickly = {"interval_s": 0.02, "min_interval_s": 0.02, "max_interval_s": 0.02, "text": "feed"}
    sources = [SourceSettings(url=f"{site.url}/rss", **quickly) for site in (slow, good)]
    good.pages["/rss"] = rss(("1", f"{good.url}/a", "One", ""))
    async with opened(sources, deliverer=kafka) as running, polling(running):
        while kafka.titles != ["One"]:
            await asyncio.sleep(0.01)
        good.pages["/rss"] = rss(("2", f"{good.url}/b", "Two", ""))
        while kafka.titles != ["One", "Two"]:
            await asyncio.sleep(0.01)
    assert running.counts.delivered == 2


async def test_silent_hosts_hold_up_their_own_turns_only(serve, opened, quick, kafka):
    """More silent sources than turns at once: the good one is asked all the same."""
    silent, good = await serve("127.0.0.2"), await serve()
    silent.pages = {f"/{number}": stall for number in range(40)}
    good.pages["/rss"] = rss(("1", f"{good.url}/a", "Bridge", ""))
    sources = [
        SourceSettings(url=f"{silent.url}/{number}", text="feed", interval_s=0.001)
        for number in range(40)
    ] + [SourceSettings(url=f"{good.url}/rss", text="feed", interval_s=0.05)]
    few = quick(connections=8)
    async with opened(sources, deliverer=kafka, web_settings=few) as running, polling(running):
        while kafka.titles != ["Bridge"]:
            await asyncio.sleep(0.01)
        asked = len(silent.asked)
    assert asked <= 2
