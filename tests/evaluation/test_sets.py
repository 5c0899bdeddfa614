"""Data sets: files as the data directory has them, made up here."""

import gzip
import json
import lzma

import pytest

from evaluation import sets
from evaluation.rows import TagRow, TargetRow, TextRow
from schemas.errors import SetupError


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    pack = lzma.compress if path.suffix == ".xz" else gzip.compress
    path.write_bytes(pack(content.encode()))


def splits(name, data):
    return {split: sets.load(name, split, data) for split in ("train", "validation", "test")}


def test_unknown_set_and_split_are_named(tmp_path):
    with pytest.raises(SetupError, match="no data set 'agnew'; known: agnews, reuters"):
        sets.load("agnew", "test", tmp_path)
    with pytest.raises(SetupError, match="lingua has no split 'train'; it has test"):
        sets.load("lingua", "train", tmp_path)


def test_missing_folder_is_one_line(tmp_path):
    with pytest.raises(SetupError, match=r"agnews, test, in .*No such file"):
        sets.load("agnews", "test", tmp_path)


def test_carved_rows_are_whole_and_apart_and_equal_texts_stay_together(tmp_path):
    lines = [f'{1 + n % 4}\tStory {n % 300} "quoted\tsource' for n in range(600)]
    write(
        tmp_path / "ag_news" / "train_subset.tsv.gz", "\n".join(["label\ttext\tsource", *lines, ""])
    )
    train, validation = (sets.load("agnews", s, tmp_path) for s in ("train", "validation"))
    assert len(train) + len(validation) == 600
    assert 0.05 < len(validation) / 600 < 0.15
    assert not {row.text for row in train} & {row.text for row in validation}
    assert train[0].labels == ("World",)


def test_reuters_keeps_rows_with_a_topic_of_r90(tmp_path):
    documents = [
        {"modapte": "test", "title": "A", "body": "b", "topics": ["earn", "acq", "nonsense"]},
        {"modapte": "test", "title": "A", "body": "b", "topics": ["nonsense"]},
        {"modapte": "unused", "title": "A", "body": "b", "topics": ["earn"]},
    ]
    write(
        tmp_path / "reuters21578" / "reuters21578.jsonl.gz", "\n".join(map(json.dumps, documents))
    )
    assert sets.load("reuters", "test", tmp_path) == [TextRow("A\nb", ("earn", "acq"))]
    assert len(set(sets.REUTERS_R90)) == 90


def test_translations_of_a_sentence_stay_in_one_split(tmp_path):
    lines = ["lang\tsplit\tindex_id\tcategory\ttext"]
    for lang in ("eng_Latn", "deu_Latn", "ace_Latn"):
        lines += [f"{lang}\ttrain\t{n}\tsports\t{lang} {n}" for n in range(100)]
        lines += [f"{lang}\tdev\t{n}\tsports\t{lang} {n}" for n in range(100, 110)]
    write(tmp_path / "sib200" / "sib200.tsv.xz", "\n".join(lines) + "\n")
    found = splits("sib200", tmp_path)
    assert {row.lang for row in found["test"]} == {"eng_Latn", "deu_Latn"}
    numbers = {split: [int(row.text.split()[1]) for row in rows] for split, rows in found.items()}
    assert not set(numbers["train"]) & set(numbers["validation"])
    assert len(numbers["train"]) + len(numbers["validation"]) == 200
    assert len(sets.NEWS_LANGUAGES) == len(set(sets.NEWS_LANGUAGES)) == 20


def test_documents_and_iob1_of_conll(tmp_path):
    content = (
        "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\nBonn NNP I-NP I-LOC\n\n"
        "-DOCSTART- -X- O O\n\nPeter NNP I-NP I-PER\nOslo NNP I-NP I-LOC\nRome NNP I-NP B-LOC\n"
    )
    write(tmp_path / "conll2003" / "eng.testb.gz", content)
    assert sets.load("conll2003", "test", tmp_path) == [
        TagRow(("EU", "rejects"), ("B-ORG", "O"), 1, "en"),
        TagRow(("Bonn",), ("B-LOC",), 1, "en"),
        TagRow(("Peter", "Oslo", "Rome"), ("B-PER", "B-LOC", "B-LOC"), 2, "en"),
    ]


def test_sentences_without_document_marks_are_documents(tmp_path):
    write(tmp_path / "wikiann" / "de_test.gz", "de:Bonn\tB-LOC\nde:.\tO\n\t\nde:Ada\tB-PER\n")
    rows = sets.load("wikiann-de", "test", tmp_path)
    assert [(row.tokens, row.document) for row in rows] == [(("Bonn", "."), 0), (("Ada",), 1)]


def test_targets_of_a_sentence_are_rows(tmp_path):
    targets = [
        {"from": 0, "to": 3, "mention": "Ada", "polarity": 6.0},
        {"from": 10, "to": 13, "mention": "Eve", "polarity": 2.0},
    ]
    row = {"sentence_normalized": "Ada beats Eve", "targets": targets}
    write(tmp_path / "newsmtsc" / "devtest_rw.jsonl.gz", json.dumps(row))
    assert sets.load("newsmtsc-rw", "test", tmp_path) == [
        TargetRow("Ada beats Eve", 0, 3, "positive"),
        TargetRow("Ada beats Eve", 10, 13, "negative"),
    ]


def test_entities_with_apostrophes_are_found_and_missing_ones_left_out(tmp_path):
    lines = ["S No.,Title,Decisions,Words"]
    lines += [
        f"{n},L&T and Ada's Fund {n},\"{{'Ada's Fund': 'positive', 'Nobody': 'neutral'}}\",4"
        for n in range(40)
    ]
    write(tmp_path / "sentfin" / "SEntFiN.csv.gz", "\n".join(lines))
    rows = [row for found in splits("sentfin", tmp_path).values() for row in found]
    assert len(rows) == 40
    assert {row.text[row.start : row.end] for row in rows} == {"Ada's Fund"}


def test_languages_are_iso_639_1_where_there_is_one(tmp_path):
    write(tmp_path / "tatoeba_laser" / "tatoeba_v1.tsv.xz", "deu\tHallo\nber\tAzul\n")
    rows = sets.load("tatoeba", "test", tmp_path)
    assert [row.labels for row in rows] == [("de",), ("ber",)]


def test_set_without_training_file_is_trained_on_its_validation_file(tmp_path):
    folder = tmp_path / "tweeteval"
    write(folder / "sentiment_mapping.txt.gz", "0\tnegative\n1\tneutral\n2\tpositive\n")
    rows = "label\ttext\n" + "".join(f"{n % 3}\tTweet {n}\n" for n in range(100))
    write(folder / "sentiment_val.tsv.gz", rows)
    train, validation = (
        sets.load("tweeteval-sentiment", s, tmp_path) for s in ("train", "validation")
    )
    assert len(train) + len(validation) == 100
    assert {row.labels for row in train} == {("negative",), ("neutral",), ("positive",)}
