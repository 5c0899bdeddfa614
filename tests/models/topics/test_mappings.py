"""The reviewed mappings name real concepts and turn into consistent targets."""

from pathlib import Path

import numpy as np
import pytest

from models.topics import concepts, mappings
from models.topics.concepts import MediaTopics
from models.topics.mappings import UNKNOWN, Mappings
from schemas.errors import ModelFileError


@pytest.fixture(scope="module")
def topics() -> MediaTopics:
    return concepts.read()


@pytest.fixture(scope="module")
def shipped(topics: MediaTopics) -> Mappings:
    return mappings.read(topics)


def write(folder: Path, content: str) -> Path:
    path = folder / "mappings.toml"
    path.write_text(content)
    return path


def test_ancestors_of_what_is_certain_are_positive(shipped: Mappings, topics: MediaTopics) -> None:
    truth = shipped.truth("huffpost", "FOOD & DRINK")
    positive = {topics.concepts[row].name for row in np.flatnonzero(truth == 1)}
    assert positive == {"lifestyle and leisure", "leisure", "hobby", "food and drink enthusiasm"}


def test_what_is_possible_or_below_what_is_certain_is_unknown(
    shipped: Mappings, topics: MediaTopics
) -> None:
    truth = shipped.truth("huffpost", "SPORTS")
    for name in ("health", "vaccine", "tennis"):
        assert truth[topics.row(topics.named(name).code)] == UNKNOWN
    for name in ("economy, business and finance", "fashion", "parenting"):
        assert truth[topics.row(topics.named(name).code)] == 0


def test_every_label_is_consistent_from_top_to_bottom(
    shipped: Mappings, topics: MediaTopics
) -> None:
    for name, labelled in shipped.sets.items():
        for label in (*labelled.labels, *labelled.stories):
            truth = shipped.truth(name, label)
            for row, concept in enumerate(topics):
                if concept.parent is not None:
                    above = truth[topics.row(concept.parent)]
                    assert not (truth[row] == 1 and above != 1), (name, label, concept.name)
                    assert not (truth[row] == UNKNOWN and above == 0), (name, label, concept.name)


def test_targets_are_the_supervised_part_of_the_truth(
    shipped: Mappings, topics: MediaTopics
) -> None:
    targets = shipped.targets("huffpost", "CRIME")
    assert targets.dtype == np.int64
    assert targets.shape == (len(shipped.supervised),)
    positive = [topics[shipped.supervised[i]].name for i in np.flatnonzero(targets == 1)]
    assert positive == ["crime, law and justice", "crime"]


def test_a_story_is_surer_than_its_section(shipped: Mappings) -> None:
    story = "dEMAAHOiiULKoTMlQ5PeakjabUaYM"
    assert (
        "railway accident and incident"
        in shipped.meaning("uci_news_aggregator_head", story).certain
    )


def test_an_unreviewed_label_raises(shipped: Mappings) -> None:
    with pytest.raises(KeyError):
        shipped.targets("huffpost", "ASTROLOGY")
    with pytest.raises(KeyError):
        shipped.targets("no such set", "CRIME")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("supervised = ['sprot']", "sprot"),
        ("supervised = []\n[a]\ncommercial = true\n[a.labels.b]\ncertain = ['sprot']", "sprot"),
        ("supervised = []\n[a]\ncommercial = true\n[a.labels.b]\nsure = ['sport']", "sure"),
        (
            "supervised = []\n[a]\ncommercial = true\n[a.labels.b]\n"
            "certain = ['sport']\npossible = ['sport']",
            "two lists of a, b",
        ),
        ("supervised = [", "mappings.toml"),
        ("[a]\ncommercial = true", "supervised"),
    ],
)
def test_wrong_mappings_are_refused(
    topics: MediaTopics, tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        mappings.read(topics, write(tmp_path, content))


def test_missing_mappings_are_refused(topics: MediaTopics, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        mappings.read(topics, tmp_path / "none.toml")
