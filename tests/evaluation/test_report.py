"""What is printed."""

from dataclasses import replace
from io import StringIO

import numpy as np
from rich.console import Console

from evaluation.measure import Evaluation
from evaluation.metrics import Measured, calibration_error
from evaluation.report import show

EVALUATION = Evaluation(
    head="topics/agnews",
    data="rows.jsonl",
    rows=1234,
    metrics={"accuracy": Measured(0.9, 0.88, 0.92), "macro_f1": Measured(0.8, 0.7, 0.85)},
    baselines={"tfidf": {"accuracy": 0.85}},
    calibration=calibration_error(np.array([0.9, 0.9]), np.array([1.0, 0.0])),
    docs_per_s=456.7,
    unanswered=3,
    remarks=("no baseline: for a reason",),
)


def printed(evaluation):
    console = Console(width=100, record=True, file=StringIO())
    show(console, evaluation)
    return console.export_text()


def test_everything_that_was_measured_is_printed():
    text = printed(EVALUATION)
    for part in (
        "topics/agnews on rows.jsonl: 1,234 rows",
        "90.00  88.00 to 92.00  85.00",
        "expected calibration error 0.4000",
        "456.7 docs/s",
        "3 rows are in languages that no model of the head knows",
        "no baseline: for a reason",
    ):
        assert part in text


def test_why_rows_have_no_answer_is_printed_without_figures_where_none_has_one():
    text = printed(
        replace(EVALUATION, metrics={}, unanswered=1234, why_unanswered="are in no language")
    )
    assert "1,234 rows are in no language." in text
    assert "interval" not in text


def test_reliability_draws_what_was_said_and_what_was_true():
    line = next(line for line in printed(EVALUATION).splitlines() if "0.87 to 0.93" in line)
    assert line.split()[3:] == ["2", "90.00", "50.00", "█" * 15 + "·" * 12 + "|" + "·" * 2]
