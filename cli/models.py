"""`wiredesk models`: which models there are, whether they are whole, and models of one's own."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.runtime.catalogue import load_shared
from jobs.runtime.enrich_settings import EnrichSettings
from models.manifest import SHIPPED, Manifest, ModelEntry, Route, read
from schemas.errors import ModelFileError, SetupError, missing_extra

if TYPE_CHECKING:
    from training.add_checkpoint import Exporter

app = typer.Typer(no_args_is_help=True, help="Models: list, check, add and remove them.")
out = Console()

SHOWN_LABELS = 12
"""Labels and thresholds beyond so many are counted; --json has all."""

NO_COMMERCE = "non-commercial"

ManifestOption = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="PATH",
        help="A manifest.toml. Default: the setting models_manifest, else the shipped one.",
        dir_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@app.command("list")
def list_models(manifest: ManifestOption = None, as_json: JsonOption = False) -> None:
    """Every model with its size, licence, tasks and languages; `show` and --json tell more."""
    found = read(manifest_path(manifest))
    rows = [summary(found, name) for name in found.models]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    title = f"Models of {found.folder}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for column in ("model", "version"):
        table.add_column(column, no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("licence", min_width=len(NO_COMMERCE), overflow="fold")
    table.add_column("tasks", no_wrap=True)
    table.add_column("languages", overflow="fold")
    for row in rows:
        table.add_row(
            row["model"],
            row["version"],
            "missing" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f}",
            _terms(row["licence"], row["commercial"]),
            "\n".join(row["tasks"]),
            _shortened(row["languages"]),
        )
    out.print(table)


@app.command()
def verify(manifest: ManifestOption = None) -> None:
    """Check every file against its digest; exit code 1 and a line for each that differs.

    Jobs do the same when they start.
    """
    found = read(manifest_path(manifest))
    wrong = list(differences(found))
    for line in wrong:
        out.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    files = {file for entry in found.models.values() for file in entry.pinned_files}
    out.print(f"{len(files)} files of {len(found.models)} models are as {found.folder} says")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A model, as in `wiredesk models list`.")],
    manifest: ManifestOption = None,
    as_json: JsonOption = False,
) -> None:
    """One model: files, routes, labels, thresholds, calibration, data, metrics, card."""
    found = read(manifest_path(manifest))
    entry = found.entry(name)
    routes = [route for route in found.routes if route.model == name]
    if as_json:
        told = summary(found, name) | {"routes": [_plain_route(route) for route in routes]}
        typer.echo(json.dumps(told | entry.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    _print_facts(f"{name} {entry.version}", _facts_of(found, entry))
    for route in routes:
        _print_facts(f"{route.task}: {route.head}", _facts_of_route(route))


@app.command()
def add(
    checkpoint: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="config.json, model.safetensors, tokenizer.json of a Hugging Face model.",
            exists=True,
            file_okay=False,
        ),
    ],
    task: Annotated[str, typer.Option(help="sentiment, topics, entities or embedding.")],
    languages: Annotated[
        str | None,
        typer.Option(metavar="de,fr", help="What it is good for. Default: its README.md."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Default: from the folder's name.")] = None,
    version: Annotated[str, typer.Option(help="Part of what records name it by.")] = "1",
    licence: Annotated[str | None, typer.Option(help="Default: its README.md.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from, for the list.")] = None,
    label_map: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='TOML: "its label" = "ours"; "" for none of ours.'),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=8, help="Default: what it was made for, at most 512.")
    ] = None,
    int8: Annotated[
        Path | None,
        typer.Option(metavar="TEXTS", help="Quantise, set up with the `text`s of a JSONL file."),
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="A float16 graph for GPUs, too.")] = False,
    non_commercial: Annotated[
        bool, typer.Option("--non-commercial", help="Its data forbids commercial use.")
    ] = False,
    evaluate_only: Annotated[
        bool, typer.Option("--evaluate-only", help="For `wiredesk evaluate`; jobs do not use it.")
    ] = False,
    manifest: ManifestOption = None,
) -> None:
    """Export a checkpoint from disk, check it against PyTorch and register it.

    It answers its task in its languages from the next start of the job on. Needs the extra
    `training`. A manifest that does not exist begins with the shipped models.
    """
    from training import add_checkpoint
    from training.checkpoint import read as read_checkpoint
    from training.checkpoint import read_card, read_label_map, task_of

    path = manifest_path(manifest)
    mapping = read_label_map(label_map) if label_map else None
    found = read_checkpoint(checkpoint, task_of(task), label_map=mapping, max_tokens=max_tokens)
    card = read_card(checkpoint)
    registration = add_checkpoint.Registration(
        name=name or add_checkpoint.name_of(checkpoint),
        version=version,
        licence=_licence(licence, card.licence, checkpoint),
        languages=_languages(languages, card.languages, checkpoint),
        source=source or f"{checkpoint.resolve().name} ({found.kind})",
        commercial=not non_commercial,
        jobs=not evaluate_only,
    )
    entry, exported = add_checkpoint.add(found, registration, path, card, exporter(int8, fp16))
    for check, value in exported.checks.items():
        out.print(f"{check}: {value:.2g}", highlight=False)
    out.print(f"{registration.name} {_use(entry, path, evaluate_only)}", soft_wrap=True)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A model, as in `wiredesk models list`.")],
    manifest: ManifestOption = None,
) -> None:
    """Take a model out of the manifest, and delete the folder that `add` made for it."""
    from training import add_checkpoint

    left = add_checkpoint.remove(name, manifest_path(manifest))
    out.print(f"{name} is removed", highlight=False)
    for file in left:
        out.print(f"no model needs {file} now", highlight=False, soft_wrap=True)


def manifest_path(given: Path | None) -> Path:
    """The manifest that a command is about, as an absolute path."""
    return (given or load_shared(EnrichSettings).models_manifest or SHIPPED).absolute()


def summary(manifest: Manifest, name: str) -> dict[str, Any]:
    """A model's row of the list; `bytes` is None where a file is missing."""
    entry = manifest.models[name]
    routes = [route for route in manifest.routes if route.model == name]
    return {
        "model": name,
        "version": entry.version,
        "bytes": _size(manifest, entry),
        "licence": entry.licence,
        "commercial": entry.commercial,
        "tasks": list(dict.fromkeys(route.task for route in routes)),
        "languages": sorted({language for route in routes for language in route.languages}),
        "max_tokens": entry.max_tokens,
    }


def differences(manifest: Manifest) -> Iterator[str]:
    """A line for each file that is missing or is not the one in the manifest."""
    seen = set()
    for entry in manifest.models.values():
        for pinned in entry.pinned_files.items():
            if pinned in seen:
                continue
            seen.add(pinned)
            try:
                manifest.verified(*pinned)
            except ModelFileError as error:
                yield str(error)


def exporter(int8: Path | None, fp16: bool) -> "Exporter":
    """The exporter with its options. Raises SetupError without the extra `training`."""
    try:
        from training import export_checkpoint
    except ModuleNotFoundError as error:
        raise missing_extra(error, "training") from error
    from training.checkpoint import read_texts

    calibration = read_texts(int8) if int8 else None
    return partial(
        export_checkpoint.export,
        calibration=calibration,
        half=fp16,
        report=lambda line: out.print(line, highlight=False),
    )


def _licence(given: str | None, told: str | None, checkpoint: Path) -> str:
    if licence := given or told:
        return licence
    raise SetupError(f"{checkpoint}/README.md names no licence; give it with --licence")


def _languages(given: str | None, told: Sequence[str], checkpoint: Path) -> list[str]:
    from models.language_codes import short

    if given is None and told:
        return list(told)
    if not given:
        raise SetupError(f"{checkpoint}/README.md names no language; give them: --languages de,fr")
    try:
        return list(dict.fromkeys(short(code) for code in given.split(",")))
    except ValueError as error:
        raise SetupError(f"--languages {given}: {error}") from error


def _use(entry: ModelEntry, path: Path, evaluate_only: bool) -> str:
    """Who uses a new model, and with which settings."""
    if evaluate_only:
        return "is there to be evaluated"
    needed = {
        f"--set models_manifest={path}": path != SHIPPED,
        "--set non_commercial_models=true": not entry.commercial,
    }
    settings = " ".join(setting for setting, wanted in needed.items() if wanted)
    return f"is used by the job with {settings}" if settings else "is used by the job"


def _size(manifest: Manifest, entry: ModelEntry) -> int | None:
    try:
        return sum((manifest.folder / file).stat().st_size for file in entry.pinned_files)
    except OSError:
        return None


def _terms(licence: str, commercial: bool) -> Text:
    """A licence, and below it that it forbids commercial use where its name does not say so."""
    if commercial:
        return Text(licence)
    return Text("\n".join(dict.fromkeys((licence, NO_COMMERCE))), "red")


def _facts_of(manifest: Manifest, entry: ModelEntry) -> dict[str, str]:
    size = _size(manifest, entry)
    return {
        "source": entry.source,
        "licence": entry.licence + ("" if entry.commercial else " (no commercial use)"),
        "trained on": "\n".join(entry.data),
        "weighs": "\n".join(entry.parts),
        "files": "\n".join(map(str, entry.pinned_files)),
        "size": "a file is missing" if size is None else f"{size / 1e6:.1f} MB",
        "max tokens": "" if entry.max_tokens is None else str(entry.max_tokens),
        "card": str(manifest.folder / entry.card),
    }


def _facts_of_route(route: Route) -> dict[str, str]:
    kind = "each on its own (sigmoid)" if route.multi_label else "one of all (softmax)"
    return {
        "used by jobs": "yes" if route.jobs else "no, to be evaluated only",
        "languages": _shortened(sorted(route.languages)),
        "output": route.output,
        "labels": _shortened(route.labels),
        "decisions": kind if route.labels else "",
        "thresholds": _shortened([f"{threshold:g}" for threshold in route.thresholds]),
        "calibration": _calibration(route) if route.labels else "",
        "metrics": "\n".join(f"{name} {value:.4f}" for name, value in route.metrics.items()),
    }


def _calibration(route: Route) -> str:
    if route.bias:
        return f"log odds divided by {route.temperature:g}, {route.bias:+g}"
    if route.short:
        return (
            f"logits divided by {route.temperature:g}, of texts with at most {route.short.tokens} "
            f"tokens by {route.short.temperature:g}"
        )
    return f"logits divided by {route.temperature:g}"


def _print_facts(title: str, facts: dict[str, str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, value)
    out.print(table)


def _shortened(values: Sequence[str]) -> str:
    """The first of many.

    >>> _shortened(["a", "b"]), _shortened(["x"] * 14)[-10:]
    ('a, b', 'and 2 more')
    """
    shown = ", ".join(values[:SHOWN_LABELS])
    more = len(values) - SHOWN_LABELS
    return f"{shown} and {more} more" if more > 0 else shown


def _plain_route(route: Route) -> dict[str, Any]:
    return route.model_dump(mode="json") | {"languages": sorted(route.languages)}
