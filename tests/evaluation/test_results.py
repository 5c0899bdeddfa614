"""The table of results."""

from datetime import date

from evaluation import results
from evaluation.heads import HEADS
from evaluation.measure import Evaluation
from evaluation.metrics import Calibration, Measured
from evaluation.sets import SETS


def test_every_row_names_a_known_head_and_data_set():
    for row in results.rows():
        assert row.head in HEADS
        assert row.data in SETS


def test_row_has_figure_interval_baseline_source_and_command():
    evaluation = Evaluation(
        head="topics/agnews",
        data="agnews",
        rows=3749,
        metrics={"accuracy": Measured(0.931, 0.92, 0.94)},
        baselines={"tfidf": {"accuracy": 0.892}},
        calibration=Calibration(0.0183, (3749,), (0.95,), (0.93,)),
        docs_per_s=1.0,
    )
    text = results.markdown(
        results.rows(), [evaluation], day=date(2026, 1, 2), absent=["topics/reuters"]
    )
    lines = {line.split("|")[2].strip(): line for line in text.splitlines() if "|" in line}
    for part in (
        "| accuracy | **93.1** (92.0 to 94.0) | 93.0 | 0.018 (0.003) | tfidf 89.2 |",
        "Yang et al., 2019",
        "| 3,749 |",
        "| 2026-01-02 | `wiredesk evaluate topics/agnews set:agnews` |",
    ):
        assert part in lines["agnews"]
    assert "| no model |" in lines["reuters"]
    assert "| not measured |" in lines["sst2"]
