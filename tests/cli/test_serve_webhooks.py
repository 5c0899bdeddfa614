"""`wiredesk serve webhooks`: subscriptions in the server's database, and a test that arrives."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from cli.main import app
from local import stack


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "status", lambda: None)
    monkeypatch.setenv("WIREDESK_SERVE_DATABASE_URL", f"sqlite:///{tmp_path}/serve.sqlite")
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments):
        return CliRunner().invoke(app, ["serve", "webhooks", *arguments])

    return invoke


@pytest.fixture
def receiver():
    """A server on loopback that keeps what is posted to it, and its address."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((dict(self.headers), json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Nothing on the terminal."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", taken
    server.shutdown()
    server.server_close()


def added(run, *arguments):
    done = run("add", *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout.split()


def test_a_webhook_is_added_with_its_secret_listed_and_removed(run):
    identity, secret = added(
        run, "https://desk.example/hook", "--desk", "world", "--min-score", "0.7"
    )
    assert re.fullmatch(r"whsec_\S+", secret)
    listed = run("list").stdout
    assert "https://desk.example/hook" in listed
    assert "world, from 0.7" in listed
    assert secret not in listed
    assert run("remove", identity).exit_code == 0
    assert identity not in run("list").stdout
    assert "no subscription" in run("remove", identity).stderr


def test_a_test_arrives_in_the_form_that_was_chosen(run, receiver, monkeypatch):
    monkeypatch.setenv("WIREDESK_SERVE_WEBHOOK_PRIVATE", "true")
    address, taken = receiver
    (slack,) = added(run, address, "--as", "slack")
    webhook, _ = added(run, address)
    for identity in (slack, webhook):
        done = run("test", identity)
        assert done.exit_code == 0, done.stderr
    (_, of_slack), (headers, of_webhook) = taken
    assert "nothing has happened" in of_slack["text"]
    assert of_webhook["alert"]["title"].startswith("Test:")
    assert headers["webhook-signature"]


def test_a_private_address_is_refused_when_it_is_tried(run, receiver):
    address, taken = receiver
    (identity,) = added(run, address, "--as", "teams")
    refused = run("test", identity)
    assert refused.exit_code == 1
    assert "private address" in refused.stderr
    assert not taken


def test_mail_needs_a_mail_server(run):
    refused = run("add", "desk@example.org", "--as", "mail")
    assert refused.exit_code == 1
    assert "smtp_host" in refused.stderr


def test_a_delivery_that_is_not_dead_is_not_tried_again(run):
    refused = run("retry", "7")
    assert refused.exit_code == 1
    assert "no dead delivery 7" in refused.stderr


def test_deliveries_of_nobody_are_refused(run):
    refused = run("deliveries", "nosuch")
    assert refused.exit_code == 1
    assert "no subscription nosuch" in refused.stderr
