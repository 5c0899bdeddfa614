"""Articles that publishers push: signed, normalised as feeds are, to `articles.raw`.

What normalises them is imported with the file of publishers: most servers have none.
"""

import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.article import Article
from schemas.errors import SettingError
from schemas.record import first_fault
from schemas.topics import ARTICLES_RAW
from serving import signing
from serving.commands import Producer
from serving.errors import BadPush, BadSignature

if TYPE_CHECKING:
    from ingest.entry import Entry
    from ingest.mastheads import Mastheads
    from ingest.normalise import Origin

PUBLISHER = "wiredesk-publisher"
"""Header that names who pushes."""

_MOST = 100
_REMEMBERED = 100_000


class PushedArticle(BaseModel):
    """An article as a publisher's CMS has it; `title` and `body` may hold markup.

    id         of the CMS; a new version of an article keeps it. Needed where there is no url
    published  ISO 8601, RFC 822 or seconds; now where it is absent
    updated    when this version was written
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default="", max_length=500)
    url: str = Field(default="", max_length=4_000)
    title: str = Field(default="", max_length=2_000)
    summary: str = Field(default="", max_length=100_000)
    body: str = ""
    authors: list[str] = Field(default_factory=list, max_length=100)
    published: str = Field(default="", max_length=100)
    updated: str = Field(default="", max_length=100)
    language: str = Field(default="", max_length=35)
    metadata: dict[str, str] = Field(default_factory=dict, max_length=100)


class PushBody(BaseModel):
    """Up to a hundred articles."""

    model_config = ConfigDict(extra="forbid")

    articles: list[PushedArticle] = Field(min_length=1, max_length=_MOST)


class Refused(BaseModel):
    """An article that was not taken; `place` counts from 0."""

    place: int
    reason: str


class Pushed(BaseModel):
    """What became of a push: ids in its order; a repeated message is sent no second time."""

    article_ids: list[str]
    refused: list[Refused] = Field(default_factory=list)
    repeated: bool = False


@dataclass(frozen=True)
class Publisher:
    """Who may push, and what is known of their articles."""

    secret: str = field(repr=False)
    origin: "Origin"


class Push:
    """Takes signed pushes; each is sent once, however often it comes within the tolerance."""

    def __init__(self, publishers: Mapping[str, Publisher], producer: Producer, codec: Any) -> None:
        self._publishers = publishers
        self._producer = producer
        self._codec = codec
        self._done: TTLCache[tuple[str, str], Pushed] = TTLCache(
            _REMEMBERED, 2 * signing.TOLERANCE_S
        )

    async def take(self, headers: Mapping[str, str], body: bytes, *, now_ms: int) -> Pushed:
        """Send the articles of a push on.

        Raises BadSignature, BadPush, or ServiceError when Kafka has not all of them: then the
        push may come again, articles that arrived keep their ids.
        """
        name = headers.get(PUBLISHER, "")
        publisher = self._publishers.get(name)
        if publisher is None:
            _spend_as_much_time(headers, body)
            raise BadSignature(f"{PUBLISHER} names nobody who may push")
        message = signing.verify(publisher.secret, headers, body, now_s=now_ms // 1000)
        if done := self._done.get((name, message)):
            return done.model_copy(update={"repeated": True})
        found, refused = self._articles(_read(body), publisher, now_ms)
        for article in found:
            await self._producer.send(
                ARTICLES_RAW.name, article.article_id.encode(), self._codec.encode(article)
            )
        pushed = Pushed(article_ids=[a.article_id for a in found], refused=refused)
        self._done[name, message] = pushed
        return pushed

    def _articles(
        self, body: PushBody, publisher: Publisher, now_ms: int
    ) -> tuple[list[Article], list[Refused]]:
        from ingest.normalise import NoText, normalise

        known = _mastheads()
        found, refused = [], []
        for place, pushed in enumerate(body.articles):
            try:
                found.append(normalise(_entry(pushed), publisher.origin, known, fetched_ms=now_ms))
            except NoText as error:
                refused.append(Refused(place=place, reason=str(error)))
            except UnicodeEncodeError:
                refused.append(Refused(place=place, reason="the text is not valid Unicode"))
        return found, refused


@cache
def _mastheads() -> "Mastheads":
    from ingest import mastheads

    return mastheads.load()


def read_publishers(file: Path | None) -> dict[str, Publisher]:
    """Who may push: a table each, with `secret_file` or `secret`, and what is known of them.

    Raises SettingError.
    """
    if file is None:
        return {}
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"publishers_file {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingError(f"publishers_file {file} is not TOML: {error}") from error
    return {name: _publisher(f"{file}: {name}", name, table) for name, table in tables.items()}


def _publisher(where: str, name: str, table: Any) -> Publisher:
    from ingest.normalise import Origin

    known = {"secret", "secret_file", "source", "owner", "language", "timezone"}
    if (
        not isinstance(table, dict)
        or set(table) - known
        or not all(isinstance(value, str) for value in table.values())
    ):
        raise SettingError(f"{where} is no table with some of {', '.join(sorted(known))}")
    try:
        secret = table.get("secret") or Path(table["secret_file"]).read_text("utf-8").strip()
        signing.check_secret(secret)
        zone = ZoneInfo(table["timezone"]) if "timezone" in table else None
    except KeyError as error:
        raise SettingError(f"{where} has no secret and no secret_file") from error
    except OSError as error:
        raise SettingError(f"{where}: secret_file cannot be read: {error.strerror}") from error
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise SettingError(f"{where}: {error}") from error
    origin = Origin(
        name=name,
        source=table.get("source", ""),
        owner=table.get("owner", ""),
        language=table.get("language", ""),
        zone=zone,
    )
    return Publisher(secret, origin)


def _read(body: bytes) -> PushBody:
    try:
        return PushBody.model_validate_json(body)
    except ValidationError as error:
        raise BadPush(first_fault(error)) from error


def _entry(pushed: PushedArticle) -> "Entry":
    from ingest import moments
    from ingest.entry import Entry

    return Entry(
        key=pushed.id or pushed.url,
        url=pushed.url,
        title=pushed.title,
        summary=pushed.summary,
        content=pushed.body,
        authors=tuple(pushed.authors),
        published=moments.parse(pushed.published),
        updated=moments.parse(pushed.updated),
        language=pushed.language,
        metadata=pushed.metadata,
    )


def _spend_as_much_time(headers: Mapping[str, str], body: bytes) -> None:
    """So that time does not tell which publishers there are."""
    hmac.digest(b"nobody", headers.get("webhook-id", "").encode() + body, "sha256")
