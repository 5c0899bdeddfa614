"""The tree is the architecture: imports point down, and each thing is read in one place."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "schemas": set(),
    "models": {"schemas"},
    "udfs": {"models", "schemas"},
    "jobs": {"udfs", "models", "schemas"},
    "bench": {"evaluation", "ingest", "models", "schemas"},
    "evaluation": {"ingest", "models", "schemas"},
    "ingest": {"models", "schemas"},
    "serving": {"ingest", "models", "schemas"},  # publishers push through the same normaliser
    "training": {"bench", "evaluation", "models", "schemas"},
    "local": {"bench", "ingest", "jobs", "models", "schemas", "serving", "training", "udfs"},
    "cli": {
        "bench",
        "evaluation",
        "ingest",
        "jobs",
        "local",
        "models",
        "schemas",
        "serving",
        "training",
        "udfs",
    },
}
"""Package to the packages of ours that it may import besides itself."""

LAYERS = ["schemas", "models", "udfs", "jobs"]
FLINK = {"pyflink", "apache_beam", "pemja", "py4j"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Top-level package of every absolute import, wherever in the module it stands."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]


def imports_of(package: str, among: set[str]) -> list[str]:
    """`file: package` for each import in `package` of one in `among`."""
    return [
        f"{module.relative_to(ROOT)}: {name}"
        for module in modules(package)
        for name in imported(module)
        if name in among
    ]


def reads_environment(module: Path) -> bool:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            names |= {alias.name for alias in node.names}
    return bool(names & ENVIRONMENT)


@pytest.mark.parametrize("package", [p for p in MAY_IMPORT if (ROOT / p).is_dir()])
def test_package_imports_only_what_lies_below_it(package):
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}
    assert imports_of(package, forbidden) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_has_modules_to_check(layer):
    assert len(modules(layer)) > 1


def test_every_package_in_the_wheel_has_its_place():
    packaged = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packaged <= MAY_IMPORT.keys()


@pytest.mark.parametrize("layer", ["schemas", "models"])
def test_flink_stops_at_udfs(layer):
    assert imports_of(layer, FLINK) == []


def test_module_in_jobs_shadows_no_library():
    """Under `flink run -py`, the folder of the job comes first on the path."""
    ours = {path.stem for path in (ROOT / "jobs").iterdir()} - {"__init__", "__pycache__"}
    assert "enrich" in ours
    assert ours & (sys.stdlib_module_names | packages_distributions().keys()) == set()


def test_settings_alone_read_the_environment():
    readers = [
        str(module.relative_to(ROOT))
        for layer in LAYERS
        for module in modules(layer)
        if reads_environment(module)
    ]
    assert readers == ["jobs/runtime/settings.py"]
