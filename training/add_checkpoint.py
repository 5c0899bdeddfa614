"""A checkpoint of a user's own becomes a model of a manifest, and leaves it again."""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.manifest import SHIPPED, ModelEntry, Route, read
from schemas.errors import ModelFileError
from training import manifest_edit
from training.checkpoint import Card, Checkpoint, CheckpointError, Task, forbids_commerce
from training.entries import CARD, digest

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
ADDED = "Added by `wiredesk models add`."
"""Stands in the card of every model whose folder is ours to delete."""


class Exported(Protocol):
    """What an exporter wrote, as training.export_checkpoint.Exported."""

    file: str
    tokenizer: str
    gpu_file: str | None
    max_tokens: int
    checks: dict[str, float]


Exporter = Callable[[Checkpoint, Path], Exported]
"""Writes a checkpoint's graph and tokenizer into a folder."""


@dataclass(frozen=True)
class Registration:
    """What a user says of a model.

    languages  ISO 639-1, or 639-3 where there is none
    jobs       whether the jobs shall use it
    """

    name: str
    version: str
    licence: str
    languages: Sequence[str]
    source: str
    commercial: bool = True
    jobs: bool = True


def add(
    checkpoint: Checkpoint,
    registration: Registration,
    manifest_path: Path,
    card: Card,
    export: Exporter,
) -> tuple[ModelEntry, Exported]:
    """Export a checkpoint into a folder beside a manifest and register it there.

    A manifest that does not exist begins with the shipped models. Raises CheckpointError or
    ModelFileError, and then leaves everything as it was.
    """
    r = registration
    folder = manifest_path.parent / r.name
    _check_free(r.name, manifest_path, folder)
    manifest_path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{r.name}-", dir=manifest_path.parent) as scratch:
        made = Path(scratch) / r.name
        made.mkdir()
        exported = export(checkpoint, made)
        entry = _entry(r, card, made, exported)
        (made / CARD).write_text(_card_text(checkpoint, r, card, exported), "utf-8")
        if not manifest_path.exists():
            manifest_edit.start(manifest_path)
        made.rename(folder)
    try:
        manifest_edit.register(manifest_path, r.name, entry, [_route(checkpoint, r)])
    except ModelFileError:
        shutil.rmtree(folder)
        raise
    return entry, exported


def remove(name: str, manifest_path: Path) -> tuple[Path, ...]:
    """Take a model out of a manifest and delete the folder that `add` made for it, if it did.

    Returns its files that stay although no other model needs them. Raises ModelFileError.
    """
    manifest = read(manifest_path)
    manifest.entry(name)
    if all(route.model != name for route in manifest.routes):
        raise ModelFileError(f"{name} cannot be removed: it answers no task, other models need it")
    unused = manifest_edit.remove(manifest_path, name)
    folder = manifest_path.parent / name
    card = folder / CARD
    if not card.is_file() or ADDED not in card.read_text("utf-8", errors="replace"):
        return unused
    shutil.rmtree(folder)
    return tuple(file for file in unused if file.parts[0] != name)


def name_of(checkpoint: Path) -> str:
    """The name a model gets from its folder's.

    >>> name_of(Path("exports/German Sentiment_v2"))
    'german-sentiment-v2'
    """
    return re.sub(r"[^a-z0-9]+", "-", checkpoint.resolve().name.lower()).strip("-")


def _check_free(name: str, manifest_path: Path, folder: Path) -> None:
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"a model cannot be called {name!r}; use small letters, digits, dot, dash (--name)"
        )
    known = read(manifest_path if manifest_path.exists() else SHIPPED).models
    if name in known:
        raise CheckpointError(
            f"{manifest_path} has a model {name} already; give another --name, or remove it first: "
            f"wiredesk models remove {name} --manifest {manifest_path}"
        )
    if folder.exists():
        raise CheckpointError(f"{folder} exists already; move it away or give another --name")


def _entry(r: Registration, card: Card, made: Path, exported: Exported) -> ModelEntry:
    gpu = exported.gpu_file
    return ModelEntry(
        version=r.version,
        file=Path(r.name, exported.file),
        sha256=digest(made / exported.file),
        licence=r.licence,
        source=r.source,
        card=Path(r.name, CARD),
        tokenizer=Path(r.name, exported.tokenizer),
        tokenizer_sha256=digest(made / exported.tokenizer),
        max_tokens=exported.max_tokens,
        commercial=r.commercial and not forbids_commerce(r.licence),
        data=card.data,
        gpu_file=Path(r.name, gpu) if gpu else None,
        gpu_sha256=digest(made / gpu) if gpu else None,
    )


def _route(checkpoint: Checkpoint, r: Registration) -> Route:
    """Topics are decisions of their own, at one half until somebody calibrates them."""
    topics = checkpoint.task is Task.TOPICS
    return Route(
        task=checkpoint.task,
        head=f"{checkpoint.task}/{r.name}",
        model=r.name,
        output=checkpoint.task.output,
        labels=checkpoint.labels.names,
        languages=frozenset(r.languages),
        multi_label=topics,
        thresholds=(0.5,) * len(checkpoint.labels.names) if topics else (),
        jobs=r.jobs,
    )


def _card_text(checkpoint: Checkpoint, r: Registration, card: Card, exported: Exported) -> str:
    never = [
        name
        for name, group in zip(checkpoint.labels.names, checkpoint.labels.groups, strict=True)
        if not group
    ]
    facts = {
        "Source": r.source,
        "Licence": r.licence,
        "Task": f"{checkpoint.task}, output `{checkpoint.task.output}`",
        "Languages": ", ".join(r.languages),
        "Labels": ", ".join(checkpoint.labels.names),
        "Labels it never answers with": ", ".join(never),
        "Longest text": f"{exported.max_tokens} tokens",
        "Trained on": ", ".join(card.data),
    } | {check: f"{value:.3g}" for check, value in exported.checks.items()}
    rows = "".join(f"| {name} | {value} |\n" for name, value in facts.items() if value)
    text = f"# {r.name}\n\n{ADDED}\n\n| | |\n|---|---|\n{rows}"
    return f"{text}\n## What its publisher says\n\n{card.text}\n" if card.text else text
