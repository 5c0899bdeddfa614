import os
import shutil
from pathlib import Path

import psutil
import pytest

from local import state
from local.errors import StackError
from local.process import Process
from local.state import Ports, State

PORTS = Ports(kafka=1, redis=2, flink=3, controller=4, rpc=5)
OURSELVES = Process("redis", os.getpid(), psutil.Process().create_time())


def test_saved_state_is_loaded(tmp_path: Path) -> None:
    saved = State(tmp_path, PORTS, taskmanagers=2, slots=1, processes=(OURSELVES,))
    state.save(saved)
    assert state.load(tmp_path) == saved


def test_no_state_is_none(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None


def test_state_of_a_copied_checkout_is_not_ours(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    state.save(State(first, PORTS, taskmanagers=1, slots=1, processes=(OURSELVES,)))
    shutil.copytree(first, copy)
    assert state.load(copy) is None


def test_interrupted_save_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = State(tmp_path, PORTS, taskmanagers=1, slots=1)
    state.save(saved)

    def full_disk(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError):  # noqa: PT011
        state.save(saved.with_process(OURSELVES))
    assert state.load(tmp_path) == saved


def test_a_process_started_anew_takes_the_place_of_the_old(tmp_path: Path) -> None:
    old, new = Process("kafka", 10, 1.0), Process("kafka", 11, 2.0)
    one = State(tmp_path, PORTS, taskmanagers=1, slots=1, processes=(old, OURSELVES))
    assert set(one.with_process(new).processes) == {new, OURSELVES}


def test_state_folder_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREDESK_STATE_DIR", str(tmp_path))
    assert state.default_dir() == tmp_path


def test_every_folder_has_an_id_of_its_own(tmp_path: Path) -> None:
    assert state.stack_id(tmp_path / "a") != state.stack_id(tmp_path / "b")


def test_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"state_dir')
    with pytest.raises(StackError, match=r"stack.json is damaged"):
        state.load(tmp_path)


def test_folder_that_cannot_hold_a_stack_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="cannot be read"):
        state.load(tmp_path / "file")
    with pytest.raises(StackError, match="WIREDESK_STATE_DIR"), state.only_one(tmp_path / "file"):
        pytest.fail("a file is no folder")


def test_stack_of_an_installed_wheel_is_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WIREDESK_STATE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(state, "PROJECT", tmp_path / "site-packages")
    assert state.default_dir() == tmp_path / ".wiredesk"
