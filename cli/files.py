"""Files that commands write."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.errors import SetupError


def writable(file: Path | None) -> Path | None:
    """A file to write, looked at before the work for it is done. Raises SetupError."""
    if file is not None and not file.parent.is_dir():
        raise SetupError(f"{file} cannot be written: there is no folder {file.parent}")
    if file is not None and file.is_dir():
        raise SetupError(f"{file} cannot be written: it is a folder")
    return file


JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="OUT", callback=writable, help="Write the figures here, too."),
]


def write(file: Path, content: str) -> None:
    """Write a text. Raises SetupError."""
    try:
        file.write_text(content, "utf-8")
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}") from error


def write_json(file: Path | None, figures: Any) -> None:
    """Write figures where `--json` wants them. Raises SetupError."""
    if file is not None:
        write(file, json.dumps(figures, indent=2) + "\n")
