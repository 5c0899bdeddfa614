from dataclasses import replace

import pytest

from ingest.page.headline import Titles, headline, without_publisher

SITES = ["The Harbour Courier", "courier.example"]


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Bridge reopens - Harbour Courier", "Bridge reopens"),
        ("Bridge reopens | The Harbour Courier", "Bridge reopens"),
        ("Bridge reopens – Courier.example", "Bridge reopens"),
        ("橋が再開：Harbour Courier", "橋が再開"),
        ("Bridge - reopens at last", "Bridge - reopens at last"),
        ("Harbour Courier", "Harbour Courier"),
    ],
)
def test_publisher_goes_off_the_end_and_nothing_else_does(title, bare):
    assert without_publisher(title, SITES) == bare


def test_ending_goes_off_where_the_rest_is_a_heading_of_the_page():
    assert without_publisher("Bridge reopens | News", [], ["bridge reopens"]) == "Bridge reopens"


def test_title_for_search_engines_gives_way_to_the_headline():
    titles = Titles(["7 bridges"], ["Bridge reopens"], ["Bridge reopens"], "7 bridges", SITES)
    assert headline(titles) == "Bridge reopens"


def test_sharing_title_wins_where_the_rest_is_the_page_title():
    titles = Titles(["Bridge reopens"], ["7 bridges"], ["7 bridges"], "7 bridges", SITES)
    assert headline(titles) == "Bridge reopens"


def test_where_nothing_printed_decides_two_agree_against_one():
    titles = Titles(
        social=["Bridge: all that is new"],
        declared=["Bridge reopens"],
        page="Bridge reopens | The Courier",
        headings=["The bridge, live"],
        sites=["The Courier"],
    )
    assert headline(titles) == "Bridge reopens"
    printed = replace(titles, headings=["Bridge: all that is new"])
    assert headline(printed) == "Bridge: all that is new"


def test_title_cut_at_a_quotation_mark_is_completed():
    titles = Titles(social=["Mayor calls bridge"], headings=['Mayor calls bridge "a marvel"'])
    assert headline(titles) == 'Mayor calls bridge "a marvel"'


def test_heading_of_a_form_is_not_the_headline():
    titles = Titles(headings=["Log in", "Bridge reopens"], page="Bridge reopens | Courier")
    assert headline(titles) == "Bridge reopens"


def test_nothing_gives_nothing():
    assert headline(Titles(social=["Courier"], sites=["Courier"])) == ""
