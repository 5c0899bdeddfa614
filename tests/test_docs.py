"""What the documents name is there: files, headings, commands, options, modules, settings."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app
from jobs.runtime.catalogue import JOBS

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for f in ("docs", "docker", "models") for path in (ROOT / f).rglob("*.md")),
    ]
)
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
FENCE = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(wiredesk [^`\n]+)`")

by_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def anchor(heading: str) -> str:
    """A heading's address, as GitHub makes it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    text = document.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {*map(anchor, headings), *(f"#{name}" for name in re.findall(r'<a id="([^"]+)"', text))}


def shown_commands(document: Path) -> Iterator[str]:
    """Every `wiredesk …` in a document, in a block of shell or in a sentence."""
    text = document.read_text("utf-8")
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|[|;&]|\$\(", line.partition(" #")[0]):
                if part.strip().startswith("wiredesk "):
                    yield part.strip().rstrip(")")
    yield from INLINE.findall(text)


@cache
def whole() -> Any:
    return get_command(app)


def fault(shown: str) -> str | None:
    """What a command names that is not there."""
    command = whole()
    words = iter(shlex.split(shown.replace("…", "VALUE"))[1:])
    for word in words:
        if word.startswith("-"):
            if word not in options(command):
                return f"{shown}: no option {word}"
            if hasattr(command, "commands") and takes_value(command, word):
                next(words, None)  # no command: `wiredesk serve --settings FILE login-link`
        elif hasattr(command, "commands"):
            command = named(command, word)
            if command is None:
                return f"{shown}: no command {word}"
    return None


def named(group: Any, word: str) -> Any:
    """The command of a name; a file that is named in its place goes to `ingest feeds`."""
    found = group.get_command(None, word.partition("|")[0])
    return group.commands["feeds"] if found is None and group.name == "ingest" else found


def options(command: Any) -> set[str]:
    given = [name for param in command.params for name in (*param.opts, *param.secondary_opts)]
    return {"--help", *given}


def takes_value(command: Any, option: str) -> bool:
    return any(option in (*p.opts, *p.secondary_opts) and not p.is_flag for p in command.params)


@by_document
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for file, heading in LINK.findall(document.read_text("utf-8")):
        if "://" in file or file.startswith("mailto:"):
            continue
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(file + heading)
    assert broken == []


@by_document
def test_commands_and_their_options_exist(document: Path) -> None:
    if document.name != "CHANGELOG.md":  # it tells of commands that were
        assert [wrong for command in shown_commands(document) if (wrong := fault(command))] == []


@by_document
def test_modules_and_settings_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    modules = {name for name in re.findall(r"python -m ([a-z_.]+)", text) if "." in name}
    assert not [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").exists()]
    known = {name for settings in JOBS.values() for name in settings.model_fields}
    assert set(re.findall(r"--set\s+([a-z_]+)=", text)) <= known


def table_rows(document: Path) -> Iterator[list[str]]:
    for line in document.read_text("utf-8").splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    "card", sorted(ROOT.glob("models/*/MODEL_CARD.md")), ids=lambda p: p.parent.name
)
def test_cards_tell_the_figures_of_the_results(card: Path) -> None:
    """Rows of a head and of so many texts: the figure, its interval, the best baseline."""
    told = [(cells[0].split()[0], " | ".join(cells)) for cells in table_rows(card) if cells[0]]
    wrong = []
    for head, _, metric, here, _, _, baseline, _, count, *_ in table_rows(
        ROOT / "models/RESULTS.md"
    ):
        figure, _, interval = here.replace("*", "").partition(" ")
        needed = [figure, *re.findall(r"[\d.]+", baseline)[-1:]]
        for row in [row for name, row in told if name == head and f" {count}" in f" {row}"]:
            missing = [text for text in needed if text not in row]
            if " to " in row and interval not in row:
                missing.append(interval)
            wrong += [f"{head} {metric}, {count} rows: {text}" for text in missing]
    assert wrong == []
