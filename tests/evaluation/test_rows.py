"""Rows: every format, every way a row can be wrong, tags of every scheme."""

import gzip
import lzma

import pytest

from evaluation.rows import (
    ScoreRow,
    SpanRow,
    SummaryRow,
    TagRow,
    TargetRow,
    TextRow,
    WrongRowError,
    iob2,
    parse,
    read,
    sentences_of,
    to_json,
)
from schemas.errors import SetupError

ROWS = [
    TextRow("Rain ends play", ("Sports",)),
    TextRow("Regen", ("Sports", "World"), "deu_Latn"),
    TextRow("Nothing", ()),
    TagRow(("Ada", "Lovelace", "."), ("B-PER", "I-PER", "O"), 3, "en"),
    TargetRow("Ada wins", 0, 3, "positive"),
    SummaryRow(("One .", "Two ."), "One ."),
    ScoreRow("Ada wins", 0.5),
    SpanRow("Ada wins", (0, 1, 2)),
    SpanRow("Ada wins", ()),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_row_survives_its_own_json(row):
    assert parse(to_json(row), type(row)) == row


@pytest.mark.parametrize(
    ("kind", "line", "reason"),
    [
        (TextRow, "{", "not JSON"),
        (TextRow, "[1]", "a JSON list; expected an object"),
        (TextRow, '{"label": "a"}', "there is no text"),
        (TextRow, '{"text": "t"}', "expected either label or labels"),
        (TextRow, '{"text": "t", "label": "a", "labels": ["a"]}', "expected either label or"),
        (TextRow, '{"text": 7, "label": "a"}', "text is a int; expected a string"),
        (TextRow, '{"text": "t", "label": true}', "label is a bool; expected a string"),
        (TextRow, '{"text": "t", "labels": "a"}', "labels is a str; expected a list of strings"),
        (TextRow, '{"text": "t", "labels": ["a", "a"]}', "twice"),
        (TextRow, '{"text": "t", "label": "a", "lang": 1}', "lang is a int"),
        (TextRow, '{"text": "\\ud800", "label": "a"}', "not valid Unicode"),
        (TagRow, '{"tokens": ["a"]}', "tags is missing; expected a list of strings"),
        (TagRow, '{"tokens": [], "tags": []}', "there are no tokens"),
        (TagRow, '{"tokens": ["a", "b"], "tags": ["O"]}', "2 tokens and 1 tags"),
        (TagRow, '{"tokens": ["a", ""], "tags": ["O", "O"]}', "token 2 is empty"),
        (TagRow, '{"tokens": ["a"], "tags": ["PER"]}', "tag 'PER'; expected O, or B-"),
        (TargetRow, '{"text": "ab", "start": 0, "end": 3, "label": "a"}', "span 0 to 3"),
        (TargetRow, '{"text": "ab", "start": 1, "end": 1, "label": "a"}', "span 1 to 1"),
        (TargetRow, '{"text": "ab", "start": "0", "end": 1, "label": "a"}', "start is '0'"),
        (SummaryRow, '{"reference": "r"}', "expected either sentences or text"),
        (SummaryRow, '{"sentences": ["a"]}', "there is no reference"),
        (SummaryRow, '{"sentences": [" "], "reference": "r"}', "there is no sentence"),
        (ScoreRow, '{"text": "t", "score": NaN}', "score is nan; expected a number"),
        (ScoreRow, f'{{"text": "t", "score": 1{"0" * 400}}}', "score has 401 digits; expected a"),
        (SpanRow, '{"text": "t"}', "spans is missing; expected a list of whole numbers"),
        (SpanRow, '{"text": "t", "spans": [true]}', "expected a list of whole numbers"),
        (SpanRow, '{"text": "t", "spans": [0, 1]}', "index 1 in spans; expected one inside"),
    ],
)
def test_wrong_row_is_refused_with_its_reason(kind, line, reason):
    with pytest.raises(WrongRowError) as refused:
        parse(line, kind)
    assert reason in str(refused.value)


def test_wrong_row_names_file_and_line(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a", "label": "x"}\n\n{"text": "a"}\n')
    with pytest.raises(WrongRowError) as refused:
        list(read(str(file), TextRow))
    assert str(refused.value).startswith(f"{file}, line 3: ")


def test_row_that_a_check_refuses_names_file_and_line(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a", "label": "x"}\n')

    def refuse(row):
        raise ValueError("label 'x' is none of ours")

    with pytest.raises(WrongRowError, match="line 1: label 'x' is none of ours"):
        list(read(str(file), TextRow, refuse))


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_rows_are_read(tmp_path, suffix, pack):
    file = tmp_path / f"rows.jsonl{suffix}"
    file.write_bytes(pack(b'{"text": "a", "label": 1}\n'))
    assert list(read(str(file), TextRow)) == [TextRow("a", ("1",))]


def test_cut_file_and_empty_file_are_refused(tmp_path):
    cut, empty = tmp_path / "cut.jsonl.gz", tmp_path / "empty.jsonl"
    cut.write_bytes(gzip.compress(b'{"text": "a", "label": "x"}\n' * 999)[:-20])
    empty.write_text("\n")
    with pytest.raises(SetupError, match="cannot be read to its end"):
        list(read(str(cut), TextRow))
    with pytest.raises(SetupError, match="has no rows"):
        list(read(str(empty), TextRow))


@pytest.mark.parametrize(
    "tags",
    [
        ["I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-ORG"],  # IOB1
        ["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "B-ORG"],  # IOB2
        ["B-PER", "E-PER", "O", "S-LOC", "S-LOC", "S-ORG"],  # BIOES
        ["B-PER", "L-PER", "O", "U-LOC", "U-LOC", "U-ORG"],  # BILOU
    ],
    ids=["IOB1", "IOB2", "BIOES", "BILOU"],
)
def test_every_scheme_becomes_iob2(tags):
    assert iob2(tags) == ("B-PER", "I-PER", "O", "B-LOC", "B-LOC", "B-ORG")


def test_type_may_hold_hyphens():
    assert iob2(["I-creative-work", "I-creative-work"]) == ("B-creative-work", "I-creative-work")


def test_text_of_tokens_is_cut_at_lone_stops():
    assert sentences_of("mr. roe left . it rained .") == ("mr. roe left .", "it rained .")
    assert sentences_of("Mr. Roe left. It rained.") == ("Mr. Roe left.", "It rained.")
