"""The command line of a job, as `flink run -pym jobs.enrich` passes it."""

import argparse
import sys
from pathlib import Path

from jobs.runtime.catalogue import load_shared
from jobs.runtime.settings import S
from schemas.errors import SettingError


def settings_from_arguments(job: str, settings_type: type[S]) -> S:
    """Settings from `--settings FILE`, `--set key=value` and the environment.

    A wrong setting ends the process with one line.
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
    try:
        return load_shared(settings_type, file=arguments.settings, overrides=arguments.overrides)
    except SettingError as error:
        sys.exit(f"jobs.{job}: {error}")
