"""Tags are the names and phrases that an editor would choose, each once."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.tags import Name, Tagger, fold, read_frequencies, stop_words

TABLE = Path(models.__file__).parent / "word_frequencies" / "document_frequencies.tsv.gz"
TITLE = "Ferry strike closes Harbourville port"
BODY = (
    "The ferry strike in Harbourville went on for a third day on Monday. President Ann Roe said "
    "the strike must end. Roe will meet the World Shipping Union. The WSU wants higher wages. "
    "Higher wages for ferry crews would cost millions, said Harbourville's mayor."
)
NAMES = [
    Name("Harbourville", "place"),
    Name("President Ann Roe", "person"),
    Name("Roe", "person"),
    Name("World Shipping Union", "organisation"),
    Name("WSU", "organisation"),
    Name("Harbourville's", "place"),
]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(read_frequencies(TABLE))


def test_names_and_phrases_are_ranked_and_said_once(tagger):
    tags = tagger.tags(TITLE, BODY, NAMES, "en")
    assert tags[0] == "Harbourville"
    assert {"ann roe", "world shipping union", "ferry strike"} <= {tag.lower() for tag in tags}
    assert not {"Roe", "WSU", "President Ann Roe", "Harbourville's", "strike", "ferry"} & set(tags)


def test_surnames_of_two_people_stay_theirs(tagger):
    names = [Name("Ann Roe", "person"), Name("Jo Poe", "person"), Name("Poe", "person")]
    assert sorted(tagger.tags("", "", names, "en")) == ["Ann Roe", "Jo Poe"]


def test_a_name_in_capitals_is_shown_as_it_is_written_elsewhere(tagger):
    names = [Name("HARBOURVILLE", "place"), Name("Harbourville", "place")]
    assert tagger.tags("", "", names, "en") == ["Harbourville"]


def test_limit_is_kept(tagger):
    assert tagger.tags(TITLE, BODY, NAMES, "en", limit=2)[1:] != []
    assert len(tagger.tags(TITLE, BODY, NAMES, "en", limit=2)) == 2
    assert tagger.tags(TITLE, BODY, NAMES, "en", limit=0) == []


def test_language_without_stop_words_gives_names_only(tagger):
    assert stop_words("xx") == frozenset()
    assert set(tagger.tags(TITLE, BODY, NAMES, "xx")) == {
        "Harbourville",
        "Ann Roe",
        "World Shipping Union",
    }


def test_other_languages_have_phrases(tagger):
    title = "Hafenstreik in Hamburg beendet"
    body = "Der Hafenstreik ist beendet. Nach dem Hafenstreik fahren die Fähren wieder."
    assert tagger.tags(title, body, [], "de")[0] == "Hafenstreik"


def test_plural_folds():
    assert fold("Strikes") == fold("strike")
    assert fold("boss") == "boss"
    assert fold("s") == "s"


text = st.text(st.sampled_from("aBc sS.'’-\n日é🔥1,\u0130ß"), max_size=60)


@settings(deadline=None)
@given(text, text, st.lists(st.builds(Name, text, st.sampled_from(["person", "place"]))))
def test_any_text_is_answered(title, body, names):
    tags = Tagger({}).tags(title, body, names, "en", limit=5)
    assert len(tags) <= 5
    assert all(tag.strip() for tag in tags)
    assert len({fold(tag) for tag in tags}) == len(tags)
    assert tags == Tagger({}).tags(title, body, names, "en", limit=5)


@pytest.mark.parametrize("part", ["a ", "Aa ", "a-", "'", "strike ", "president "])
def test_hostile_text_takes_no_time(tagger, part):
    long = part * (100_000 // len(part))
    started = time.process_time()
    tagger.tags(long[:1000], long, [Name(long[:1000], "person")], "en")
    assert time.process_time() - started < 1


def test_tagging_costs_little(tagger):
    body = BODY * 5
    tagger.tags(TITLE, body, NAMES * 3, "en")
    started = time.process_time()
    for _ in range(20):
        tagger.tags(TITLE, body, NAMES * 3, "en")
    assert (time.process_time() - started) / 20 < 0.004
