"""Word shapes give an uncased encoder its capitals back."""

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.word_shapes import (
    SHAPES,
    WRITTEN,
    describe,
    shapes_and_words,
    word_indexes,
    word_shapes,
)

PIECES = re.compile(r"\w+|[^\w\s]|_")


def of(text: str) -> list[str]:
    return [
        describe(s) for s in word_shapes(text, [m.span() for m in PIECES.finditer(text)]).tolist()
    ]


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("fire", "lower"),
        ("Paris", "title"),
        ("NATO", "upper"),
        ("I", "capital"),
        ("iPhone", "mixed"),
        ("McDonald", "mixed"),
        ("2024", "digits"),
        ("G20", "digits and letters"),
        ("%", "symbols"),
        ("日", "uncased"),
        ("मुंबई", "uncased"),
        ("Ελλάδα", "title"),
        ("ÉCOLE", "upper"),
        ("Élysée", "title"),
        ("\U0001f525", "symbols"),
        ("½", "digits"),
    ],
)
def test_word_has_a_shape(word, written):
    (shape,) = word_shapes(f"x {word}", [(2, 2 + len(word))]).tolist()
    assert describe(shape) == written


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Fire. Rain", ["Fire", "Rain"]),
        ('Fire! "Rain', ["Fire", "Rain"]),
        ("Fire\nRain", ["Fire", "Rain"]),
        ("Fire . Rain", ["Fire", "Rain"]),
        ("Gov . Rain", ["Gov", "Rain"]),
        ("Gov. Rain", ["Gov"]),
        ("George W. Bush", ["George"]),
        ("Example.Com pays 3.5", ["Example"]),
        ("U.S. Senate", ["U"]),
        ('"Fire," he', ["Fire"]),
        ("...", []),
        ("Fire? (Rain", ["Fire", "Rain"]),
    ],
)
def test_first_word_of_a_sentence_is_marked(text, first):
    shapes = of(text)
    words = PIECES.findall(text)
    assert [w for w, s in zip(words, shapes, strict=True) if s.endswith("first")] == first


def test_pieces_of_a_word_share_its_shape():
    shapes = word_shapes("the Kyivstar", [(0, 0), (0, 3), (4, 8), (8, 12), (0, 0)]).tolist()
    assert [describe(s) for s in shapes] == [
        "none",
        "lower, first",
        "title",
        "title, continued",
        "none",
    ]


def test_tokens_joined_by_spaces_read_like_prose():
    prose, joined = "He met Obama, they said.", "He met Obama , they said ."
    assert of(prose) == of(joined)


def test_special_tokens_alone_have_no_shape():
    assert word_shapes("", [(0, 0), (0, 0)]).tolist() == [0, 0]
    assert word_shapes("", []).tolist() == []
    assert word_shapes(" ", [(0, 0)]).tolist() == [0]
    assert word_indexes("fire", [(0, 0)]).tolist() == [-1]


hostile = st.text(
    st.sampled_from("aA1.!? \n\t\u00ad\u0301日\U0001f525\U0001d400\ud800é’-_€\x00\u200d")
)


@settings(deadline=None)
@given(st.one_of(hostile, st.text()))
def test_every_character_has_a_shape_in_range(text):
    spans = [(i, i + 1) for i in range(len(text))]
    shapes = word_shapes(text, spans)
    assert shapes.dtype == np.int64
    assert shapes.shape == (len(text),)
    assert ((shapes >= 0) & (shapes < SHAPES)).all()
    assert len({describe(s) for s in range(SHAPES)}) == SHAPES == 4 * len(WRITTEN) + 1


@settings(deadline=None)
@given(hostile)
def test_white_space_separates_words(text):
    spans = [(i, i + 1) for i in range(len(text))]
    words = word_indexes(text, spans).tolist()
    assert all((w < 0) == c.isspace() for w, c in zip(words, text, strict=True))
    found = [w for w in words if w >= 0]
    assert found == sorted(found)
    assert set(found) == set(range(len(set(found))))


def test_words_are_those_of_the_tokenizer(sentence_encoder):
    text = (
        "Gov. O'Neil's $1,200-a-day «café» in Île-de-France: 日本語 news… U.N. said 3.5% 🔥fire "
        "naïve e\u0301tude so\u00adft x\u200dy"
    )
    encoding = sentence_encoder._tokenizer.encode(text)
    expected = [-1 if word is None else word for word in encoding.word_ids]
    assert word_indexes(text, encoding.offsets).tolist() == expected


def test_shapes_cost_little():
    text = "Officials in Washington said Mr. Smith’s plan, worth $12 million, was dead. " * 20
    spans = [m.span() for m in PIECES.finditer(text)][:256]
    word_shapes(text, spans)
    took = []
    for _ in range(50):
        started = time.process_time()
        word_shapes(text, spans)
        took.append(time.process_time() - started)
    assert min(took) < 0.001


@settings(deadline=None)
@given(hostile)
def test_both_together_are_what_each_is_alone(text):
    spans = [(i, i + 1) for i in range(len(text))]
    shapes, words = shapes_and_words(text, spans)
    assert shapes.tolist() == word_shapes(text, spans).tolist()
    assert words.tolist() == word_indexes(text, spans).tolist()
