import json

import pytest
from made_stories import articles_of, rows

from evaluation import stories, story_rows
from evaluation.rows import WrongRowError
from evaluation.story_baselines import ways
from models.stories.clustering import Clustering
from models.stories.decide import Likeness, Weights
from schemas.enriched_article import Entity
from schemas.errors import SetupError

EASY = Clustering(join=Weights(20, 5, 0, 0, 0, 0, 0, -10), merge=Weights(20, 5, 0, 0, 0, 0, 0, -10))
GOOD = '{"id": "1", "title": "a", "source": "s", "published_ms": 1, "story": "x"}\n'
BASELINES = {"single-pass TF-IDF", "single-pass embedding", "offline HDBSCAN"}


def gold_of(made) -> list[str]:
    return [row.story for row in made]


def test_plain_stories_are_found_by_everyone():
    made, vectors = rows()
    report = stories.report(gold_of(made), articles_of(made, vectors), EASY)
    assert report.ours.bcubed.f1 == 1.0
    assert report.gold == 4
    told = json.loads(json.dumps(report.to_json()))
    assert {"bcubed_f1", "bcubed_f1_over_baseline", "pairwise_f1", "ami"} <= set(told["metrics"])
    assert set(told["baselines"]) == BASELINES


def test_cross_validation_tells_of_every_way_on_stories_that_it_had_not_seen():
    made, vectors = rows(80)
    crossed = stories.crossed(gold_of(made), articles_of(made, vectors), EASY)
    assert set(crossed) == {"Wiredesk", *BASELINES}
    assert all(len(parts) == stories.PARTS for parts in crossed.values())
    assert all(0 <= f1 <= 1 for parts in crossed.values() for f1 in parts)


def test_each_kind_of_evidence_can_be_left_out():
    made, vectors = rows(80)
    told = []
    report = stories.report(
        gold_of(made), articles_of(made, vectors), EASY, evidence=True, progress=told.append
    )
    assert set(report.without) == set(stories.EVIDENCE)
    assert set(report.to_json()["without"]) == set(stories.EVIDENCE)
    left_out = {name for kind in stories.EVIDENCE.values() for name in kind.likenesses}
    assert left_out == set(Likeness._fields)
    assert all(any(name in what for what in told) for name in stories.EVIDENCE)


def test_articles_lose_the_names_and_the_places_that_are_left_out():
    made, vectors = rows(1)
    ohio = Entity(text="Ohio", type="place", field="body", start=0, end=4, score=1.0)
    (article,) = articles_of(made, vectors, [[ohio]])
    (plain,) = stories.clustered([article])
    (nameless,) = stories.clustered([stories.EVIDENCE["names"].article(article)])
    (placeless,) = stories.clustered([stories.EVIDENCE["the veto of places"].article(article)])
    assert (plain.names, plain.places) == (("Ohio",), {"ohio"})
    assert (nameless.names, nameless.places) == ((), frozenset())
    assert (placeless.names, placeless.places) == (("Ohio",), frozenset())


def test_rows_of_one_part_are_not_cross_validated():
    made, vectors = rows()
    alone = ["same"] * len(made)
    report = stories.report(alone, articles_of(made, vectors), EASY, evidence=True)
    assert not report.crossed
    assert not report.without


def test_baselines_read_the_names_as_we_do():
    made, vectors = rows(2)
    harbour = Entity(text="Harbour", type="other", field="body", start=0, end=7, score=1.0)
    apart = [row._replace(title=f"alone{row.id}") for row in made]
    named = articles_of(apart, vectors, [[harbour]] * 2)
    for articles, stories_found in ((articles_of(apart, vectors), 2), (named, 1)):
        found = ways(stories.clustered(articles))["single-pass TF-IDF"].stories(0.1)
        assert len(set(found)) == stories_found


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "line 2: a JSON list; expected an object"),
        ("{", "line 2: Expecting"),
        (GOOD.replace('"x"', "7").replace('"1"', '"2"'), "line 2: story is 7; expected text"),
        (GOOD.replace(": 1,", ': "1",').replace('"id": "1"', '"id": "2"'), "line 2: published_ms"),
        (GOOD, "line 2: id '1' stands on line 1, too"),
        (GOOD.replace('"1"', r'"\ud83d"'), "line 2: id is not valid Unicode"),
        (GOOD.replace('"x"', r'"\ud83d"'), "line 2: story is not valid Unicode"),
        (GOOD.replace('"x"', '"\udcff"'), "line 2: story is not valid Unicode"),
        (GOOD.replace("{", r'{"body": "a\ud83db", '), "line 2: body is not valid Unicode"),
    ],
)
def test_wrong_row_stops_with_file_line_and_reason(tmp_path, line, reason):
    file = tmp_path / "rows.jsonl"
    file.write_text(GOOD + line, "utf-8", "surrogateescape")
    with pytest.raises(WrongRowError, match=f"rows.jsonl, {reason}"):
        list(story_rows.read(str(file)))


def test_empty_file_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("")
    with pytest.raises(SetupError, match="has no rows"):
        list(story_rows.read(str(file)))


def test_job_is_told_by_what_it_loses_not_by_its_ids_alone():
    gold = ["a", "a", "b", "b"]
    renamed = stories.compared(gold, ["1", "1", "3", "3"], ["2", "2", "3", "3"])
    assert renamed == stories.Comparison(differ=2, bcubed_f1_lost=0.0)
    apart = stories.compared(gold, ["1", "1", "3", "3"], ["1", "2", "3", "3"])
    assert apart.differ == 1
    assert apart.bcubed_f1_lost > 0.1
