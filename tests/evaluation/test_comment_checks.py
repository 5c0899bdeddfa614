"""Tables of whom the model wrongs, and of what a disguise costs it."""

import numpy as np

from evaluation.comment_checks import dialect, fairness, spelling
from evaluation.comment_sets import Case
from evaluation.rows import TextRow

CASES = [
    Case("a", False, "women", "ident_neutral_nh"),
    Case("b", False, "women", "ident_pos_nh"),
    Case("c", False, "gay people", "ident_pos_nh"),
    Case("d", False, "women", "counter_quote_nh"),
    Case("e", True, "women", "derog_neg_emote_h"),
    Case("f", False, "", "profanity_nh"),
]


class Finds:
    """Finds a text toxic that holds a word as it is written."""

    labels = ("clean", "toxic")

    def __init__(self, word):
        self.word = word

    def predict(self, texts, _):
        return np.array([[0.1, 0.9] if self.word in text else [0.9, 0.1] for text in texts])


def test_rates_are_told_by_group():
    lines = list(fairness(CASES, np.array([True, False, False, True, True, True])))
    assert "| women | 50 % of 2 | 67 % of 3 | 100 % of 1 |" in lines
    assert "| gay people | 0 % of 1 | 0 % of 1 |  |" in lines
    assert "| no group |  | 100 % of 1 |  |" in lines
    assert lines[-1].endswith("50.0 points.")


def test_dialect_is_told_as_found_and_as_rewritten():
    texts = ["Dey be talking all day", "They are talking", "Lovely"]
    lines = list(dialect(Finds("dey"), texts))
    assert "| with no feature | 0 % of 2 | 0.100 |" in lines
    assert "| with a feature | 0 % of 1 | 0.100 |" in lines
    assert "| that rules can rewrite | 0 % of 1 | 0.100 |" in lines
    assert "| rewritten | 100 % of 1 | 0.900 |" in lines
    assert lines[-1].endswith("made 1 comments toxic and 0 clean.")


def test_what_a_disguise_costs_is_told():
    rows = [TextRow("absolutely stupid", ("1",)), TextRow("absolutely lovely", ("0",))] * 20
    lines = list(spelling(Finds("stupid"), rows))
    assert lines[2].startswith("| as written | 100.0 | 100.0 |")
    leet = next(line for line in lines if line.startswith("| leet"))
    macro_f1 = float(leet.split("|")[2])
    assert macro_f1 < 90
    assert f"{100 - macro_f1:.1f} / " in leet
