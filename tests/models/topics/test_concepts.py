"""The shipped Media Topics are whole, and a wrong file is refused."""

from pathlib import Path

import pytest

from models.topics import concepts
from models.topics.concepts import LANGUAGES, MediaTopics
from schemas.errors import ModelFileError


@pytest.fixture(scope="module")
def topics() -> MediaTopics:
    return concepts.read()


def test_every_active_concept_of_the_table_is_there(topics: MediaTopics) -> None:
    assert len(topics) == 1_099
    assert len(topics.tops) == 17
    assert max(concept.depth for concept in topics) == 6
    assert sum(concept.wikidata_id is not None for concept in topics) == 1_051


def test_a_parent_stands_before_its_children_and_one_level_higher(topics: MediaTopics) -> None:
    for concept in topics:
        if concept.parent is None:
            assert concept.depth == 1
        else:
            assert topics.row(concept.parent) < topics.row(concept.code)
            assert topics[concept.parent].depth == concept.depth - 1
            assert concept in topics.children(concept.parent)


def test_descendants_follow_their_concept_without_a_gap(topics: MediaTopics) -> None:
    for row, concept in enumerate(topics):
        below = [r for r, one in enumerate(topics) if concept.code in topics.ancestors(one.code)]
        assert below == list(range(row + 1, row + 1 + len(below)))


def test_ancestors_start_with_the_top_one(topics: MediaTopics) -> None:
    code = topics.named("Shia Islam").code
    names = [topics[one].name for one in topics.ancestors(code)]
    assert names == ["religion", "belief systems", "Islam"]
    assert topics[topics.top(code)].name == "religion"
    assert topics.top("medtop:12000000") == "medtop:12000000"


def test_names_are_unique_in_english_and_known_in_other_languages(topics: MediaTopics) -> None:
    assert len({concept.name for concept in topics}) == len(topics)
    assert all({"en-GB", "en-US", "nb", "nn"} <= set(concept.names) for concept in topics)
    assert {name for concept in topics for name in concept.names} == set(LANGUAGES)
    assert topics["medtop:15000000"].names["de"] == "Sport"


def test_an_unknown_code_or_name_raises(topics: MediaTopics) -> None:
    assert "medtop:00000000" not in topics
    with pytest.raises(KeyError):
        topics["medtop:00000000"]
    with pytest.raises(KeyError):
        topics.named("no such concept")


def test_a_missing_or_wrong_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        concepts.read(tmp_path / "none.tsv")
    wrong = tmp_path / "wrong.tsv"
    wrong.write_text("code\tparent\nmedtop:1\tmedtop:2\n")
    with pytest.raises(ModelFileError, match="not a table of Media Topics"):
        concepts.read(wrong)
