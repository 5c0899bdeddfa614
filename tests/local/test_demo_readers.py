from datetime import UTC, datetime

from ingest.user_events import user_event
from local.demo.corpus import BREAKING, SPAN_MS, articles
from local.demo.readers import PASSER_BY, PASSERS_BY, PLACED_MS, READERS, actions, rows
from models.keyring import new_keyring


def test_readers_do_only_what_the_command_takes() -> None:
    secret = new_keyring(datetime(2026, 1, 1, tzinfo=UTC)).newest
    sent = [user_event(row, secret=secret, now_ms=0, consent=None) for row in rows(10**12)]
    assert len({event.event_id for event in sent}) == len(sent) > 80


def test_nobody_clicks_before_publication_or_after_the_demo() -> None:
    published = {article.article_id: article.offset_ms for article in reversed(articles())}
    for action in actions():
        assert 0 <= action.offset_ms <= SPAN_MS
        if "article_id" in action.columns:
            assert action.offset_ms > published[action.columns["article_id"]]


def test_readers_differ_and_one_is_new() -> None:
    clicks = {
        reader.user: {
            action.columns["article_id"]
            for action in actions()
            if action.user == reader.user and action.columns["kind"] == "click"
        }
        for reader in READERS
    }
    assert len(clicks.pop("demo-nour")) == 1
    for user, read in clicks.items():
        assert len(read) >= 5
        assert not any(read & other for name, other in clicks.items() if name != user)


def test_passers_by_come_once_each_for_the_story_that_breaks() -> None:
    came = [action for action in actions() if action.user.startswith(PASSER_BY)]
    assert len({action.user for action in came}) == len(came) == PASSERS_BY
    published = {a.article_id: a.offset_ms for a in reversed(articles()) if a.story == BREAKING}
    for action in came:
        assert action.offset_ms >= published[action.columns["article_id"]] + PLACED_MS
