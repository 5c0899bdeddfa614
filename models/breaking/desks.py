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


@dataclass(frozen=True)
class Desk:
    """A desk as `desks.toml` documents it."""

    name: str
    outcome: Outcome
    alerts_per_day: float
    least_sources: int
    languages: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()

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
        if key not in (*_NUMBERS, *_LISTS):
            raise SettingError(f"{place}: {key} is unknown; known: {', '.join(_NUMBERS + _LISTS)}")
    for key in _NUMBERS:
        value = table.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise SettingError(f"{place}: {key} is {value!r}; expected a number, 0 or more")
    for key in _LISTS:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise SettingError(f"{place}: {key} is {value!r}; expected a list of text")
    return Desk(
        name=name,
        outcome=Outcome(int(table["sources"]), float(table["hours"])),
        alerts_per_day=float(table["alerts_per_day"]),
        least_sources=int(table["least_sources"]),
        languages=_texts(table.get("languages", [])),
        topics=_texts(table.get("topics", [])),
    )


def _texts(values: Sequence[str]) -> frozenset[str]:
    return frozenset(values)
