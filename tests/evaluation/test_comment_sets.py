"""Sets of comments: files as the data directory has them, made up here."""

import csv
import gzip
import io

import pytest

from evaluation import comment_sets, sets
from evaluation.identities import (
    GROUPS,
    HOSTILE,
    HOSTILE_THINGS,
    NEUTRAL,
    NEUTRAL_THINGS,
    THINGS,
    sentences,
)
from evaluation.rows import SpanRow, TextRow

GOEMOTIONS = """\
thanks a lot\t1\tid1
well\t2\tid2
get lost\t0,2\tid3
no idea\t0,3\tid4
lovely but sad\t1,4\tid5
"""


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(content.encode()))


def table(*rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


@pytest.fixture
def goemotions(tmp_path):
    folder = tmp_path / "goemotions"
    write(folder / "labels.txt.gz", "annoyance\ngratitude\nneutral\nconfusion\nsadness\n")
    write(folder / "dev.tsv.gz", GOEMOTIONS)
    return tmp_path


def test_emotions_are_named(goemotions):
    rows = sets.load("goemotions", "validation", goemotions)
    assert rows[2] == TextRow("get lost", ("annoyance", "neutral"))


def test_sentiment_is_that_of_all_labels(goemotions):
    rows = sets.load("goemotions-sentiment", "validation", goemotions)
    assert [(row.text, row.labels) for row in rows] == [
        ("thanks a lot", ("positive",)),
        ("well", ("neutral",)),
    ]


def test_calm_comments_have_no_heated_label_and_nothing_marked(goemotions):
    calm = sets.load("goemotions-calm", "validation", goemotions)
    assert [row.text for row in calm] == ["thanks a lot", "well", "lovely but sad"]
    assert {row.labels for row in calm} == {("clean",)}
    unmarked = sets.load("toxic-spans-calm", "validation", goemotions)
    assert unmarked == [SpanRow(row.text, ()) for row in calm]


@pytest.fixture
def toxic_spans(tmp_path):
    folder = tmp_path / "toxic_spans"
    write(
        folder / "comments.csv.gz",
        table(["comment_id", "comment_text"], ["1", "You fool"], ["2", "Nothing here"]),
    )
    write(
        folder / "annotations.csv.gz",
        table(["annotation", "comment_id"], ["a", "1"], ["b", "1"], ["c", "1"], ["d", "2"]),
    )
    write(
        folder / "spans.csv.gz",
        table(
            ["annotation", "type", "start", "end"],
            ["a", "Insult", "4", "8"],
            ["a", "Insult", "0", "3"],
            ["b", "Insult", "4", "8"],
            ["b", "Threat", "4", "8"],
        ),
    )
    for name in comment_sets.SPLITS_OF_FILES.values():
        rows = [["[4, 5, 6, 7]", "You fool"]] if name == "tsd_test" else []
        write(folder / f"{name}.csv.gz", table(["spans", "text"], *rows))
    return tmp_path


def test_marked_characters_are_read(toxic_spans):
    assert sets.load("toxic-spans", "test", toxic_spans) == [SpanRow("You fool", (4, 5, 6, 7))]


def test_kinds_are_those_of_at_least_half_of_the_annotators(toxic_spans):
    assert sets.load("civil-kinds", "test", toxic_spans) == [TextRow("You fool", ("insult",))]
    assert sets.load("civil-kinds", "train", toxic_spans) == []
    (comment,) = comment_sets.annotated(toxic_spans / "toxic_spans", "test")
    assert comment.shares == pytest.approx(
        {"insult": 2 / 3, "obscene": 0, "identity_attack": 0, "threat": 1 / 3}
    )


def test_comment_in_which_nobody_marked_anything_is_no_row(toxic_spans):
    texts = [
        row.text
        for split in ("train", "validation", "test")
        for row in sets.load("civil", split, toxic_spans)
    ]
    assert texts == ["You fool"]


def test_every_group_is_spoken_of_alike():
    of_group = {}
    for sentence in sentences():
        if sentence.template in (*NEUTRAL, *HOSTILE):
            of_group.setdefault(sentence.group, []).append(sentence.template)
    assert len(of_group) == len({group.members for group in GROUPS})
    per_group = len(NEUTRAL) + len(HOSTILE)
    assert {len(filled) % per_group for filled in of_group.values()} == {0}


def test_what_belongs_to_a_group_is_praised_and_attacked_alike():
    known = {group.members for group in GROUPS}
    assert {thing.members for thing in THINGS} <= known
    about = [s for s in sentences() if s.template in (*NEUTRAL_THINGS, *HOSTILE_THINGS)]
    assert len(about) == len(THINGS) * (len(NEUTRAL_THINGS) + len(HOSTILE_THINGS))
    assert sum(s.hostile for s in about) == len(THINGS) * len(HOSTILE_THINGS)


def test_templates_about_groups_are_whole_in_one_split(tmp_path):
    parts = [
        {row.text for row in sets.load("identities", split, tmp_path)}
        for split in ("train", "validation", "test")
    ]
    assert sum(map(len, parts)) == len({sentence.text for sentence in sentences()})
    assert all(parts)


def test_cases_of_hatecheck_say_whether_they_are_hateful(tmp_path):
    write(
        tmp_path / "hatecheck" / "dutch.csv.gz",
        table(
            ["functionality", "test_case", "label_gold", "target_ident"],
            ["ident_neutral_nh", "Ik ben een vrouw.", "non-hateful", "women"],
        ),
    )
    (row,) = sets.load("hatecheck-nl", "test", tmp_path)
    assert row == TextRow("Ik ben een vrouw.", ("non-hateful",), "nl")
