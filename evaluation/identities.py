"""Sentences of our own about groups of people: some say nothing bad, some attack.

A model that saw a group's name mostly in insults takes the name itself for one. Every template of
identities.toml is filled with every group, so that the name tells nothing, and so with what belongs
to a group's life. HateCheck is not learned from, and its templates are not used.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Group(NamedTuple):
    """A group as one of its members, as several, and as a word before a noun."""

    member: str
    members: str
    adjective: str


class Thing(NamedTuple):
    """Something that belongs to a group's life, and the group's members as `Group` has them."""

    name: str
    members: str


class Sentence(NamedTuple):
    """A filled template; `group` is empty where it speaks of none."""

    text: str
    hostile: bool
    template: str
    group: str


_WRITTEN = tomllib.loads((Path(__file__).parent / "identities.toml").read_text("utf-8"))

GROUPS = tuple(Group(**group) for group in _WRITTEN["groups"])
NEUTRAL: tuple[str, ...] = tuple(_WRITTEN["neutral"])
HOSTILE: tuple[str, ...] = tuple(_WRITTEN["hostile"])
THINGS = tuple(Thing(**thing) for thing in _WRITTEN["things"])
NEUTRAL_THINGS: tuple[str, ...] = tuple(_WRITTEN["neutral_things"])
HOSTILE_THINGS: tuple[str, ...] = tuple(_WRITTEN["hostile_things"])
OBJECTS: tuple[str, ...] = tuple(_WRITTEN["objects"])
"""What may be cursed without wronging anybody."""
CURSES: tuple[str, ...] = tuple(_WRITTEN["curses"])


def sentences() -> Iterator[Sentence]:
    """Every template with every group, and with everything that belongs to one."""
    people = [(group._asdict(), group.members) for group in GROUPS]
    belongings = [({"thing": thing.name}, thing.members) for thing in THINGS]
    for templates, hostile, fillings in (
        (NEUTRAL, False, people),
        (HOSTILE, True, people),
        (NEUTRAL_THINGS, False, belongings),
        (HOSTILE_THINGS, True, belongings),
        (CURSES, False, [({"object": thing}, "") for thing in OBJECTS]),
    ):
        for template in templates:
            for words, members in fillings:
                text = template.format(**words)
                yield Sentence(text[0].upper() + text[1:], hostile, template, members)
