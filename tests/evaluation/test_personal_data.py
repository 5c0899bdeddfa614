"""The marked comments are read as they are written; masking stays as good as was published."""

import pytest

from evaluation.personal_data.measure import SHIPPED, Marked, marked, measure, read
from models.personal_data import Found, find
from schemas.errors import SetupError

HELD_OUT = SHIPPED.parent / "held_out.txt"
FORMS = {"account", "address", "card", "email", "iban", "phone"}


@pytest.mark.parametrize(
    ("file", "precision", "recall"), [(SHIPPED, 0.98, 0.98), (HELD_OUT, 0.95, 0.9)]
)
def test_forms_are_found_as_well_as_published(file, precision, recall):
    found = measure(read(file), lambda each: find(each.text, each.language))
    of_forms = [counts for kind, counts in found.kinds.items() if kind in FORMS]
    right, missed, false = (
        sum(getattr(c, name) for c in of_forms) for name in ("found", "missed", "false")
    )
    assert right / (right + false) >= precision
    assert right / (right + missed) >= recall


def test_datum_counts_as_found_where_one_of_its_kind_overlaps_it():
    texts = [marked("en", "a ⟦email|x@example.org⟧ b ⟦phone|123⟧")]
    found = measure(texts, lambda _: [Found("email", 2, 6), Found("card", 0, 1)])
    assert (found.kinds["email"].found, found.kinds["phone"].missed, found.kinds["card"].false) == (
        1,
        1,
        1,
    )
    assert (found.total.precision, found.total.recall) == (0.5, 0.5)
    assert found.leaked == pytest.approx((13 - 4 + 3) / 16)


def test_nothing_found_where_nothing_is_has_no_figures():
    found = measure([Marked("en", "plain", ())], lambda _: [])
    assert (found.total.precision, found.total.recall, found.leaked) == (None, None, 0.0)


def test_file_without_texts_is_refused(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("# nothing\n\n")
    with pytest.raises(SetupError, match="has no marked texts"):
        read(file)


def test_line_without_a_language_is_refused(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("no tab here\n")
    with pytest.raises(SetupError, match=r"texts\.txt:1: expected language"):
        read(file)
