import json

import numpy as np
import pytest

from evaluation import stories
from evaluation.rows import WrongRowError
from evaluation.stories import Row
from models.stories.cluster import Clustering
from models.stories.decide import Likeness, Weights
from schemas.errors import SetupError

WIDTH = 384
EASY = Clustering(join=Weights(20, 5, 0, 0, 0, 0, 0, -10), merge=Weights(20, 5, 0, 0, 0, 0, 0, -10))
GOOD = '{"id": "1", "title": "a", "source": "s", "published_ms": 1, "story": "x"}\n'


def rows(count: int = 40) -> tuple[list[Row], np.ndarray]:
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(4, WIDTH))
    vectors = np.stack([centres[n % 4] + 0.5 * chance.normal(size=WIDTH) for n in range(count)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = [Row(str(n), f"event{n % 4} told{n}", "", "s", n, str(n % 4)) for n in range(count)]
    return made, vectors.astype(np.float32)


def test_plain_stories_are_found_by_everyone():
    made, vectors = rows()
    report = stories.report(made, stories.articles_of(made, vectors), EASY)
    assert report.ours.bcubed.f1 == 1.0
    assert report.gold == 4
    told = json.loads(json.dumps(report.to_json()))
    assert {"bcubed_f1", "bcubed_f1_over_baseline", "pairwise_f1", "ami"} <= set(told["metrics"])
    assert set(told["baselines"]) == {
        "single-pass TF-IDF",
        "single-pass embedding",
        "offline HDBSCAN",
    }


def test_cross_validation_tells_of_every_way_on_stories_that_it_had_not_seen():
    made, vectors = rows(80)
    crossed = stories.crossed(made, stories.articles_of(made, vectors), EASY)
    assert set(crossed) == {
        "Wiredesk",
        "single-pass TF-IDF",
        "single-pass embedding",
        "offline HDBSCAN",
    }
    assert all(len(parts) == stories.PARTS for parts in crossed.values())
    assert all(0 <= f1 <= 1 for parts in crossed.values() for f1 in parts)


def test_each_kind_of_evidence_can_be_left_out():
    made, vectors = rows(80)
    report = stories.report(made, stories.articles_of(made, vectors), EASY, evidence=True)
    assert set(report.without) == set(stories.EVIDENCE)
    assert set(report.to_json()["without"]) == set(stories.EVIDENCE)
    assert {name for names in stories.EVIDENCE.values() for name in names} == set(Likeness._fields)


def test_rows_of_one_part_are_not_cross_validated():
    made, vectors = rows()
    alone = [row._replace(story="same") for row in made]
    report = stories.report(alone, stories.articles_of(alone, vectors), EASY, evidence=True)
    assert not report.crossed
    assert not report.without


def test_gold_does_not_steer():
    made, vectors = rows()
    other = [row._replace(story="same") for row in made]
    found = [stories.place_all(stories.articles_of(r, vectors), EASY) for r in (made, other)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "line 2: a JSON list; expected an object"),
        ("{", "line 2: Expecting"),
        (GOOD.replace('"x"', "7").replace('"1"', '"2"'), "line 2: story is 7; expected text"),
        (GOOD.replace(": 1,", ': "1",').replace('"id": "1"', '"id": "2"'), "line 2: published_ms"),
        (GOOD, "line 2: id '1' stands on line 1, too"),
    ],
)
def test_wrong_row_stops_with_file_line_and_reason(tmp_path, line, reason):
    file = tmp_path / "rows.jsonl"
    file.write_text(GOOD + line)
    with pytest.raises(WrongRowError, match=f"rows.jsonl, {reason}"):
        list(stories.read(str(file)))


def test_empty_file_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("")
    with pytest.raises(SetupError, match="has no rows"):
        list(stories.read(str(file)))


def test_job_is_told_by_what_it_loses_not_by_its_ids_alone():
    gold = ["a", "a", "b", "b"]
    renamed = stories.compared(gold, ["1", "1", "3", "3"], ["2", "2", "3", "3"])
    assert renamed == stories.Comparison(differ=2, bcubed_f1_lost=0.0)
    apart = stories.compared(gold, ["1", "1", "3", "3"], ["1", "2", "3", "3"])
    assert apart.differ == 1
    assert apart.bcubed_f1_lost > 0.1
