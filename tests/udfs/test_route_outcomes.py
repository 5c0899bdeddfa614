"""Outcomes to the topic they belong in."""

import cloudpickle
from pyflink.common import Row

from udfs.route_outcomes import RouteOutcomes, dead_letters_tag


def test_enriched_article_goes_on():
    assert list(RouteOutcomes().process_element(Row(False, b"a1", b"article"), None)) == [
        Row(b"a1", b"article")
    ]


def test_dead_letter_leaves_by_side_output():
    ((tag, record),) = RouteOutcomes().process_element(Row(True, b"t/0/1", b"letter"), None)
    assert tag.tag_id == dead_letters_tag().tag_id
    assert record == Row(b"t/0/1", b"letter")


def test_operator_pickles():
    copy = cloudpickle.loads(cloudpickle.dumps(RouteOutcomes()))
    assert list(copy.process_element(Row(False, b"a1", b"x"), None)) == [Row(b"a1", b"x")]
