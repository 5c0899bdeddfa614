"""`wiredesk readers` and `wiredesk erase`: what they refuse, and how they name a reader."""

import json
from datetime import UTC, datetime

import pytest

from cli.erase_reader import told
from cli.readers import readable, user_keys
from models.keyring import new_keyring, pseudonym, write_keyring
from schemas.errors import SetupError
from schemas.reader_profile import ReaderProfile, Weights, columns, packed_moments
from schemas.topics import USER_EVENTS, USERS_EMBEDDINGS

NOW = datetime(2026, 11, 21, tzinfo=UTC)


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
