"""What readers do, in files: rows to UserEvent, with the reader's id made a pseudonym on the way.

Columns are the fields of UserEvent, and `user`: the raw id of the reader, which goes no further.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ingest.rows import BadRow
from models.keyring import Secret, pseudonym
from models.profiles.signals import require_usable
from schemas.errors import RejectedEvent
from schemas.record import first_fault
from schemas.user_event import UserEvent

_WHOLE = ("ts_ms", "dwell_ms", "position")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def user_event(
    columns: Mapping[str, Any], *, secret: Secret | None, now_ms: int, consent: bool | None
) -> UserEvent:
    """The event in a row. Raises BadRow.

    secret   of the key ring of pseudonyms; None where rows bring `user_key`
    now_ms   for rows without ts_ms
    consent  for rows without it; None: such rows are bad

    An event without an id gets one from all that it says, so the same row again counts once.
    """
    given = {name: value for name, value in columns.items() if value not in (None, "")}
    user = given.pop("user", None)
    if unknown := given.keys() - UserEvent.model_fields.keys():
        raise BadRow(f"an event has no field {', '.join(sorted(unknown))}")
    fields = {name: _value(name, value) for name, value in given.items()}
    if user is not None:
        if secret is None:
            raise BadRow("column user needs a key ring: raw ids do not leave this machine")
        fields["user_key"] = pseudonym(str(user), secret)
    fields.setdefault("ts_ms", now_ms)
    if consent is not None:
        fields.setdefault("consent", consent)
    fields.setdefault("event_id", _event_id(fields))
    try:
        event = UserEvent.model_validate(fields)
        require_usable(event)
    except ValidationError as error:
        raise BadRow(first_fault(error)) from error
    except RejectedEvent as error:
        raise BadRow(error.detail) from error
    return event


def _value(name: str, value: Any) -> Any:
    """A cell of JSON or CSV as the field wants it; what it cannot be is left to the schema."""
    if name == "consent":
        return _TRUTHS.get(str(value).lower(), value)
    if isinstance(value, bool):
        return value
    if name in _WHOLE and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if name == "propensity":
        return _number(value)
    return str(value) if isinstance(value, int) and name not in _WHOLE else value


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _event_id(fields: Mapping[str, Any]) -> str:
    said = "\x1f".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
