import pytest

from cli.evaluate_breaking import evaluate_breaking
from schemas.errors import SettingError, SetupError


def test_time_that_is_none_is_named():
    with pytest.raises(SetupError, match="'monday' is no time; expected for example"):
        evaluate_breaking("-", outcome="sources=3,hours=1", train_until="monday")


def test_outcome_that_is_none_is_named():
    with pytest.raises(SettingError, match="expected sources=K,hours=H"):
        evaluate_breaking("-", outcome="3 in 1", train_until="2017-10-09")
