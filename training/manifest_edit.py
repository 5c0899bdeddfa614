"""Edits of a manifest file: what is not named stays as it is, comments included."""

import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel
from tomlkit.items import AbstractTable, Item

from models.manifest import SHIPPED, ModelEntry, Route, read
from schemas.errors import ModelFileError

_BARE_KEY = r"[A-Za-z0-9_-]+"
_BLOCK = re.compile(
    rf"\[\s*models\s*\.\s*(?:{_BARE_KEY}|\"[^\"\\]+\"|'[^']+')\s*\]|\[\[\s*routes\s*\]\]"
)
_NO_ROUTES = re.compile(r"^routes\s*=\s*\[\s*\]\s*$", re.MULTILINE)
_CALIBRATION = ("bias", "multi_label", "odds_share", "short", "temperature", "thresholds")
_LINE = 96
"""Characters in a line of a long list."""


def register(manifest_path: Path, name: str, entry: ModelEntry, routes: Sequence[Route]) -> None:
    """Put a model and its routes into a manifest, in place of what it has of that name.

    A new route stands before older ones of its task or head and of one of its languages: the first
    route that covers a language answers. An old one by the name of another head stays where a new
    one has its task, output and labels, and takes that one's calibration. The file is replaced as a
    whole, or, when the result is no manifest or a file of the model has another digest, not at all:
    raises ModelFileError.
    """
    for route in routes:
        if route.model != name:
            raise ModelFileError(f"route {route.head} of model {name} names model {route.model}")
    preamble, blocks = _split(manifest_path)
    _put_entry(blocks, name, entry)
    old = [block for block in blocks if block.route and block.model == name]
    for route in routes:
        same = next((b for b in old if b.route and b.route.head == route.head), None)
        if same is not None:
            old.remove(same)
        _put_route(blocks, route, same)
    gone = [block for block in old if not _followed(block, routes)]
    _replace(manifest_path, preamble, [b for b in blocks if b not in gone], verify=name)


def edit_routes(manifest_path: Path, edited: Callable[[Route], Route]) -> None:
    """Put what `edited` makes of each route in its place. Raises ModelFileError."""
    preamble, blocks = _split(manifest_path)
    for block in blocks:
        if block.route is not None and (route := edited(block.route)) != block.route:
            block.text = _edited(block.text, route)
    _replace(manifest_path, preamble, blocks)


def remove(manifest_path: Path, name: str) -> tuple[Path, ...]:
    """Take a model and its routes out of a manifest; its files that no other model needs.

    The files stay where they are. Raises ModelFileError.
    """
    manifest = read(manifest_path)
    files = _files(manifest.entry(name))
    if len(manifest.models) == 1:
        raise ModelFileError(
            f"{name} is the only model of {manifest_path}; delete the file instead"
        )
    others = {file for m, e in manifest.models.items() if m != name for file in _files(e)}
    preamble, blocks = _split(manifest_path)
    _replace(manifest_path, preamble, [b for b in blocks if b.model != name])
    return tuple(file for file in files if file not in others)


def start(manifest_path: Path, origin: Path = SHIPPED) -> None:
    """Begin a manifest of one's own with the models of another, their files beside it.

    Such a folder can be carried to every machine of a cluster.
    """
    manifest = read(origin)
    files = {file for entry in manifest.models.values() for file in _files(entry)}
    for file in sorted(file for file in files if (manifest.folder / file).is_file()):
        target = manifest_path.parent / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(manifest.folder / file, target)
    shutil.copyfile(origin, manifest_path)


class _Block:
    """One `[models.NAME]` or `[[routes]]` as it is written, with the comments right above it."""

    def __init__(self, text: str) -> None:
        self.text = text
        content = tomllib.loads(text)
        self.entry_of: str | None = next(iter(content.get("models", {})), None)
        self.route: Route | None = None
        if "routes" in content:
            self.route = Route.model_validate(content["routes"][0])

    @property
    def model(self) -> str | None:
        """The model that the block is about."""
        return self.route.model if self.route else self.entry_of

    def competes(self, route: Route) -> bool:
        """Whether it is another model's route, and only the first of the two can be used: for its
        head, or by the jobs.
        """
        old = self.route
        if old is None or old.model == route.model or not old.languages & route.languages:
            return False
        same_text = (old.task, old.texts) == (route.task, route.texts)
        return old.head == route.head or (same_text and old.jobs and route.jobs)


def _split(path: Path) -> tuple[str, list[_Block]]:
    """What stands above the first block, and the blocks. Raises ModelFileError."""
    manifest = read(path)  # from here on it is known to be a manifest
    pieces: list[list[str]] = [[]]
    for line in path.read_text("utf-8").splitlines(keepends=True):
        if _BLOCK.match(line):
            pieces.append([*_comments_above(pieces[-1]), line])
        else:
            pieces[-1].append(line)
    try:
        blocks = [_Block("".join(lines)) for lines in pieces[1:]]
    except ValueError as error:
        raise ModelFileError(f"manifest {path} cannot be edited: {error}") from error
    found = [b.route for b in blocks if b.route]
    if {b.entry_of for b in blocks if not b.route} != manifest.models.keys() or tuple(
        found
    ) != manifest.routes:
        raise ModelFileError(
            f"manifest {path} cannot be edited: every model must stand below a line of its own, "
            "[models.NAME], and every route below a line [[routes]]"
        )
    return "".join(pieces[0]), blocks


def _comments_above(lines: list[str]) -> list[str]:
    """Cuts the comments off that end a piece: they speak of what follows."""
    first = len(lines)
    while first and lines[first - 1].startswith("#"):
        first -= 1
    if first == 0:  # the head of the file
        return []
    comments = lines[first:]
    del lines[first:]
    return comments


def _put_entry(blocks: list[_Block], name: str, entry: ModelEntry) -> None:
    for block in blocks:
        if block.entry_of == name:
            block.text = _edited(block.text, entry)
            return
    key = name if re.fullmatch(_BARE_KEY, name) else f'"{name}"'
    place = 1 + max((i for i, b in enumerate(blocks) if b.entry_of), default=-1)
    blocks.insert(place, _Block(_edited(f"[models.{key}]\n", entry)))


def _put_route(blocks: list[_Block], route: Route, old: _Block | None) -> None:
    """Before what it competes with; an old one that stands there already stays in its place."""
    first = next((i for i, block in enumerate(blocks) if block.competes(route)), len(blocks))
    if old is None:
        blocks.insert(first, _Block(_edited("[[routes]]\n", route)))
        return
    place = blocks.index(old)
    del blocks[place]
    blocks.insert(min(place, first), _Block(_edited(old.text, route)))


def _followed(block: _Block, routes: Sequence[Route]) -> bool:
    """Whether an old route is another head's name for what a new one answers; it then has that
    one's calibration.
    """
    old = block.route
    assert old is not None
    if any(route.head == old.head for route in routes):
        return False
    for route in routes:
        if (route.task, route.output, route.labels) == (old.task, old.output, old.labels):
            changed = {name: getattr(route, name) for name in _CALIBRATION}
            block.route = old.model_copy(update=changed)
            block.text = _edited(block.text, block.route)
            return True
    return False


def _edited(text: str, content: BaseModel) -> str:
    """The block with the fields of `content`; comments and the order of its keys stay."""
    document = tomlkit.parse(text)
    table: Any = document["models"] if "models" in document else document["routes"]
    table = table[0] if "routes" in document else next(iter(table.values()))
    fields = content.model_dump(mode="json")
    defaults = {key: field.default for key, field in type(content).model_fields.items()}
    for key, value in fields.items():
        if isinstance(getattr(content, key), frozenset):
            value = sorted(value)
        plain = value == _plain(defaults[key]) and key not in table
        if value is None or plain:
            table.pop(key, None)
        elif key not in table or not _same(table[key], value):
            _set(table, key, value)
    return _ending(tomlkit.dumps(document))


def _same(old: Any, new: Any) -> bool:
    """Whether nothing changes; the order of a table's keys counts."""
    if isinstance(new, dict):
        return list(old.items()) == list(new.items())
    return bool(old == new)


def _set(table: Any, key: str, value: Any) -> None:
    old = table.get(key)
    if isinstance(old, AbstractTable):
        kept = [name for name in old if name in value]
        if kept + [name for name in value if name not in kept] == list(value):
            for gone in old.keys() - value.keys():
                old.remove(gone)
            old.update(value)
            return
        del table[key]
    table[key] = _item(value)


def _item(value: Any) -> Item:
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        if len(inline.as_string()) <= _LINE:
            return inline
        below = tomlkit.table()
        below.update(value)
        return below
    item: Item = tomlkit.item(value)
    if isinstance(value, list) and len(item.as_string()) > _LINE:
        wrapped = tomlkit.parse("list = [\n" + _wrapped(value) + "]\n")["list"]
        assert isinstance(wrapped, Item)
        return wrapped
    return item


def _wrapped(values: list[Any]) -> str:
    """The members of a list, as many in a line as fit."""
    lines = [""]
    for value in values:
        written = tomlkit.item(value).as_string() + ","
        if lines[-1] and len(lines[-1]) + len(written) + 5 > _LINE:
            lines.append("")
        lines[-1] += f" {written}" if lines[-1] else written
    return "".join(f"    {line}\n" for line in lines)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _ending(text: str) -> str:
    """Exactly one newline at the end."""
    return text.rstrip("\n") + "\n"


def _files(entry: ModelEntry) -> tuple[Path, ...]:
    """Every file of a model."""
    return tuple(dict.fromkeys((*entry.pinned_files, entry.card)))


def _replace(path: Path, preamble: str, blocks: list[_Block], verify: str | None = None) -> None:
    """Writes the file beside the old one and moves it there once it has been read."""
    preamble = _NO_ROUTES.sub("", preamble).strip("\n")
    if not any(block.route for block in blocks):
        preamble = f"{preamble}\n\nroutes = []"
    parts = [preamble, *(block.text.strip("\n") for block in blocks)]
    text = "\n\n".join(part for part in parts if part).lstrip("\n") + "\n"
    handle, name = tempfile.mkstemp(".toml", f".{path.name}-", path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, new)
        _verify(new, verify)
        new.replace(path)
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(name, str(path))) from error
    finally:
        new.unlink(missing_ok=True)


def _verify(path: Path, model: str | None) -> None:
    manifest = read(path)
    if model is not None:
        for file, sha256 in manifest.entry(model).pinned_files.items():
            manifest.verified(file, sha256)
