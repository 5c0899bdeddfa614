"""Comments in files: rows to Comment, with the author's id turned into a key on the way.

Columns are the fields of Comment, and `author`: the raw id of who wrote it, which goes no further.
A row with `deleted` set to true is a deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ingest.rows import BadRow
from models.keyring import Secret, pseudonym
from schemas.comment import Comment
from schemas.record import first_fault

_TEXTS = ("comment_id", "article_id", "text", "parent_id", "language", "desk", "author_key")


@dataclass(frozen=True)
class Deletion:
    """A comment that its site has deleted."""

    comment_id: str


def comment(
    columns: Mapping[str, Any], *, secret: Secret | None, now_ms: int
) -> Comment | Deletion:
    """The comment in a row, or its deletion. Raises BadRow.

    secret  of the key ring of authors; None where rows bring `author_key`
    """
    given = {name: value for name, value in columns.items() if value not in (None, "")}
    author = given.pop("author", None)
    if given.pop("deleted", False) in (True, "true"):
        return Deletion(_text("comment_id", given.get("comment_id")))
    if unknown := given.keys() - Comment.model_fields.keys():
        raise BadRow(f"a comment has no field {', '.join(sorted(unknown))}")
    fields: dict[str, Any] = {name: _text(name, given[name]) for name in _TEXTS if name in given}
    if author is not None:
        if secret is None:
            raise BadRow("column author needs --keyring: raw ids do not leave this machine")
        fields["author_key"] = pseudonym(_text("author", author), secret)
    fields["published_ms"] = given.get("published_ms", now_ms)
    try:
        return Comment.model_validate({"text": ""} | fields)
    except ValidationError as error:
        raise BadRow(first_fault(error)) from error


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadRow(f"{name} is missing or no text")
