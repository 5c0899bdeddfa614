from pathlib import Path

import pytest

from local import reader_keys
from local.errors import StackError
from local.stack import Stack
from local.submission import local_keys, overlay
from models.keyring import read_keyring


def stack(folder: Path) -> Stack:
    return Stack(folder, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", ())


def test_local_stack_makes_its_ring_once(tmp_path: Path) -> None:
    given = local_keys("profiles", stack(tmp_path))
    again = local_keys("profiles", stack(tmp_path))
    assert given == again == {"profile_keys_file": str(reader_keys.profiles_file(tmp_path))}
    assert read_keyring(Path(given["profile_keys_file"])).newest.version == 1


def test_job_that_asks_for_no_ring_gets_none(tmp_path: Path) -> None:
    assert local_keys("enrich", stack(tmp_path)) == {}
    assert local_keys("profiles", None) == {}
    assert list(tmp_path.iterdir()) == []


def test_profiles_runs_in_threads_on_rocksdb() -> None:
    found = overlay("profiles")
    assert found["python.execution-mode"] == "thread"
    assert found["state.backend.type"] == "rocksdb"
    assert found["execution.checkpointing.incremental"] == "true"


def test_overlay_holds_flat_keys_alone(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text("a:\n  b: 1\n")
    with pytest.raises(StackError, match="a is dict"):
        overlay("some", tmp_path)
    (tmp_path / "some.yaml").write_text("- a\n")
    with pytest.raises(StackError, match="key: value"):
        overlay("some", tmp_path)
