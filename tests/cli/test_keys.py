"""`wiredesk keys`: rings are made, rotated and retired, and their secrets stay in the file."""

import base64

import pytest
from typer.testing import CliRunner

from cli.main import app
from models.keyring import read_keyring


@pytest.fixture
def ring(tmp_path):
    file = tmp_path / "ring.toml"
    assert run("create", file).exit_code == 0
    return file


def run(command, file, *more):
    return CliRunner().invoke(app, ["keys", command, str(file), *more])


def secrets_in(file):
    found = read_keyring(file).secrets.values()
    return [base64.b64encode(secret.value).decode() for secret in found]


def test_rotation_adds_a_key_and_keeps_the_older_one(ring):
    before = secrets_in(ring)
    assert run("rotate", ring).exit_code == 0
    assert secrets_in(ring)[:1] == before
    assert read_keyring(ring).newest.version == 2


def test_no_command_prints_a_secret(ring):
    told = "".join(
        run(*each).output
        for each in (("list", ring), ("rotate", ring), ("retire", ring, "1", "-y"))
    )
    assert "closes and opens" in told
    assert not any(secret in told for secret in secrets_in(ring))


def test_retired_key_is_gone_for_ever(ring):
    run("rotate", ring)
    assert run("retire", ring, "1", "--yes").exit_code == 0
    assert list(read_keyring(ring).secrets) == [2]


def test_retiring_asks_first(ring):
    run("rotate", ring)
    assert run("retire", ring, "1").exit_code == 1
    assert list(read_keyring(ring).secrets) == [1, 2]


def test_existing_ring_is_left_alone(ring):
    before = ring.read_text()
    done = run("create", ring)
    assert done.exit_code == 1
    assert ring.read_text() == before
