import json

import pytest

from evaluation.extraction import evaluate_extraction, load_truth, same_day, same_title, token_f1
from schemas.errors import SetupError

TEXT = "The bridge over the harbour is open to traffic again after months of repairs. " * 8
PAGE = f"""<html><head><title>Bridge reopens | Courier</title>
<meta property="og:site_name" content="Courier"><meta property="og:title" content="Bridge reopens">
<meta property="article:published_time" content="2026-03-01T23:30:00Z"></head>
<body><article><p>{TEXT}</p></article></body></html>"""


def folder(path, *rows):
    (path / "a.html").write_text(PAGE)
    (path / "ground_truth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_page_is_measured_against_the_version_that_fits_best(tmp_path):
    right = {
        "file": "a.html", "body": TEXT, "title": "Bridge reopens",
        "published": "2026-03-02T00:30:00+01:00",
    }  # fmt: skip
    report = evaluate_extraction(
        folder(tmp_path, {"file": "a.html", "body": "Other.", "title": "x"}, right), others=False
    )
    ours = report.ours
    assert (report.pages, ours.body_f1, ours.title_accuracy, ours.date_accuracy) == (1, 1, 1, 1)
    assert set(report.as_json()["metrics"]) >= {
        "body_f1", "title_accuracy", "date_accuracy", "pages_per_s",
    }  # fmt: skip
    assert report.misses == []


def test_what_the_truth_does_not_say_is_not_measured(tmp_path):
    report = evaluate_extraction(folder(tmp_path, {"file": "a.html", "body": TEXT}), others=False)
    assert (report.ours.title_accuracy, report.ours.date_accuracy) == (None, None)


@pytest.mark.parametrize(
    "row", [{"file": "a.html"}, {"file": "none.html", "body": ""}, {"file": "a.html", "body": 7}, 7]
)
def test_wrong_row_is_named(tmp_path, row):
    with pytest.raises(SetupError, match=r"ground_truth\.jsonl:1"):
        load_truth(folder(tmp_path, row))


def test_folder_without_truth_is_named(tmp_path):
    with pytest.raises(SetupError, match="cannot be read"):
        load_truth(tmp_path)
    with pytest.raises(SetupError, match="no rows"):
        load_truth(folder(tmp_path))


def test_scores_of_nothing():
    assert (token_f1("", ""), token_f1("a", ""), token_f1("a", "b")) == (1.0, 0.0, 0.0)
    assert not same_day(None, "2026-03-02")
    assert not same_title("Rain", "Rains")
