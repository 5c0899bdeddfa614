"""Floors: read, reached, missed."""

import pytest

from evaluation import floors
from evaluation.measure import Evaluation
from evaluation.metrics import Calibration, Measured
from schemas.errors import SetupError

FLOOR = """
[[floor]]
head = "topics/agnews"
data = "agnews"
metric = "{metric}"
whole = {whole}
sample = {sample}
sample_rows = 100
"""
EVALUATION = Evaluation(
    head="topics/agnews",
    data="agnews",
    rows=9,
    metrics={"accuracy": Measured(0.9, 0.8, 0.95)},
    baselines={},
    calibration=Calibration(0.04, (), (), ()),
    docs_per_s=1.0,
)


def read(tmp_path, **values):
    file = tmp_path / "floors.toml"
    file.write_text(FLOOR.format(**values))
    return floors.read(file)


def test_figure_below_its_floor_is_named(tmp_path):
    bounds = read(tmp_path, metric="accuracy", whole=0.91, sample=0.9)
    assert floors.missed(EVALUATION, bounds, whole=True) == [
        "topics/agnews on agnews: accuracy 0.9000; the floor is 0.91"
    ]
    assert floors.missed(EVALUATION, bounds, whole=False) == []


def test_calibration_error_has_a_ceiling(tmp_path):
    bounds = read(tmp_path, metric="ece", whole=0.03, sample=0.05)
    assert floors.missed(EVALUATION, bounds, whole=True) == [
        "topics/agnews on agnews: ece 0.0400; the ceiling is 0.03"
    ]
    assert floors.missed(EVALUATION, bounds, whole=False) == []


def test_floor_of_a_metric_that_was_not_measured_is_refused(tmp_path):
    bounds = read(tmp_path, metric="accuraccy", whole=0.9, sample=0.9)
    with pytest.raises(SetupError, match="has no metric accuraccy"):
        floors.missed(EVALUATION, bounds, whole=True)


@pytest.mark.parametrize("content", ["floor = 1", "[[floor]]\nhead = 'a'", "="])
def test_wrong_file_is_refused(tmp_path, content):
    file = tmp_path / "floors.toml"
    file.write_text(content)
    with pytest.raises(SetupError, match=str(file)):
        floors.read(file)


def test_sample_of_few_rows_is_all_of_them():
    assert floors.sample([1, 2], 5) == [1, 2]
