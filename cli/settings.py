"""`wiredesk settings`: every knob of a job, and what it is set to."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from cli.connection import SettingsOption
from jobs.runtime.catalogue import JOBS, load_shared
from jobs.runtime.settings import ENVIRONMENT_PREFIX
from schemas.errors import SetupError
from schemas.settings import KafkaSettings

out = Console()

MASK = "********"


@dataclass(frozen=True)
class Setting:
    """One knob, in plain values; a secret that is set shows as a mask.

    origin  where the value comes from: default, environment, or the file
    """

    name: str
    default: Any
    value: Any
    origin: str
    environment: str
    secret: bool
    description: str


def settings(
    job: Annotated[str, typer.Argument(help="The job whose settings to show.")] = "enrich",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout.")] = False,
    file: SettingsOption = None,
) -> None:
    """Show a job's settings: default, meaning, variable, and what they are set to here.

    Strongest first: `wiredesk submit JOB --set key=value`, the environment, the settings file,
    the default.
    """
    if job not in JOBS:
        raise SetupError(f"there is no job {job!r}; known: {', '.join(JOBS)}")
    found = current(JOBS[job], file)
    if as_json:
        typer.echo(json.dumps([asdict(setting) for setting in found], indent=2))
        return
    table = Table(title=f"Settings of {job}", title_justify="left", show_lines=True)
    table.add_column("name and variable", no_wrap=True)
    table.add_column("default", overflow="fold")
    table.add_column("meaning")
    table.add_column("set here", overflow="fold")
    for setting in found:
        here = "" if setting.origin == "default" else f"{setting.value}\n({setting.origin})"
        table.add_row(
            f"[bold]{setting.name}[/]\n[dim]{setting.environment}[/]",
            "" if setting.default is None else str(setting.default),
            setting.description,
            here,
        )
    out.print(table)


def current(settings_type: type[KafkaSettings], file: Path | None) -> list[Setting]:
    """Every setting of a job with its value, from the file and the environment."""
    loaded = load_shared(settings_type, file=file)
    in_environment = load_shared(settings_type).model_fields_set
    return [
        Setting(
            name=name,
            default=_plain(field.default),
            value=_shown(getattr(loaded, name)),
            origin=_origin(name, loaded.model_fields_set, in_environment, file),
            environment=f"{ENVIRONMENT_PREFIX}{name.upper()}",
            secret=SecretStr in (field.annotation, *get_args(field.annotation)),
            description=field.description or "",
        )
        for name, field in settings_type.model_fields.items()
    ]


def _origin(name: str, given: set[str], in_environment: set[str], file: Path | None) -> str:
    if name not in given:
        return "default"
    return "environment" if name in in_environment else f"file {file}"


def _plain(value: Any) -> Any:
    """A default as JSON can hold it; defaults are no secrets."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)


def _shown(value: Any) -> Any:
    return MASK if isinstance(value, SecretStr) else _plain(value)
