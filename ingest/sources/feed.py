"""RSS, Atom and JSON Feed over HTTP; Mastodon's and Reddit's public timelines are such feeds."""

import hashlib
from typing import ClassVar

from ingest.read.feed import read_feed
from ingest.schedule import max_age_s
from ingest.sources.source import Memory, Polled, SourceSettings
from ingest.web import Answer, Web
from ingest.websub import announced

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "application/json;q=0.8, text/xml;q=0.8, */*;q=0.5"
)

_AT_ONCE_BYTES = 64 * 1024
"""A feed of so many bytes is read in some ten milliseconds, a larger one by `web.compute`."""


class FeedSource:
    """Memory: `url` where it moved to for good, `etag`, `modified`, `digest` of the last answer,
    `hub` and `topic` of WebSub.
    """

    Settings: ClassVar[type[SourceSettings]] = SourceSettings

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings

    async def poll(self, web: Web, memory: Memory, *, now_ms: int) -> Polled:  # noqa: ARG002
        url = str(memory.get("url") or self._settings.url)
        answer = await web.get(url, conditions(memory))
        kept = remembered(memory, answer)
        asked_s = max_age_s(answer.headers.get("cache-control", ""))
        if answer.status == 304 or kept["digest"] == memory.get("digest"):
            return Polled(memory=kept, changed=False, asked_s=asked_s)
        if len(answer.content) <= _AT_ONCE_BYTES:
            feed = read_feed(answer.content, answer.url, answer.content_type)
        else:
            feed = await web.compute(read_feed, answer.content, answer.url, answer.content_type)
        hub, topic = announced(answer.headers, answer.url)
        kept["hub"], kept["topic"] = hub or feed.hub, topic or feed.topic or answer.url
        return Polled(
            entries=feed.entries,
            memory=kept,
            asked_s=max(asked_s, feed.interval_s),
            faults=feed.faults,
        )


def conditions(memory: Memory) -> dict[str, str]:
    """Headers that let a server say that nothing changed.

    >>> conditions({"etag": '"7"'})["If-None-Match"]
    '"7"'
    """
    headers = {"Accept": ACCEPT}
    if etag := memory.get("etag"):
        headers["If-None-Match"] = str(etag)
    if modified := memory.get("modified"):
        headers["If-Modified-Since"] = str(modified)
    return headers


def remembered(memory: Memory, answer: Answer) -> dict[str, str]:
    """What is kept of an answer for the next request."""
    kept = {name: str(value) for name, value in memory.items()}
    if answer.moved_to:
        kept["url"] = answer.moved_to
    if answer.status == 304:
        kept.setdefault("digest", "")
        return kept
    kept["etag"] = answer.headers.get("etag", "")
    kept["modified"] = answer.headers.get("last-modified", "")
    kept["digest"] = hashlib.sha256(answer.content).hexdigest()
    return kept
