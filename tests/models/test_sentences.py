"""Sentences end where a reader would say so."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sentences import split


@pytest.mark.parametrize(
    "text",
    [
        "Fire in Harbourville",
        "Mr. Smith and Dr. Jones met Sen. Ann B. Roe.",
        "Shares of Acme Inc. Chief Jo Roe rose 3.5 percent to $1.20.",
        "The U.S. Senate voted at 5 p.m. EST on Jan. 5.",
        '"Is it over?" he asked.',
        "Yahoo! said so, etc. and more.",
        "He waited... and waited … for it.",
        "Am 3. Oktober sprach der 2. Bürgermeister.",
        "See No. 5, fig. 3 and pp. 7 of vol. 2.",
        "J. R. R. Tolkien wrote it.",
        "Visit example.com or call 555.1234.",
        "Le 14 juillet, M. Durand et Mme. Petit ont dit « Non ! » à tous.",
        "(He left.)",
        "!!!",
        "ไม่มีเครื่องหมาย",
    ],
)
def test_one_sentence_stays_whole(text):
    assert split(text) == [(0, len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "It rained.|He left.",
        '"It rained."|"He left," she said.',
        "Why?|Nobody knows!|Really…|Yes.",
        "He lives in the U.S.|The others do not.",
        "It closed at 5 p.m.|On Monday it opened.",
        "She chose plan B.|The rest is known.",
        "It was 2019.|Prices rose by 5.|Nobody cared.",
        "Headline without a stop\nBody begins here.",
        'the man died .|the police came .|" why ? "',
        "今日は雨だ。|明日は晴れ！|「はい。」|そう",
        "वह गया।|वह आया।",
        "هل جاء؟|نعم جاء.|انتهى",
        "Das war 1990.|Er kam am 3. Mai.|Dann ging er.",
        "¿Qué pasa?|¡Nada!|«Bien», dijo.",
        "Il part.|« Bien », dit-elle.|Élise reste.",
        "Она ушла.|Он остался.",
        "(He left.)|She stayed.",
        "He said no.|They went on.",
    ],
)
def test_sentences_are_told_apart(text):
    sentences = [part for line in text.split("\n") for part in line.split("|")]
    plain = text.replace("|", "" if text[0] in "今" else " ")
    assert [plain[start:end] for start, end in split(plain)] == sentences


@settings(deadline=None)
@given(st.text(st.sampled_from("aB1 .!?…\n\t\"'»。।Mr)\u200f🔥é")))
def test_sentences_cover_the_text_in_order(text):
    spans = split(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(a < b and text[a:b] == text[a:b].strip() for a, b in spans)


@pytest.mark.parametrize(
    "part", [".", ". ", "a. ", "A.B.", '."', ". '' ", "\n", "。", " ?", "a" * 50 + ". "]
)
def test_hostile_text_takes_no_time(part):
    started = time.process_time()
    split(part * (100_000 // len(part)))
    assert time.process_time() - started < 2
