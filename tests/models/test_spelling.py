"""Disguised words are read as what they stand for, and nothing else changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.spelling import SLURS, respell

KNOWN = frozenset({"idiot", "stupid", "so", "look", "shit", "cop", "kill", "god", "good"}) | SLURS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1d10t", "idiot"),
        ("You !diot!", "You idiot!"),
        ("(5tup!d)", "(stupid)"),
        ("st\u200bup\u2060id", "stupid"),
        ("stuuuupiddd", "stupid"),
        ("gooood", "good"),
        ("ѕtuріd", "stupid"),
        ("ｉｄｉｏｔ", "idiot"),
        ("𝐢𝐝𝐢𝐨𝐭", "idiot"),
        ("i d i o t", "idiot"),
        ("i.d.i.o.t.", "idiot."),
        ("$tuuupid", "stupid"),
        ("w@nker", "wanker"),
    ],
)
def test_disguised_word_is_read_plainly(written, read):
    assert respell(written, KNOWN).text == read


@pytest.mark.parametrize(
    "text",
    [
        "the 4th of 100k people at the g20, covid19, h1n1",
        "U.S.A. and e.g. a b c d",
        "Сор кот",
        "family 👩\u200d👩\u200d👧 here",
        "می\u200cخواهم",
        "looooool",
        "$50, 5'4\" and 50%",
        "",
    ],
)
def test_what_is_no_disguise_stays(text):
    assert respell(text, KNOWN).text == text


def test_spans_cut_the_disguise_out_of_the_text_as_given():
    text = "what a st\u200buuuup1d idea"
    plain = respell(text, KNOWN)
    start = plain.text.index("stupid")
    first, last = plain.spans[start, 0], plain.spans[start + 5, 1]
    assert text[first:last] == "st\u200buuuup1d"


ODD = st.text(st.sampled_from("aAiIdDoOtTsS 015$@!.\u200b\u200dсо漢🙂\n"), max_size=40)


@settings(deadline=None)
@given(ODD | st.text(max_size=60))
def test_every_character_has_a_place_and_they_are_in_order(text):
    plain = respell(text, KNOWN)
    assert plain.spans.shape == (len(plain.text), 2)
    assert (plain.spans[:, 0] < plain.spans[:, 1]).all()
    assert (np.diff(plain.spans[:, 0]) > 0).all()
    assert (plain.spans[1:, 0] >= plain.spans[:-1, 1]).all()
    assert not len(plain.spans) or plain.spans[-1, 1] <= len(text)


@settings(deadline=None)
@given(st.text(st.sampled_from("abcde xyz,."), max_size=60))
def test_without_known_words_nothing_changes(text):
    assert respell(text, frozenset()).text == text
