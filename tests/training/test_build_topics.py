"""The table becomes the shipped file: retired concepts left out, parents by position."""

import gzip
import json
from pathlib import Path

import pytest

from models.topics import concepts
from schemas.errors import SetupError
from training import build_topics


def row(level: int, number: str, name: str, **more: str) -> dict[str, str]:
    code = f"medtop:{number}"
    return {
        "NewsCode-QCode (flat)": code,
        f"Level{level}/NewsCode": code,
        "Name (en-GB)": name,
        "Name (dk)": f"{name} (dansk)",
        **more,
    }


TABLE = [
    row(1, "01", "arts", **{"Wikidata mapping": "https://www.wikidata.org/wiki/Q735"}),
    row(2, "011", "dance"),
    row(2, "012", "minstrels", RetiredDate="2020-01-01"),
    row(3, "0121", "lutes", RetiredDate="2020-01-01"),
    row(2, "013", "music"),
    row(1, "02", "sport"),
]


def test_the_file_reads_back_as_concepts(tmp_path: Path) -> None:
    path = tmp_path / "concepts.tsv"
    path.write_text("\n".join(build_topics.lines(TABLE)) + "\n")
    topics = concepts.read(path)
    assert [(one.name, one.depth, one.parent) for one in topics] == [
        ("arts", 1, None),
        ("dance", 2, "medtop:01"),
        ("music", 2, "medtop:01"),
        ("sport", 1, None),
    ]
    assert topics["medtop:01"].wikidata_id == "Q735"
    assert topics["medtop:013"].names == {"en-GB": "music", "da": "music (dansk)"}


def test_two_runs_give_the_same_lines() -> None:
    assert list(build_topics.lines(TABLE)) == list(build_topics.lines(TABLE))


def test_an_active_concept_under_a_retired_one_is_refused() -> None:
    with pytest.raises(SetupError, match="medtop:0121 is active under medtop:012"):
        list(build_topics.lines([*TABLE[:3], row(3, "0121", "lutes")]))


def test_a_tab_in_a_name_is_refused() -> None:
    with pytest.raises(SetupError, match="a tab or a line break"):
        list(build_topics.lines([row(1, "01", "arts\tcrafts")]))


def test_the_table_is_read_from_the_data_directory(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        build_topics.read_table(tmp_path)
    path = tmp_path / build_topics.FILE
    path.parent.mkdir()
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in TABLE)
    assert build_topics.read_table(tmp_path) == TABLE
