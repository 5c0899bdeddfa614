"""Names are linked to the item that the article means, or to none."""

import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.linking import Candidate, Linker, Named, key, read_table

GB, US, FR, GE = "Q145", "Q30", "Q142", "Q230"


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(read_table(sorted((Path(models.__file__).parent / "entities").glob("*.tsv.gz"))))


def places(*names: str) -> list[Named]:
    """Names with a sentence between; "Paris, Texas" gives two with a comma between."""
    found, at = [], 0
    for name in names:
        for part in name.split(", "):
            found.append(Named(part, "place", at, at + len(part)))
            at += len(part) + 2
        at += 100
    return found


@pytest.mark.parametrize(
    ("names", "words", "expected"),
    [
        (["Paris"], "", ["Q90"]),
        (["Paris, Texas"], "", [None, "Q1439"]),
        (["Paris", "Texas"], "", ["Q90", "Q1439"]),
        (["Paris, France"], "", ["Q90", FR]),
        (["Birmingham, Alabama"], "", ["Q79867", "Q173"]),
        (["Birmingham", "Alabama", "Montgomery"], "", ["Q79867", "Q173", "Q29364"]),
        (["Birmingham"], "the british city council", ["Q2256"]),
        (["London"], "", ["Q84"]),
        (["London, Ontario"], "", ["Q92561", "Q1904"]),
        (["Georgia"], "", [None]),
        (["Georgia", "Atlanta", "Florida"], "", ["Q1428", "Q23556", "Q812"]),
        (["Georgia", "Tbilisi", "Russia"], "", ["Q230", "Q994", "Q159"]),
        (["New York"], "", ["Q60"]),
        (["Washington"], "", ["Q61"]),
        (["Seattle, Washington"], "", ["Q5083", "Q1223"]),
        (["Singapore"], "", ["Q334"]),
        (["U.S."], "", [US]),
        (["us"], "", [None]),
        (["Harbourville"], "", [None]),
        (["Frankreich", "Париж"], "", [FR, "Q90"]),
    ],
)
def test_context_decides_between_namesakes(linker, names, words, expected):
    assert linker.link(places(*names), set(words.split())) == expected


def test_a_country_named_as_a_place_is_not_a_person(linker):
    assert linker.link([Named("Jordan", "person")], set()) == [None]
    assert linker.link([Named("Jordan", "place")], set()) == ["Q810"]


def test_a_legislator_needs_politics_around(linker):
    murray = [Named("Patty Murray", "person"), Named("Murray", "person")]
    assert linker.link(murray, {"singer", "album"}) == [None, None]
    assert linker.link(murray, {"senator", "congress"}) == ["Q258825", "Q258825"]


def test_a_surname_means_who_was_named_in_full(linker):
    def names(*texts):
        return [Named(text, "person") for text in texts]

    assert linker.link(names("President Biden"), set()) == ["Q6279"]
    assert linker.link(names("Joe Biden", "Biden"), set()) == ["Q6279", "Q6279"]
    assert linker.link(names("Hunter Biden", "Biden"), set()) == [None, None]
    assert linker.link(names("Hunter Biden", "Joe Biden", "Biden"), set())[2] == "Q6279"


def test_keys_fold_case_but_not_that_of_short_capitals():
    assert key("The  HAGUE") == key("The Hague")
    assert key("U.N.") == key("UN") != key("un")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text(), st.sampled_from(["person", "place", "organisation", "other", "x"]))
    )
)
def test_every_mention_has_an_answer(pairs):
    linker = Linker(
        {"abc": [Candidate("Q1", "city", "US", "", 5)], "bcd": [Candidate("Q2", "person")]}
    )
    mentions = [Named(*pair) for pair in [*pairs, ("Abc", "place"), ("Bcd's", "person")]]
    answers = linker.link(mentions, set())
    assert len(answers) == len(mentions)
    assert answers == linker.link(mentions, set())
    assert answers[-2:] == ["Q1", "Q2"] or pairs


def test_linker_pickles():
    linker = Linker({"abc": [Candidate("Q1", "country", "FR")]})
    copy = pickle.loads(pickle.dumps(linker))
    assert copy.link([Named("Abc", "place")], set()) == ["Q1"]


def test_linking_costs_little(linker):
    mentions = places("London", "Paris", "Georgia", "Texas", "Birmingham", "Nowhere") * 5
    words = {f"word{i}" for i in range(200)} | {"british"}
    started = time.process_time()
    for _ in range(20):
        linker.link(mentions, words)
    assert (time.process_time() - started) / 20 < 0.002
