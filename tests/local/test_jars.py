from pathlib import Path

import pytest

from local import jars
from local.errors import StackError


def test_empty_folder_is_not_complete(tmp_path: Path) -> None:
    assert not jars.complete(tmp_path)


def test_jars_of_other_poms_are_not_complete(tmp_path: Path) -> None:
    (tmp_path / "0123456789ab" / "broker").mkdir(parents=True)
    assert not jars.complete(tmp_path)


def test_jars_there_already_are_not_fetched(tmp_path: Path, monkeypatch) -> None:
    jars.broker(tmp_path).mkdir(parents=True)
    monkeypatch.setenv("PATH", "")  # no Maven
    jars.fetch(tmp_path)


def test_missing_maven_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match="make setup"):
        jars.fetch(tmp_path)
