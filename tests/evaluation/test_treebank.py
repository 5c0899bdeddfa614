"""Sentences of Penn Treebank tokens."""

import pytest

from evaluation.treebank import split


@pytest.mark.parametrize(
    "sentences",
    [
        ["he said so .", "did he ?", "yes !"],
        ['" it rains , " he said .', "then he left ."],
        ['he said : " it rains .', 'it pours . "', '" no , " she said .'],
        ["the u.s. army ( and mr. roe ) left .", "it was 3.30 p.m. then ."],
        ["it rained . -rrb-", "then not"],
    ],
)
def test_cut_is_behind_the_stop_and_what_it_closes(sentences):
    assert split(" ".join(sentences)) == sentences


def test_empty_text_has_no_sentence():
    assert split("  ") == []
