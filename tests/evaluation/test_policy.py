"""Logged propensities in files."""

import pytest

from evaluation import policy
from evaluation.rows import WrongRowError

GOOD = '{"reward": 1, "propensity": 0.5, "wanted": 0.5}\n'


def test_rewards_of_a_file_are_weighed(tmp_path):
    file = tmp_path / "logged.jsonl"
    file.write_text(GOOD + '{"reward": 0, "propensity": 0.5, "wanted": 0}\n')
    assert policy.evaluate(str(file), 20.0).value == 1.0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ('"reward": 1, "propensity": 0, "wanted": 1', "propensity is 0; expected one above 0"),
        ('"reward": 1, "propensity": 1.5, "wanted": 1', "propensity is 1.5; expected one above 0"),
        ('"reward": 1, "propensity": 1, "wanted": -1', "wanted is -1; expected 0..1"),
        (f'"reward": 1{"0" * 400}, "propensity": 1, "wanted": 1', "expected numbers reward"),
        ('"reward": 1, "propensity": 1', "expected numbers reward"),
    ],
    ids=["propensity 0", "propensity over 1", "wanted below 0", "400 digits", "no wanted"],
)
def test_wrong_row_names_file_line_and_reason(tmp_path, values, reason):
    file = tmp_path / "logged.jsonl"
    file.write_text(f"{GOOD}\n{{{values}}}\n")
    with pytest.raises(WrongRowError) as refused:
        policy.evaluate(str(file), 20.0)
    assert str(refused.value).startswith(f"{file}, line 3: {reason}")
