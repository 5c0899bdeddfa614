"""An article as it arrives."""

from pydantic import Field

from schemas.record import Record


class Article(Record):
    """A news article as a feed or publisher gave it; `schemas/avro/article` documents the fields.

    >>> Article(article_id="a1", source="courier.example", title="Bridge reopens",
    ...         published_ms=1_790_000_000_000, fetched_ms=1_790_000_060_000).body
    ''
    """

    article_id: str = Field(min_length=1)
    url: str = ""
    source: str = Field(min_length=1)
    owner: str | None = None
    title: str = ""
    body: str = ""
    html: str | None = None
    authors: list[str] | None = None
    language_hint: str | None = None
    published_ms: int
    fetched_ms: int
    metadata: dict[str, str] = Field(default_factory=dict)
