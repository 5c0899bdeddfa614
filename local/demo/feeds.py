"""The demo's news as its publishers would serve it: feeds of three formats, and pages, over HTTP.

One masthead, one feed; what a feed shows grows on the demo's own time. Texts are on the pages,
feeds have teasers, so that ingesting them does all that ingesting does.
"""

import html
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.demo import corpus
from local.demo.corpus import DemoArticle

SHOWN = 40
"""Items of a feed, the newest ones."""

_TEASER_WORDS = 12
_FORMATS = ("rss", "atom", "json")

Item = tuple[str, str, str, str, str]
"""Guid, link, title, teaser, time."""


class Newsstand:
    """What is published so far.

    began_ms  when its half hour began: what is published says so
    speed     how many times as fast it is published
    clock     seconds, growing
    """

    def __init__(
        self,
        articles: Sequence[DemoArticle],
        *,
        began_ms: int,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._articles = articles
        self._began_ms = began_ms
        self._speed = speed
        self._clock = clock
        self._began_s = clock()
        self.sources = sorted({article.source for article in articles})

    @property
    def seconds_left(self) -> float:
        """Until everything is published."""
        last_ms = max(article.offset_ms for article in self._articles)
        return max(0.0, last_ms / 1000 / self._speed - (self._clock() - self._began_s))

    def toml(self, url: str) -> str:
        """A file of sources for this newsstand at an address."""
        head = (
            "[web]\nallow_private = true  # it is on this machine\npause_s = 0.0\nper_host = 16\n"
            "\n[defaults]\ninterval_s = 2.0\nmin_interval_s = 1.0\nmax_interval_s = 4.0\n"
        )
        owners = {article.source: article.owner for article in self._articles}
        blocks = []
        for number, source in enumerate(self.sources):
            lines = [
                "[[source]]",
                f'url = "{url}/{source}/feed.{_FORMATS[number % len(_FORMATS)]}"',
                f"name = {json.dumps(source)}",
                f"source = {json.dumps(source)}",
            ]
            if owner := owners[source]:
                lines.append(f"owner = {json.dumps(owner, ensure_ascii=False)}")
            blocks.append("\n".join(lines) + "\n")
        return head + "\n" + "\n".join(blocks)

    def answer(self, path: str, url: str) -> tuple[str, bytes] | None:
        """Media type and content at a path; None when nothing is there."""
        source, _, name = path.strip("/").partition("/")
        if source not in self.sources:
            return None
        if name.startswith("feed."):
            shown = [(at_ms, a) for at_ms, a in self._published() if a.source == source][:SHOWN]
            return _feed(name.removeprefix("feed."), source, shown, url)
        versions = [a for _, a in self._published() if _slug(a) == name and a.source == source]
        return ("text/html; charset=utf-8", _page(versions[0])) if versions else None

    def _published(self) -> Iterator[tuple[int, DemoArticle]]:
        """When and what, the newest first; of an article that was corrected the correction."""
        passed_ms = (self._clock() - self._began_s) * 1000 * self._speed
        seen = set()
        for article in reversed(self._articles):
            if article.offset_ms <= passed_ms and article.article_id not in seen:
                seen.add(article.article_id)
                yield self._began_ms + article.offset_ms, article


@contextmanager
def serve(newsstand: Newsstand) -> Iterator[str]:
    """The address of a newsstand, while it is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = newsstand.answer(self.path, f"http://{self.headers['Host']}")
            kind, content = found or ("text/plain", b"")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="newsstand", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def sources_file(speed: float) -> Iterator[tuple[Path, Newsstand]]:
    """A file of sources that names the demo's feeds, while they are served."""
    began_ms = time.time_ns() // 1_000_000 - corpus.SPAN_MS
    newsstand = Newsstand(corpus.articles(), began_ms=began_ms, speed=speed)
    with serve(newsstand) as url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feeds.toml"
        path.write_text(newsstand.toml(url), "utf-8")
        yield path, newsstand


def _feed(
    kind: str, source: str, shown: Sequence[tuple[int, DemoArticle]], url: str
) -> tuple[str, bytes] | None:
    writers: Mapping[str, Callable[..., tuple[str, str]]] = {
        "rss": _rss,
        "atom": _atom,
        "json": _json,
    }
    if kind not in writers:
        return None
    items = [
        (a.article_id, f"{url}/{source}/{_slug(a)}", a.title, _teaser(a), _iso(at_ms))
        for at_ms, a in shown
    ]
    media, text = writers[kind](source, items)
    return media, text.encode()


def _rss(source: str, items: Sequence[Item]) -> tuple[str, str]:
    body = "".join(
        f'<item><guid isPermaLink="false">{_x(guid)}</guid><link>{_x(link)}</link>'
        f"<title>{_x(title)}</title><description>{_x(teaser)}</description>"
        f"<pubDate>{at}</pubDate></item>"
        for guid, link, title, teaser, at in items
    )
    return (
        "application/rss+xml",
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{_x(source)}</title>{body}</channel></rss>",
    )


def _atom(source: str, items: Sequence[Item]) -> tuple[str, str]:
    body = "".join(
        f'<entry><id>{_x(guid)}</id><link href="{_x(link)}"/><title>{_x(title)}</title>'
        f"<summary>{_x(teaser)}</summary><updated>{at}</updated></entry>"
        for guid, link, title, teaser, at in items
    )
    return (
        "application/atom+xml",
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{_x(source)}</title>{body}</feed>",
    )


def _json(source: str, items: Sequence[Item]) -> tuple[str, str]:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": source,
        "items": [
            {"id": guid, "url": link, "title": title, "summary": teaser, "date_published": at}
            for guid, link, title, teaser, at in items
        ],
    }
    return "application/feed+json", json.dumps(feed, ensure_ascii=False)


def _page(article: DemoArticle) -> bytes:
    paragraphs = "".join(f"<p>{_x(line)}</p>" for line in article.body.split("\n") if line.strip())
    language = f' lang="{_x(article.language_hint)}"' if article.language_hint else ""
    return (
        f'<!DOCTYPE html><html{language}><head><meta charset="utf-8">'
        f"<title>{_x(article.title)} | {_x(article.source)}</title>"
        f'<meta property="og:site_name" content="{_x(article.source)}"></head>'
        f"<body><nav><a href='/'>Home</a></nav><article><h1>{_x(article.title)}</h1>{paragraphs}"
        "</article><footer>© The demo. All of it is made up.</footer></body></html>"
    ).encode()


def _slug(article: DemoArticle) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in article.article_id)


def _teaser(article: DemoArticle) -> str:
    words = article.body.split()
    return " ".join(words[:_TEASER_WORDS]) + (" […]" if len(words) > _TEASER_WORDS else "")


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _x(text: str) -> str:
    return html.escape(text)
