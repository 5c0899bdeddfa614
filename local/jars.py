"""The jars Maven brings: a Kafka broker, Flink's Kafka connector, and a Java agent."""

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from local.errors import StackError

POMS = Path(__file__).parent / "kafka"


def broker(jars: Path) -> Path:
    """Folder of the broker's jars."""
    return _version(jars) / "broker"


def connector(jars: Path) -> Path:
    """Folder of the one connector jar."""
    return _version(jars) / "connector"


def agent(jars: Path) -> Path:
    """The Java agent's jar."""
    return next((_version(jars) / "agent").glob("byteman-*.jar"))


def complete(jars: Path) -> bool:
    """Whether the folder holds what the poms of this checkout ask for."""
    return _version(jars).exists()


def fetch(jars: Path) -> None:
    """Copy the jars into this folder, from the user's Maven cache where they are there already."""
    if complete(jars):
        return
    if shutil.which("mvn") is None:
        raise StackError("mvn not found: run `make setup`, or install Maven (Debian: maven).")
    jars.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars, prefix="fetching-") as draft:
        _copy_dependencies(Path(draft) / "jars")
        with suppress(OSError):  # another `up` was quicker
            (Path(draft) / "jars").rename(_version(jars))


def _copy_dependencies(folder: Path) -> None:
    poms = ["--file", str(POMS / "pom.xml")]
    quiet = ["--batch-mode", "--quiet", "--no-transfer-progress", "--strict-checksums"]
    goal = ["dependency:copy-dependencies", f"-Djars={folder}"]
    done = subprocess.run(
        ["mvn", *quiet, *poms, *goal], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        reason = next((line for line in lines if "ERROR" in line), " ".join(lines))
        raise StackError(f"Maven could not fetch the Kafka jars: {reason}")


def _version(jars: Path) -> Path:
    """One folder for each state of the poms: a running JVM may still open jars of an older one."""
    poms = b"".join(pom.read_bytes() for pom in sorted(POMS.rglob("pom.xml")))
    return jars / hashlib.sha256(poms).hexdigest()[:12]
