"""The judgements are whole and consistent with the concepts."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from models.topics import concepts
from models.topics.mappings import UNKNOWN
from training import judged_topics, topic_labels


def test_every_judgement_is_consistent_from_top_to_bottom() -> None:
    topics = concepts.read()
    judged = judged_topics.judgements(topics)
    assert len(judged) == 418
    truth = np.stack(list(judged.values()))
    assert set(np.unique(truth)) == {0, 1, UNKNOWN}
    for row, concept in enumerate(topics):
        if concept.parent is not None:
            above = truth[:, topics.row(concept.parent)]
            assert (above[truth[:, row] == 1] == 1).all()
            assert (above[truth[:, row] == UNKNOWN] != 0).all()


def test_texts_are_named_by_digest_only() -> None:
    names = judged_topics.judgements(concepts.read())
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_no_judged_article_is_trained_on(tmp_path: Path) -> None:
    text = "A headline\nA description"
    folder = tmp_path / "huffpost"
    folder.mkdir()
    with gzip.open(folder / "news_category_v3_head.jsonl.gz", "wt", encoding="utf-8") as file:
        for number in range(30):
            row = {"headline": f"A headline {number}", "short_description": "", "category": "CRIME"}
            file.write(json.dumps(row) + "\n")
        file.write(
            json.dumps(
                {
                    "headline": "A headline",
                    "short_description": "A description",
                    "category": "CRIME",
                }
            )
        )
    splits = judged_topics.SPLITS

    def texts() -> set[str]:
        return {row.text for one in splits for row in topic_labels.rows("huffpost", one, tmp_path)}

    assert text in texts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_topics, "digests", lambda: frozenset({judged_topics.digest(text)}))
        assert texts() == {f"A headline {number}" for number in range(30)}
