"""What a generated summary invents is found."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.factuality import check
from models.sentences import split

ARTICLE = (
    "Two ferries sank off Harbourville on Monday, Mayor Ann Roe told the World Shipping Union. "
    "Some 5,000 people, or twelve percent of the town, and $2.5 million are affected. "
    '"We have never seen such a storm here," said Jo Poe of Anglo-Dutch Lines in the U.S. In 2019 '
    "it was 1.200 tonnes, 45% and twenty-five boats."
)


@pytest.mark.parametrize(
    "summary",
    [
        "Two ferries sank off Harbourville.",
        "2 ferries sank, Ann Roe said.",
        "Mayor Roe said 5000 people are affected.",
        "Five thousand people, 12% of the town, are hit.",
        "The town put the loss at 2,500,000 dollars.",
        "The loss is $2.5m.",
        "The WSU was told by Roe.",
        "In the US, Poe said: “We have never seen such a storm here.”",
        "One of the ferries was Dutch.",
        "25 boats and 1200 tonnes, 45 percent in 2019.",
        "Harbourville's ferries sank. President Poe of Anglo-Dutch Lines spoke.",
        "",
    ],
)
def test_what_the_article_says_passes(summary):
    assert check(summary, ARTICLE) == []


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ("Three ferries sank.", [(0, "number", "Three")]),
        ("Two ferries sank. Roe counted 6,000 people.", [(1, "number", "6,000")]),
        ("The loss is $2.5 billion.", [(0, "number", "2.5 billion")]),
        ("Oldport burned.", [(0, "name", "Oldport")]),
        ("Ferries sank off Oldport.", [(0, "name", "Oldport")]),
        ("Jane Doe said so.", [(0, "name", "Jane"), (0, "name", "Doe")]),
        ("The mayor, Ann Poe, said so.", [(0, "name", "ann Poe")]),
        ("It was the IMO.", [(0, "name", "IMO")]),
        ("In 2021 two ferries sank.", [(0, "number", "2021")]),
        (
            'Roe said "We have never seen such calm here".',
            [(0, "quotation", "We have never seen such calm here")],
        ),
        ("船が二隻沈んだ。", [(0, "script", "船が二隻沈んだ。")]),
    ],
)
def test_what_is_invented_is_found(summary, found):
    assert check(summary, ARTICLE) == found


@pytest.mark.parametrize("index", range(len(split(ARTICLE))))
def test_the_article_bears_out_its_own_sentences(index):
    start, end = split(ARTICLE)[index]
    assert check(ARTICLE[start:end], ARTICLE) == []


@settings(deadline=None)
@given(st.text(st.sampled_from("aBé 1,.5%$\"“”-'’\n²½日mK")), st.text(max_size=40))
def test_any_text_is_checked(summary, article):
    problems = check(summary, article)
    assert all(problem.sentence < len(split(summary)) for problem in problems)


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_a_number_is_known_however_it_is_grouped(number):
    article = f"Some {number:,} people came"
    for writing in (f"{number}", f"{number:,}", f"{number:,}".replace(",", ".")):
        assert check(f"It was {writing} people", article) == []
    assert check(f"It was {number * 2 + 7} people", article) != []


@pytest.mark.parametrize("part", ["1,", "five ", "A", "A ", '"', "1.", "million ", "a'"])
def test_hostile_text_takes_no_time(part):
    text = part * (20_000 // len(part))
    started = time.process_time()
    check(text, text)
    assert time.process_time() - started < 2
