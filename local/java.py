"""The Java that runs Kafka and Flink."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from local.errors import StackError

OLDEST = 17  # Kafka 4 brokers


@cache
def java() -> str:
    """Path of a `java` that is new enough: `$JAVA_HOME`, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        where = f"in JAVA_HOME ({home})" if home else "on the path"
        raise StackError(f"No java {where}: run `make setup`, or install Java {OLDEST}.")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    if release(told) < OLDEST:
        raise StackError(f"{found} is Java {release(told)}; Kafka 4 needs {OLDEST} or newer.")
    return found


def release(told: str) -> int:
    """Main version in what `java -version` prints; 0 if it names none.

    >>> release('openjdk version "17.0.15" 2025-04-15')
    17
    >>> release('java version "1.8.0_402"')
    8
    """
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(version.group(1)) if version else 0
