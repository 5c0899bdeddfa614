"""Personal data is found in its many spellings, and what only looks like it is left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.personal_data import find, mask, may_name_someone, merged, private_names, without_joins


def kinds(text, language="en"):
    return [each.kind for each in find(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "masked"),
    [
        ("Mail jane.doe+x@mail.example.org now", "en", "Mail [email] now"),
        ("jane [at] example [dot] org", "en", "[email]"),
        ("Call +1 202-555-0143 now", "en", "Call [phone] now"),
        ("ruf an: 030 23125 678", "de", "ruf an: [phone]"),
        ("call me: 07700 900123", "en", "call me: [phone]"),
        ("اتصل ٠٣٠ ٢٣١٢٥ ٦٧٨", "de", "اتصل [phone]"),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC X", "de", "IBAN [iban] BIC X"),
        ("card 4111-1111-1111-1111.", "en", "card [card]."),
        ("account number: 12345678", "en", "account number: [account]"),
        ("at 12 Garden Street, Springfield, IL 62701", "en", "at [address]"),
        ("Lindenstraße 12a, 10969 Berlin", "de", "[address]"),
        ("14 bis, rue des Lilas, 75011 Paris", "fr", "[address]"),
        ("calle de Alcalá 23, 28014 Madrid", "es", "[address]"),
        ("ul. Polna 7", "pl", "[address]"),
    ],
)
def test_datum_is_masked(text, language, masked):
    assert mask(text, find(text, language))[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "It cost 1,200,000 euros in 2019-2020, on 12.03.2024.",
        "2:1 in the 90th minute, 12 345 spectators",
        "IBAN DE89 3704 0044 0532 0130 01 is a typo",
        "number 4111 1111 1111 1112 is no card",
        "Wall Street and Downing Street",
        "ISBN 978-3-16-148410-0",
        "see you @ 5, @mayor",
        "",
    ],
)
def test_what_only_looks_like_a_datum_is_left_alone(text):
    assert find(text, "en") == []


def test_characters_that_nobody_sees_hide_nothing():
    assert kinds(without_joins("jane\u200b@exa\u200dmple.org")) == ["email"]
    assert without_joins("👩\u200d👧 می\u200cخواهم") == "👩\u200d👧 می\u200cخواهم"


def test_masks_say_where_they_stand():
    shown, masks = mask("a@example.org b@example.org", find("a@example.org b@example.org", "en"))
    assert [shown[each.start : each.end] for each in masks] == ["[email]", "[email]"]


def span(text, part):
    return (text.index(part), text.index(part) + len(part))


def test_name_behind_words_that_introduce_a_private_person_is_masked():
    text = "My neighbour Gerald Whitcombe knew Tom Smith."
    found = private_names(text, [span(text, "Tom Smith")], [], [])
    assert [text[each.start : each.end] for each in found] == ["Gerald Whitcombe"]


def test_person_beside_other_personal_data_is_masked():
    text = "Ask Sandra Okonjo, +1 212-555-0187."
    found = find(text, "en")
    (named,) = private_names(text, [span(text, "Sandra Okonjo")], [], found)
    assert [each.kind for each in merged(found, [named])] == ["person", "phone"]


def test_public_figure_is_never_a_private_person():
    text = "My president Emmanuel Macron and my uncle Emmanuel Macron"
    assert private_names(text, [], [span(text, "Emmanuel Macron"), (42, 57)], []) == []


def test_nobody_is_looked_for_where_nobody_is_introduced():
    assert not may_name_someone("Angela Merkel would never have done this.", [])
    assert may_name_someone("Mein Nachbar hat das gesehen.", [])


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=120),
    st.sampled_from(["en", "de", "und"]),
)
def test_any_text_is_masked_within_its_bounds(text, language):
    found = find(text, language)
    assert all(0 <= a.start < a.end <= len(text) for a in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    shown, masks = mask(text, found)
    assert all(shown[m.start : m.end] == f"[{m.kind}]" for m in masks)
