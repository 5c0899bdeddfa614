"""Key rings, pseudonyms, seals: what they keep, and whom they keep out."""

import base64
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from models import sealing
from models.keyring import (
    KeyringFile,
    new_keyring,
    pseudonym,
    pseudonyms,
    read_keyring,
    write_keyring,
)
from models.sealing import opened_profile, seal, unseal
from schemas import avro_schemas
from schemas.errors import SealError, SetupError
from schemas.reader_profile import READER_PROFILE, ReaderProfile

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PROFILE = ReaderProfile(updated_ms=7, first_ms=3, follows=["entity:Q64"], long_vector=b"12")


@pytest.fixture
def ring():
    return new_keyring(NOW)


@pytest.fixture
def file(tmp_path, ring):
    path = tmp_path / "ring.toml"
    write_keyring(ring, path, replace=False)
    return path


def sealed(ring, user_key="1.ada"):
    return seal(user_key, PROFILE.model_dump(), ring.newest)


def test_ring_is_a_file_for_its_owner_alone(file, ring):
    assert read_keyring(file) == ring
    assert file.stat().st_mode & 0o777 == 0o600


def test_existing_ring_is_not_overwritten(file, ring):
    before = file.read_text()
    with pytest.raises(SetupError, match="File exists"):
        write_keyring(new_keyring(NOW), file, replace=False)
    assert file.read_text() == before
    assert list(file.parent.iterdir()) == [file]


def test_no_secret_is_ever_printed(file, ring):
    assert str(ring.newest.value) not in f"{ring!r} {ring.newest!r}"
    encoded = base64.b64encode(ring.newest.value).decode()
    file.write_text(file.read_text().replace('secret = "', 'secret = "!'))
    with pytest.raises(SetupError) as error:
        read_keyring(file)
    assert error.value.__cause__ is None
    assert encoded not in str(error.value)


@pytest.mark.parametrize("text", ["", "keys = 3", "keys = []", "[[keys]]\nversion = 1", "not toml"])
def test_what_is_no_ring_is_refused(tmp_path, text):
    path = tmp_path / "ring.toml"
    path.write_text(text)
    with pytest.raises(SetupError):
        read_keyring(path)


def test_pseudonym_is_one_of_the_reader_and_the_secret(ring):
    other = new_keyring(NOW)
    assert pseudonym("ada.lovelace", ring.newest) == pseudonym("ada.lovelace", ring.newest)
    assert pseudonym("ada.lovelace", ring.newest) != pseudonym("bob", ring.newest)
    assert pseudonym("ada.lovelace", ring.newest) != pseudonym("ada.lovelace", other.newest)
    assert "ada.lovelace" not in pseudonym("ada.lovelace", ring.newest)


def test_every_pseudonym_of_a_reader_is_found_after_a_rotation(ring):
    rotated = ring.rotated(NOW)
    assert pseudonyms("ada", rotated) == [
        pseudonym("ada", rotated.newest),
        pseudonym("ada", ring.newest),
    ]


def test_sealed_profile_opens_with_its_key(ring):
    assert ReaderProfile.model_validate(unseal(sealed(ring), ring.newest)) == PROFILE


def test_same_profile_never_looks_the_same_twice(ring):
    assert sealed(ring).sealed != sealed(ring).sealed


def test_profile_does_not_open_for_another_reader_key_or_after_a_change(ring):
    closed = sealed(ring)
    flipped = bytes([closed.sealed[0] ^ 1]) + closed.sealed[1:]
    for wrong in (
        closed.model_copy(update={"user_key": "1.bob"}),
        closed.model_copy(update={"sealed": flipped}),
        closed.model_copy(update={"nonce": os.urandom(12)}),
    ):
        with pytest.raises(SealError):
            unseal(wrong, ring.newest)
    with pytest.raises(SealError):
        unseal(closed, replace(ring.newest, value=os.urandom(32)))
    with pytest.raises(SealError, match="not in the key ring"):
        unseal(closed, None)


def test_rotation_is_seen_without_a_restart_and_old_profiles_open(file, ring):
    followed = KeyringFile(file, every_s=10)
    assert followed.newest(0.0).version == 1
    write_keyring(ring.rotated(NOW), file, replace=True)
    assert followed.newest(5.0).version == 1
    assert followed.newest(10.0).version == 2
    assert opened_profile(sealed(ring), followed) == PROFILE


def test_profile_sealed_by_any_version_before_opens(ring, monkeypatch):
    for schema in avro_schemas.versions(READER_PROFILE).values():
        with monkeypatch.context() as before:
            before.setattr(avro_schemas, "current", lambda _, schema=schema: schema)
            fingerprint = avro_schemas.fingerprint(schema)
            before.setattr(sealing, "_fingerprint", lambda own=fingerprint: own)
            closed = sealed(ring)
        assert ReaderProfile.model_validate(unseal(closed, ring.newest)) == PROFILE


def test_profile_sealed_by_a_newer_key_makes_the_reader_look_again(file, ring):
    followed = KeyringFile(file)
    rotated = ring.rotated(NOW)
    write_keyring(rotated, file, replace=True)
    assert opened_profile(sealed(rotated), followed) == PROFILE


def test_retired_key_is_gone_and_the_one_in_use_stays(ring):
    rotated = ring.rotated(NOW)
    assert list(rotated.without(1).secrets) == [2]
    with pytest.raises(SetupError, match="in use"):
        rotated.without(2)
    with pytest.raises(SetupError, match="there is no key 9"):
        rotated.without(9)
