"""`wiredesk serve`: keys and login links in the server's database; no stack is needed."""

import re

import pytest
from typer.testing import CliRunner

from cli.main import app
from local import stack


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "status", lambda: None)
    monkeypatch.setenv("WIREDESK_SERVE_DATABASE_URL", f"sqlite:///{tmp_path}/serve.sqlite")

    def invoke(*arguments):
        return CliRunner().invoke(app, ["serve", *arguments])

    return invoke


def test_a_key_is_shown_once_listed_and_revoked(run):
    key = run("keys", "add", "desk tool", "--role", "editor", "--days", "3").stdout.strip()
    assert re.fullmatch(r"wd_[0-9a-f]{8}_\S{40,}", key)
    listed = run("keys", "list").stdout
    identity = key.split("_")[1]
    assert identity in listed
    assert key not in listed
    assert run("keys", "revoke", identity).exit_code == 0
    again = run("keys", "revoke", identity)
    assert again.exit_code == 1
    assert "no key" in again.stderr


def test_a_login_link_is_an_address(run):
    link = run("--port", "9000", "login-link", "--name", "ada").stdout.strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:9000/login/\S{40,}", link)


def test_an_unknown_role_is_named(run):
    refused = run("keys", "add", "x", "--role", "king")
    assert refused.exit_code == 1
    assert "reader, editor, admin" in refused.stderr
