"""Packed files: every suffix, standard input, what is broken."""

import bz2
import gzip
import io
import lzma
import sys
from types import SimpleNamespace

import pytest

from schemas.errors import SetupError
from schemas.packed import STDIN, numbered_lines, opened, unpacked


def text_of(path):
    raw, _ = opened(str(path))
    with unpacked(str(path), raw) as text:
        return text.read()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)],
)
def test_text_is_unpacked_by_its_suffix(tmp_path, suffix, pack):
    file = tmp_path / f"rows.jsonl{suffix}"
    file.write_bytes(pack("\ufeffé\n".encode()))
    assert text_of(file) == "é\n"


def test_blank_lines_count_and_are_left_out(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("a\n\n  \nb")
    assert list(numbered_lines(str(file))) == [(1, "a\n"), (4, "b")]


def test_standard_input_stays_open(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a\n")))
    assert text_of(STDIN) == "a\n"
    assert not sys.stdin.buffer.closed


def test_missing_and_zstd_files_are_refused(tmp_path):
    with pytest.raises(SetupError, match="cannot be opened: No such file"):
        opened(str(tmp_path / "none"))
    with pytest.raises(SetupError, match="unpack it on the way"):
        opened("rows.jsonl.zst")


def test_file_that_is_not_what_its_suffix_says_is_refused(tmp_path):
    file = tmp_path / "rows.gz"
    file.write_bytes(b"plain")
    with pytest.raises(SetupError, match="cannot be read to its end"):
        text_of(file)
