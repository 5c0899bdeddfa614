"""`wiredesk readers` and `wiredesk erase`: what they refuse, and how they name a reader."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from cli import redis_client
from cli.erase_reader import told
from cli.readers import readable, user_keys
from models.keyring import new_keyring, pseudonym, write_keyring
from schemas.errors import SetupError
from schemas.reader_profile import ReaderProfile, Weights, columns, packed_moments
from schemas.redis_keys import profile_key
from schemas.topics import DEAD_LETTERS, USER_EVENTS, USERS_EMBEDDINGS
from schemas.user_event import UserEvent

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class FakeRedis:
    """Stands for redis-py's client: keys with values, and the address it was asked at."""

    def __init__(self):
        self.values = {}
        self.url = None

    def from_url(self, url, **_):
        self.url = url
        return self

    def ping(self):
        return True

    def get(self, name):
        return self.values.get(name)

    def exists(self, *names):
        return sum(name in self.values for name in names)

    def smembers(self, _name):
        return set()

    def delete(self, *names):
        for name in names:
            self.values.pop(name, None)

    def scan_iter(self, count):
        assert count > 0
        return [name.encode() for name in self.values]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def redis(monkeypatch, tmp_path):
    """A Redis in memory at any address; no local stack runs."""
    fake = FakeRedis()
    monkeypatch.setattr(redis_client, "Redis", fake)
    monkeypatch.setenv("WIREDESK_STATE_DIR", str(tmp_path / "stack"))
    monkeypatch.delenv("WIREDESK_REDIS_URL", raising=False)
    return fake


@pytest.fixture
def job(kafka, redis):
    """Kafka with the topics of readers, where the job answers each request to forget one."""

    class Answered(list):
        def append(self, sent):
            super().append(sent)
            _, key, _, _ = sent
            redis.values.pop(profile_key(key.decode()), None)
            kafka.add(USERS_EMBEDDINGS.name, None, key=key)

    for topic in (USERS_EMBEDDINGS, USER_EVENTS, DEAD_LETTERS):
        kafka.create(topic.name)
    kafka.sent = Answered()
    return kafka


def event(user_key, kind):
    return UserEvent(
        event_id="e1", user_key=user_key, kind=kind, ts_ms=1, consent=True, article_id="a1"
    )


@pytest.fixture
def ring(tmp_path):
    ring = new_keyring(NOW).rotated(NOW)
    write_keyring(ring, tmp_path / "ring.toml", replace=False)
    return ring


def test_reader_is_named_by_every_pseudonym_of_the_raw_id(ring, tmp_path):
    wanted = [pseudonym("ada", ring.secrets[version]) for version in (2, 1)]
    assert user_keys("ada", None, tmp_path / "ring.toml") == wanted


def test_reader_is_named_by_the_pseudonym_itself():
    assert user_keys(None, "1.abc", None) == ["1.abc"]


@pytest.mark.parametrize("names", [(None, None), ("ada", "1.abc")])
def test_reader_must_be_named_in_one_way(names):
    with pytest.raises(SetupError, match="--user or by --user-key"):
        user_keys(*names, None)


def test_nobody_is_looked_for_by_a_key_ring_made_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("WIREDESK_STATE_DIR", str(tmp_path))
    with pytest.raises(
        SetupError, match=r"no key ring .*pseudonyms\.toml: name yours with --keyring"
    ):
        user_keys("ada", None, None)
    assert not list(tmp_path.rglob("*.toml"))


def test_profile_is_shown_as_people_can_read_it():
    profile = ReaderProfile(
        updated_ms=2,
        first_ms=1,
        long_vector=bytes(768),
        topics=Weights(**columns({"t": 0.5})),
        reads=Weights(**columns({"a1": 1.0})),
        reads_ms=packed_moments([7]),
        marks=b"\xff" * 8,
        stories=b"\xfe" * 8,
    )
    shown = readable(profile)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["long_vector"] == "384 dimensions"
    assert shown["topics"] == {"t": 0.5}
    assert shown["reads"] == [{"article_id": "a1", "at_ms": 7, "strength": 1.0}]


def test_place_with_a_live_profile_is_not_clean():
    assert not told(USERS_EMBEDDINGS, 1, live=True).clean
    left = told(USERS_EMBEDDINGS, 3, live=False)
    assert left.clean
    assert "3 older, encrypted" in left.found
    assert "gone by" in told(USER_EVENTS, 2, live=True).found


ERASE = ("erase", "--user-key", "1.ada", "--yes", "--redis", "redis://fake")


def test_erase_of_someone_of_whom_nothing_was_known_says_so_in_a_line(job, run):
    job.add(USER_EVENTS.name, event("1.eve", "click"), key=b"1.eve")
    job.add(USER_EVENTS.name, event("1.ada", "erase"), key=b"1.ada")  # asked for before
    job.add(USERS_EMBEDDINGS.name, None, key=b"1.ada")
    done = run(*ERASE)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines() == [
        "nothing was known of 1.ada: was this reader sent with another key ring? "
        "Name it with --keyring"
    ]
    assert [key for _, key, _, _ in job.sent] == [b"1.ada"]


def test_erase_looks_under_every_pseudonym_of_the_ring(job, run, redis, ring, tmp_path):
    newest, oldest = (pseudonym("ada", ring.secrets[version]) for version in (2, 1))
    arguments = ("erase", "--user", "ada", "--keyring", tmp_path / "ring.toml", "--yes")
    told = run(*arguments, "--redis", "redis://fake").stderr
    assert f"nothing was known of {newest}, {oldest}:" in told
    redis.values[profile_key(oldest)] = b"sealed"
    assert run(*arguments, "--redis", "redis://fake").stderr == ""


@pytest.mark.parametrize("topic", [USERS_EMBEDDINGS, USER_EVENTS], ids=lambda topic: topic.name)
def test_someone_whom_a_topic_knows_is_erased_without_a_word(job, run, topic):
    known = event("1.ada", "click") if topic is USER_EVENTS else b"sealed"
    job.add(topic.name, known, key=b"1.ada")
    done = run(*ERASE)
    assert (done.exit_code, done.stderr) == (0, "")


def test_an_event_that_nobody_can_read_is_known_of_its_reader(job, run):
    job.add(USER_EVENTS.name, b"no record", key=b"1.ada")
    assert run(*ERASE).stderr == ""


@pytest.fixture(params=["erase", "show", "author"])
def asks_redis(request, job, run, ring, tmp_path):
    """Runs a command that asks Redis; where it was not told where, `redis.url` stays None."""
    job.create("comments.raw")
    ring_file = tmp_path / "ring.toml"
    command = {
        "erase": ("erase", "--user-key", "1.ada", "--yes"),
        "show": ("readers", "show", "--user-key", "1.ada", "--profile-keys", ring_file),
        "author": ("erase", "--author", "ada", "--author-keyring", ring_file, "--yes"),
    }[request.param]
    return lambda *more: run(*command, *more)


def test_redis_is_the_one_named_else_that_of_the_settings(asks_redis, redis, tmp_path, monkeypatch):
    settings = tmp_path / "wiredesk.toml"
    settings.write_text('redis_url = "redis://file"\nmood_half_life_s = 60\n[serve]\nport = 1\n')
    asks_redis("--settings", settings)
    assert redis.url == "redis://file"
    monkeypatch.setenv("WIREDESK_REDIS_URL", "redis://environment")
    asks_redis("--settings", settings)
    assert redis.url == "redis://environment"
    asks_redis("--settings", settings, "--redis", "redis://option")
    assert redis.url == "redis://option"


def test_without_settings_redis_is_the_local_stacks(asks_redis, redis, monkeypatch):
    running = SimpleNamespace(redis="127.0.0.1:7")
    monkeypatch.setattr(redis_client.stack, "status", lambda: running)
    asks_redis()
    assert redis.url == "redis://127.0.0.1:7"


def test_where_no_redis_is_named_or_runs_that_is_said(asks_redis, redis):
    told = asks_redis()
    assert told.exit_code == 1
    assert "no Redis runs here: name it with --redis redis://HOST:PORT" in told.stderr
    assert redis.url is None
