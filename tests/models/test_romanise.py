"""Latin letters for every script, and where each comes from."""

import pytest
from anyascii import anyascii
from hypothesis import given, settings
from hypothesis import strategies as st

from models.romanise import romanise


@settings(deadline=None)
@given(st.text())
def test_each_letter_points_to_the_character_it_stands_for(text):
    letters, origin = romanise(text)
    assert letters.isascii()
    assert len(letters) == len(origin)
    assert origin == sorted(origin)
    written = ["" for _ in text]
    for letter, index in zip(letters, origin, strict=True):
        written[index] += letter
    assert written == [anyascii(character) for character in text]


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_stays_as_it_is(text):
    assert romanise(text) == (text, list(range(len(text))))


@settings(deadline=None)
@given(st.text(), st.integers(0, 40))
def test_beginning_of_a_text_does_not_depend_on_its_end(text, size):
    letters, origin = romanise(text[:size])
    all_letters, all_origin = romanise(text)
    assert all_letters.startswith(letters)
    assert all_origin[: len(origin)] == origin


@pytest.mark.parametrize(
    ("text", "letters"),
    [("Москва", "Moskva"), ("Αθήνα", "Athina"), ("Ångström", "Angstrom"), ("東京", "DongJing")],
)
def test_names_of_other_scripts_are_written_in_latin_letters(text, letters):
    assert romanise(text)[0] == letters
