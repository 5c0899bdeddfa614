"""Desks: who is alerted to what, from a TOML file."""

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.breaking.outcome import Outcome
from schemas.errors import SettingError

SHIPPED = Path(__file__).parent / "desks.toml"
"""One desk, `world`, that follows everything."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NUMBERS = ("sources", "hours", "alerts_per_day", "least_sources")
_LISTS = ("languages", "topics")
_READERS = ("readers", "breaking_readers")
_SHOWN, _ALERT = "shown", "alert"


@dataclass(frozen=True)
class Desk:
    """A desk as `desks.toml` documents it.

    reader_outcome  what breaking news is by its readers; None: they are shown and raise no alert
    """

    name: str
    outcome: Outcome
    alerts_per_day: float
    least_sources: int
    languages: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    reader_outcome: Outcome | None = None

    def follows(self, language: str, codes: Collection[str]) -> bool:
        """Whether an article in a language, about some concepts and all above them, counts here.

        >>> desk = Desk("sport", Outcome(5, 2), 3, 2, topics=frozenset({"medtop:15000000"}))
        >>> desk.follows("en", ["medtop:20000822", "medtop:15000000"]), desk.follows("en", [])
        (True, False)
        """
        spoken = not self.languages or language in self.languages
        return spoken and (not self.topics or not self.topics.isdisjoint(codes))


def read(path: Path = SHIPPED) -> tuple[Desk, ...]:
    """The desks of a file, in its order. Raises SettingError."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"desks_file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"desks_file {path} is not TOML: {error}") from error
    if not tables:
        raise SettingError(f"desks_file {path} has no desk; expected a table [name] for each")
    return tuple(_desk(path, name, table) for name, table in tables.items())


def _desk(path: Path, name: str, table: Any) -> Desk:
    place = f"desks_file {path}, desk {name!r}"
    if not _NAME.fullmatch(name):
        raise SettingError(f"{place}: expected a name of a-z, 0-9, - and _")
    if not isinstance(table, dict):
        raise SettingError(f"{place}: expected a table [{name}]")
    for key in table:
        if key not in (known := (*_NUMBERS, *_LISTS, *_READERS)):
            raise SettingError(f"{place}: {key} is unknown; known: {', '.join(known)}")
    for key in _NUMBERS:
        value = table.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise SettingError(f"{place}: {key} is {value!r}; expected a number, 0 or more")
    for key in _LISTS:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise SettingError(f"{place}: {key} is {value!r}; expected a list of text")
    outcome = Outcome(int(table["sources"]), float(table["hours"]))
    return Desk(
        name=name,
        outcome=outcome,
        alerts_per_day=float(table["alerts_per_day"]),
        least_sources=int(table["least_sources"]),
        languages=_texts(table.get("languages", [])),
        topics=_texts(table.get("topics", [])),
        reader_outcome=_reader_outcome(place, table, outcome.hours),
    )


def _reader_outcome(place: str, table: Any, hours: float) -> Outcome | None:
    readers, needed = table.get("readers", _SHOWN), table.get("breaking_readers")
    if readers not in (_SHOWN, _ALERT):
        raise SettingError(f'{place}: readers is {readers!r}; expected "{_SHOWN}" or "{_ALERT}"')
    if readers == _SHOWN:
        if needed is not None:
            raise SettingError(f'{place}: breaking_readers needs readers = "{_ALERT}"')
        return None
    if isinstance(needed, bool) or not isinstance(needed, int):
        raise SettingError(
            f'{place}: breaking_readers is {needed!r}; readers = "{_ALERT}" needs a whole number'
        )
    return Outcome(needed, hours)


def _texts(values: Sequence[str]) -> frozenset[str]:
    return frozenset(values)
