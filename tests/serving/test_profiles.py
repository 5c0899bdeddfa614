"""What the feed knows of readers: opened profiles, popularity, and what is known without Redis."""

import json
from datetime import UTC, datetime

import pytest
from server_parts import NOW_MS, article

from models.keyring import KeyringFile, new_keyring, write_keyring
from models.ranking.features import Popularity
from models.sealing import seal
from schemas.codec import RecordCodec
from schemas.reader_profile import ReaderProfile, columns
from schemas.redis_keys import covisited_key, popular_key, profile_key
from schemas.topics import USERS_EMBEDDINGS
from serving.errors import Unavailable
from serving.profiles import RedisProfiles
from serving.settings import Role

USER = "1.reader"
CODEC = RecordCodec(USERS_EMBEDDINGS)


class MemoryRedis:
    """Values by key; `away` makes it refuse as RedisGate does."""

    def __init__(self):
        self.kept = {}
        self.away = False

    async def values(self, keys):
        if self.away:
            raise Unavailable("Redis is away")
        return [self.kept.get(key) for key in keys]


@pytest.fixture
def redis():
    return MemoryRedis()


@pytest.fixture
def ring(tmp_path):
    file = tmp_path / "ring.toml"
    write_keyring(new_keyring(datetime.now(UTC)), file, replace=False)
    return KeyringFile(file)


@pytest.fixture
def profiles(redis, ring):
    return RedisProfiles(
        redis,
        CODEC,
        ring,
        long_half_life_s=86_400,
        session_half_life_s=1800,
        languages=lambda: ["en", "de"],
        stale_s=60,
    )


@pytest.fixture
def known_reader(redis, ring):
    profile = ReaderProfile(
        updated_ms=NOW_MS,
        first_ms=NOW_MS,
        long_weight=3.0,
        long_weight_squares=3.0,
        interest_weight=3.0,
        topics={"keys": "medtop:1", "values": columns({"medtop:1": 3.0})["values"]},
        languages={"keys": "de\x1fen", "values": columns({"de": 1.0, "en": 2.0})["values"]},
        follows=["entity:Q1"],
        mutes=["source:tabloid.example", "article:a9"],
    )
    sealed = seal(USER, profile.model_dump(), ring.secret(1))
    redis.kept[profile_key(USER)] = CODEC.encode(sealed)


async def test_a_profile_is_opened_and_read(profiles, known_reader):
    known = await profiles.known(USER, NOW_MS)
    assert known.languages == ("en", "de")
    assert known.reader.clicks == pytest.approx(3.0)
    assert known.reader.topics["medtop:1"] > 0
    assert known.reader.followed == {"Q1"}
    assert known.reader.hidden_sources == {"tabloid.example"}
    assert known.reader.hidden_articles == {"a9"}


async def test_who_is_not_known_is_a_stranger(profiles):
    assert (await profiles.known("nobody", NOW_MS)).reader.is_new


async def test_without_redis_what_was_known_is_stale_and_the_rest_unavailable(
    redis, profiles, known_reader
):
    await profiles.known(USER, NOW_MS)
    redis.away = True
    known = await profiles.known(USER, NOW_MS)
    assert known.stale
    assert known.reader.followed == {"Q1"}
    with pytest.raises(Unavailable):
        await profiles.known("nobody", NOW_MS)


async def test_a_profile_of_another_reader_does_not_open(redis, profiles, known_reader):
    redis.kept[profile_key("2.other")] = b"no profile"
    with pytest.raises(Unavailable, match="cannot be opened"):
        await profiles.known("2.other", NOW_MS)


async def test_popularity_is_gathered_over_windows_and_languages(redis, profiles):
    def clicks(**counts):
        return json.dumps({"window_end_ms": NOW_MS, "clicks": counts}).encode()

    redis.kept = {
        popular_key("quarter", "en"): clicks(a=1),
        popular_key("hour", "en"): clicks(a=5, b=2),
        popular_key("day", "de"): clicks(c=9),
        covisited_key("a"): clicks(a=4, b=1),
    }
    assert await profiles.popularity() == {
        "a": Popularity(1, 5, 0),
        "b": Popularity(0, 2, 0),
        "c": Popularity(0, 0, 9),
    }
    assert await profiles._covisits(["a", "b"]) == {"a": {"b": 0.25}}


async def test_the_feed_explains_itself(services, as_role):
    await services.shelf.add([article(), article("art2", title="Ferry sails")])
    services.feeds._feed.refresh({}, NOW_MS)
    reader = await as_role(Role.READER)
    feed = (await reader.get("/v1/feed/u1")).json()
    assert {item["article_id"] for item in feed["items"]} == {"art1", "art2"}
    assert all(item["why"] and item["url"] for item in feed["items"])
    assert not feed["personal"]
    assert (await reader.get("/v1/feed/u1?language=de")).json()["items"] == []
