import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.entry import Entry
from ingest.robots import Rules
from ingest.schedule import Rhythm
from ingest.state import State, Waiting
from schemas.article import Article
from schemas.errors import SetupError

ENTRY = Entry(
    key="7",
    url="https://news.example/7",
    title="Bridge",
    published=datetime(2026, 3, 2, tzinfo=UTC),
)
ARTICLE = Article(
    article_id="a", source="news.example", title="Bridge", published_ms=1, fetched_ms=2
)


@pytest.fixture
def state():
    with State(":memory:") as kept:
        yield kept


def test_source_is_remembered(state):
    assert state.source("courier") == ({}, Rhythm(), 0, {})
    state.keep_source("courier", {"etag": "7"}, Rhythm(interval_s=60), 9, {"polls": 1})
    assert state.source("courier") == ({"etag": "7"}, Rhythm(interval_s=60), 9, {"polls": 1})


def test_item_is_fresh_until_it_was_taken_and_again_when_it_changes(state):
    assert state.fresh("courier", [ENTRY]) == [ENTRY]
    state.take("courier", ENTRY, ARTICLE, now_ms=1)
    assert state.fresh("courier", [ENTRY]) == []
    changed = replace(ENTRY, title="Bridge reopens")
    assert state.fresh("courier", [changed]) == [changed]


def test_other_source_does_not_change_an_article(state):
    assert state.take("courier", ENTRY, ARTICLE, now_ms=1) == ARTICLE
    other = ARTICLE.model_copy(update={"title": "Brücke"})
    assert state.take("echo", ENTRY, other, now_ms=2) is None
    assert state.take("courier", ENTRY, other, now_ms=3).metadata == {"version": "2"}


def test_same_words_are_not_sent_again(state):
    state.take("courier", ENTRY, ARTICLE, now_ms=1)
    later = ARTICLE.model_copy(update={"fetched_ms": 9, "published_ms": 8})
    assert state.take("courier", ENTRY, later, now_ms=2) is None


def test_failed_transaction_leaves_nothing(state):
    def failing():
        with state.transaction():
            state.put("articles.raw", b"k", b"v")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert state.outbox_count() == 0


def test_outbox_numbers_grow_for_ever(state):
    for value in (b"a", b"b"):
        state.put("articles.raw", b"k", value)
    first, second = state.outgoing(9)
    state.arrived(second.number)
    state.put("articles.raw", b"k", b"c")
    assert state.outgoing(9)[0].number > second.number > first.number


def test_numbers_go_on_behind_what_kafka_has(state):
    """After a power cut Kafka may know more than the disk."""
    state.arrived(40)
    state.put("articles.raw", b"k", b"v")
    assert state.outgoing(1)[0].number == 41


def test_item_in_the_line_keeps_its_attempts_until_it_changes(state):
    waiting = Waiting("courier", "7", ENTRY, due_ms=5)
    assert state.wait(waiting)
    state.wait_longer("courier", "7", 60)
    assert not state.wait(waiting)
    assert state.waiting_item("courier", "7") == replace(waiting, attempts=1, due_ms=60)
    changed = replace(waiting, entry=replace(ENTRY, title="Bridge reopens"))
    assert state.wait(changed)
    state.done_waiting(waiting)
    assert state.waiting_item("courier", "7") == changed


def test_old_items_are_forgotten_unless_still_shown(state):
    day_ms = 24 * 3600 * 1000
    other = replace(ENTRY, key="8")
    for entry in (ENTRY, other):
        state.take("courier", entry, None, now_ms=0)
    state.touch("courier", ["8"], 89 * day_ms)
    state.forget(100 * day_ms)
    assert state.fresh("courier", [ENTRY, other]) == [ENTRY]


def test_state_has_one_name_for_ever(tmp_path):
    with State(tmp_path / "s.sqlite") as state:
        name = state.id
    with State(tmp_path / "s.sqlite") as state:
        assert (state.id, len(name)) == (name, 16)


def test_state_of_the_first_version_is_taken_over(tmp_path):
    with State(tmp_path / "state.sqlite") as state:
        before = state.id
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as old:
        old.executescript("DROP TABLE robots; PRAGMA user_version = 1;")
    with State(tmp_path / "state.sqlite") as state:
        state.keep_robots("https://news.example", Rules(closed=True, kept_s=7), 9)
        assert state.robots_of("https://news.example") == (Rules(closed=True, kept_s=7), 9)
        assert state.id == before


def test_state_of_a_newer_program_is_refused(tmp_path):
    with State(tmp_path / "state.sqlite"):
        pass
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(SetupError, match="version 99"):
        State(tmp_path / "state.sqlite")


def test_what_a_robots_txt_said_is_forgotten_when_it_holds_no_more(state):
    state.keep_robots("https://news.example", Rules(), 10)
    state.forget(11)
    assert state.robots_of("https://news.example") is None


def test_file_that_is_no_state_is_refused(tmp_path):
    (tmp_path / "s.sqlite").write_bytes(b"hello" * 99)
    with pytest.raises(SetupError, match="cannot be used"):
        State(tmp_path / "s.sqlite")


def test_what_was_committed_can_be_put_on_the_disk_at_any_time(tmp_path):
    State(":memory:").sync()
    path = tmp_path / "state.sqlite"
    with State(path) as state:
        state.sync()
        state.keep_source("courier", {}, Rhythm(), 9, {})
        state.sync()
        (tmp_path / "state.sqlite-wal").unlink()
        with pytest.raises(SetupError, match=r"state\.sqlite-wal cannot be written"):
            state.sync()
