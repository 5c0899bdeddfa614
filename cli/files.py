"""Files that commands write."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.errors import SetupError

JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="OUT", help="Write the figures here, too.")
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
