"""The kinds of sources beside feeds, which tests/ingest/test_run.py polls throughout."""

import json
import os
from types import SimpleNamespace

import pytest

from ingest.read.feed import NotAFeed
from ingest.sources import source
from ingest.sources.folder import FolderSettings, FolderSource
from ingest.sources.json_api import JsonSettings, JsonSource
from ingest.sources.sitemap import SitemapSettings, SitemapSource
from ingest.sources.source import source_class
from ingest.web import Web
from schemas.errors import SetupError

NOW_MS = 1_790_000_000_000


async def poll(one, quick, memory=None):
    async with Web(quick()) as web:
        return await one.poll(web, memory or {}, now_ms=NOW_MS)


async def test_api_is_read_page_by_page_with_token_and_names_of_fields(serve, quick, monkeypatch):
    monkeypatch.setenv("NEWS_TOKEN", "s3cret")
    site = await serve()

    def page(*numbers):
        items = [
            {"link": f"/{n}", "head": {"main": f"Title {n}"}, "at": f"2026-03-0{n}"}
            for n in numbers
        ]
        return (200, {}, json.dumps({"data": {"articles": items}}).encode())

    site.pages |= {"/api?page=1": page(1, 2), "/api?page=2": page(3), "/api?page=3": page()}
    settings = JsonSettings(
        url=f"{site.url}/api",
        items="data.articles",
        fields={"url": "link", "title": "head.main", "published": "at"},
        headers={"Authorization": "Bearer env:NEWS_TOKEN"},
        page="page",
    )
    polled = await poll(JsonSource(settings), quick)
    assert [entry.title for entry in polled.entries] == ["Title 1", "Title 2", "Title 3"]
    assert polled.entries[0].url == f"{site.url}/1"
    assert polled.memory == {"newest": "2026-03-03T00:00:00Z"}
    assert site.asked[0].headers["Authorization"] == "Bearer s3cret"


async def test_api_names_its_next_page_and_takes_the_newest_time(serve, quick):
    site = await serve()
    site.pages |= {
        "/api?since=2026-03-01T00%3A00%3A00Z": (
            200,
            {},
            b'{"items": [{"title": "a"}], "next": "/more"}',
        ),
        "/more": (200, {}, b'{"items": [{"title": "b"}]}'),
    }
    settings = JsonSettings(url=f"{site.url}/api", items="items", next="next", since="since")
    polled = await poll(JsonSource(settings), quick, {"newest": "2026-03-01T00:00:00Z"})
    assert [entry.title for entry in polled.entries] == ["a", "b"]


async def test_api_that_answers_something_else_says_what(serve, quick):
    site = await serve()
    site.pages |= {"/a": b"<html>", "/b": b'{"error": "token"}'}
    for path, message in (("/a", "no JSON"), ("/b", "expected a list")):
        with pytest.raises(NotAFeed, match=message):
            await poll(JsonSource(JsonSettings(url=site.url + path, items="items")), quick)
    os.environ.pop("NO_SUCH_TOKEN", None)
    with pytest.raises(NotAFeed, match="NO_SUCH_TOKEN"):
        await poll(
            JsonSource(JsonSettings(url=site.url, headers={"X": "env:NO_SUCH_TOKEN"})), quick
        )


async def test_newest_sitemaps_of_an_index_are_read(serve, quick):
    site = await serve()
    names = "".join(
        f"<sitemap><loc>/{n}.xml</loc><lastmod>2026-0{n}-01</lastmod></sitemap>" for n in (3, 1, 2)
    )
    site.pages["/index.xml"] = f"<sitemapindex>{names}</sitemapindex>".encode()
    for n in (1, 2, 3):
        site.pages[f"/{n}.xml"] = (
            f"<urlset><url><loc>https://a.example/{n}</loc></url></urlset>".encode()
        )
    settings = SitemapSettings(url=f"{site.url}/index.xml", kind="sitemap")
    polled = await poll(SitemapSource(settings), quick)
    assert [entry.url for entry in polled.entries] == ["https://a.example/2", "https://a.example/3"]


async def test_old_addresses_of_a_sitemap_are_left_out(serve, quick):
    site = await serve()
    site.pages["/s.xml"] = (
        b"<urlset><url><loc>https://a.example/old</loc><lastmod>2020-01-01</lastmod></url>"
        b"<url><loc>https://a.example/new</loc></url></urlset>"
    )
    source_ = SitemapSource(SitemapSettings(url=f"{site.url}/s.xml"))
    polled = await poll(source_, quick)
    assert [entry.url for entry in polled.entries] == ["https://a.example/new"]
    assert not (await poll(source_, quick, polled.memory)).changed


async def test_each_file_of_a_folder_is_read_once_and_again_when_it_changes(tmp_path, quick):
    def drop(name, title):
        path = tmp_path / name
        path.write_text(json.dumps({"title": title, "article_id": "7"}), "utf-8")
        os.utime(path, ns=(NOW_MS * 10**6 - 10**10 + len(title),) * 2)

    drop("a.jsonl", "Bridge")
    drop(".hidden.jsonl", "No")
    drop("b.jsonl.part", "No")
    drop("c.docx", "No")
    folder = FolderSource(FolderSettings(path=tmp_path, kind="folder"))
    first = await poll(folder, quick)
    assert [entry.title for entry in first.entries] == ["Bridge"]
    assert first.faults == {"bad_file": 1}
    assert (await poll(folder, quick, first.memory)).entries == []
    drop("a.jsonl", "Bridge reopens")
    assert [e.title for e in (await poll(folder, quick, first.memory)).entries] == [
        "Bridge reopens"
    ]


async def test_file_that_is_being_written_is_left_for_later(tmp_path, quick):
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "Bri')
    os.utime(path, ns=(NOW_MS * 10**6,) * 2)
    assert (await poll(FolderSource(FolderSettings(path=tmp_path)), quick)).entries == []


async def test_missing_folder_is_named(tmp_path, quick):
    with pytest.raises(SetupError, match="no folder"):
        await poll(FolderSource(FolderSettings(path=tmp_path / "none")), quick)


def test_others_add_kinds_by_entry_point(monkeypatch):
    theirs = SimpleNamespace(name="gopher", load=lambda: FolderSource)
    monkeypatch.setattr(
        source, "entry_points", lambda group: [theirs] if group == source.GROUP else []
    )
    assert source_class("gopher") is FolderSource
    with pytest.raises(SetupError, match="gopher"):
        source_class("telex")
