"""The command line of a job, as `flink run -pym jobs.enrich` passes it."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from jobs.runtime.catalogue import load_shared
from jobs.runtime.settings import S
from schemas.errors import WiredeskError


def run(job: str, main: Callable[[], None]) -> None:
    """Submit a job by its `main`. What a person can put right ends the process with one line."""
    try:
        main()
    except WiredeskError as error:
        sys.exit(f"jobs.{job}: {error}")


def settings_from_arguments(job: str, settings_type: type[S]) -> S:
    """Settings from `--settings FILE`, `--set key=value` and the environment.

    Raises SettingError.
    """
    parser = argparse.ArgumentParser(prog=f"jobs.{job}")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="TOML file of settings")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="one setting, stronger than file and environment; may be repeated",
    )
    arguments = parser.parse_args()
    return load_shared(settings_type, file=arguments.settings, overrides=arguments.overrides)
