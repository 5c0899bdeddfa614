"""Rows of labelled sets become targets of the supervised head."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import SetupError
from training import topic_labels
from training.topic_labels import UCI, UNKNOWN, labels, rows, supervised, targets


def test_the_supervised_concepts_have_tops_and_deeper_ones() -> None:
    topics = topic_labels.reviewed().topics
    depths = [topics[code].depth for code in supervised()]
    assert len(set(supervised())) == len(depths) == 18
    assert depths.count(1) == 11


def test_every_supervised_concept_is_certain_in_a_set_that_may_be_used() -> None:
    reviewed = topic_labels.reviewed()
    certain = np.zeros(len(supervised()), bool)
    for name, labelled in reviewed.sets.items():
        if labelled.commercial:
            for label in labels(name):
                certain |= targets(name, label) == 1
    assert certain.all()


def test_targets_are_positive_negative_or_unknown() -> None:
    wanted = dict(zip(supervised(), targets("huffpost", "POLITICS"), strict=True))
    assert wanted["medtop:11000000"] == 1
    assert wanted["medtop:15000000"] == 0
    assert wanted["medtop:02000000"] == UNKNOWN


def test_an_unreviewed_label_is_refused() -> None:
    with pytest.raises(SetupError, match="says nothing of huffpost, ASTROLOGY"):
        targets("huffpost", "ASTROLOGY")


def test_uci_rows_take_their_story_when_it_was_mapped(tmp_path: Path) -> None:
    story = "dEMAAHOiiULKoTMlQ5PeakjabUaYM"
    folder = tmp_path / UCI
    folder.mkdir()
    with gzip.open(folder / "news.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("title\tcategory\tstory\n")
        file.write(f'A "quoted" headline\tb\t{story}\n')
        file.write("Another headline\tt\tunmapped\n")
    found = [row for split in ("train", "validation") for row in rows(UCI, split, tmp_path)]
    assert {(row.text, row.labels) for row in found} == {
        ('A "quoted" headline', (story,)),
        ("Another headline", ("t",)),
    }
    assert rows(UCI, "test", tmp_path) == []
    for row in found:
        targets(UCI, row.labels[0])
