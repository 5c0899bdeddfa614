"""Sitemaps of news, and indexes of sitemaps."""

import hashlib
from typing import ClassVar

from pydantic import Field

from ingest import moments
from ingest.entry import Entry
from ingest.read.sitemap import Sitemap, read_sitemap
from ingest.sources.feed import conditions, remembered
from ingest.sources.source import Memory, Polled, SourceSettings
from ingest.web import Web


class SitemapSettings(SourceSettings):
    """newest_sitemaps  of an index, how many are read
    max_age_h        an address older than this is left out; one without a date is not
    """

    newest_sitemaps: int = Field(default=2, ge=1)
    max_age_h: float = Field(default=48.0, gt=0)


class SitemapSource:
    """Memory: as of a feed, for the sitemap that the settings name."""

    Settings: ClassVar[type[SourceSettings]] = SitemapSettings

    def __init__(self, settings: SitemapSettings) -> None:
        self._settings = settings

    async def poll(self, web: Web, memory: Memory, *, now_ms: int) -> Polled:
        url = str(memory.get("url") or self._settings.url)
        answer = await web.get(url, conditions(memory))
        kept = remembered(memory, answer)
        sitemap = Sitemap()
        if answer.status != 304:
            sitemap = read_sitemap(answer.content, answer.url)
        if sitemap.sitemaps:
            entries = await self._below(web, sitemap)
            kept["digest"] = hashlib.sha256(answer.content).hexdigest()
        elif answer.status == 304 or kept["digest"] == memory.get("digest"):
            return Polled(memory=kept, changed=False)
        else:
            entries = sitemap.entries
        return Polled(entries=[e for e in entries if self._is_fresh(e, now_ms)], memory=kept)

    async def _below(self, web: Web, index: Sitemap) -> list[Entry]:
        """Entries of the newest sitemaps of an index; without dates the last ones are newest."""
        numbered = list(enumerate(index.sitemaps))
        numbered.sort(
            key=lambda pair: (moments.instant_ms(pair[1][1]) if pair[1][1] else 0, pair[0])
        )
        entries: list[Entry] = []
        for _, (url, _when) in numbered[-self._settings.newest_sitemaps :]:
            answer = await web.get(url)
            entries += read_sitemap(answer.content, answer.url).entries
        return entries

    def _is_fresh(self, entry: Entry, now_ms: int) -> bool:
        when = entry.published or entry.updated
        oldest_ms = now_ms - self._settings.max_age_h * 3_600_000
        return when is None or moments.instant_ms(when) >= oldest_ms
