"""What a source says about one article, before it is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Entry:
    """An item of a feed, a sitemap, an API or a file; texts are empty where it says nothing.

    key        how the source tells its items apart: guid, else address, else words
    url        address of the article, absolute
    title      may hold markup
    summary    teaser, may hold markup
    content    the whole text, may hold markup; empty unless the source says that it is whole
    published  naive without a zone
    updated    likewise
    source     the masthead, where the item names another than its host
    article_id where the source has ids of its own that must stay
    """

    key: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str = ""
    source: str = ""
    owner: str = ""
    article_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
