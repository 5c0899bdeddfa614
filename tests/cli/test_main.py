"""The command as a whole: help, one-line failures, a quick start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text
from typer.main import get_command

from cli.main import app
from local.errors import StackError
from schemas.errors import ServiceError


def commands(group, path=()):
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))


def found(command):
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from found(below)


@pytest.mark.parametrize("path", list(commands(get_command(app))), ids=" ".join)
def test_every_command_helps(run, path):
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    assert f"wiredesk {' '.join(path)}".removeprefix("wiredesk ") in shown.stdout


def test_no_help_loses_words_in_brackets_as_markup():
    texts = [
        text
        for command in found(get_command(app))
        for text in (command.help, *(getattr(param, "help", None) for param in command.params))
        if text
    ]
    assert [text for text in texts if Text.from_markup(text).plain != text] == []


def test_version_is_the_newest_of_the_changelog(run):
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\S+)$", changelog, re.MULTILINE)[1]
    assert run("--version").stdout == f"wiredesk {newest}\n"


@pytest.mark.parametrize("error", [ServiceError("no broker [a:1]"), StackError("no [Flink]")])
def test_expected_failure_is_one_line_and_exit_code_1(run, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("cli.settings.current", fail)
    shown = run("settings")
    assert shown.exit_code == 1
    assert shown.stderr == f"wiredesk: {error}\n"


def test_start_imports_no_heavy_module():
    heavy = {"apache_beam", "py4j", "onnxruntime", "pandas", "numpy", "kafka", "fastavro"}
    code = "import sys, cli.main; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())
