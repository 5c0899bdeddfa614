"""Rows become comments; raw author ids go no further."""

from datetime import UTC, datetime

import pytest

from ingest.comments import Deletion, comment
from ingest.rows import BadRow
from models.keyring import Secret, pseudonym

SECRET = Secret(1, datetime(2026, 1, 1, tzinfo=UTC), bytes(32))
ROW = {"comment_id": "c1", "article_id": 7, "author": "ada@example.org", "text": "Hello"}


def test_raw_author_becomes_a_key_and_the_time_is_now():
    found = comment(ROW, secret=SECRET, now_ms=5)
    assert found.author_key == pseudonym("ada@example.org", SECRET)
    assert "ada" not in found.model_dump_json()
    assert (found.article_id, found.published_ms) == ("7", 5)


def test_key_that_comes_with_the_row_is_taken():
    row = {**ROW, "author_key": pseudonym("ada", SECRET)}
    del row["author"]
    assert comment(row, secret=None, now_ms=5).author_key == row["author_key"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW, "needs --keyring"),
        ({"comment_id": "c1", "article_id": "a1", "author_key": "ada@example.org"}, "author_key"),
        ({**ROW, "colour": "red"}, "no field colour"),
        ({"comment_id": "c1", "article_id": "a1", "text": "x"}, "author_key"),
        ({"deleted": True}, "comment_id"),
    ],
)
def test_row_that_is_no_comment_says_why(row, why):
    with pytest.raises(BadRow, match=why):
        comment(row, secret=None, now_ms=5)


def test_deleted_row_is_a_deletion():
    assert comment({"comment_id": "c1", "deleted": True}, secret=None, now_ms=5) == Deletion("c1")
