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


NUMBERS = [
    ("en", "A million people fled.", "About 1,000,000 people fled.", "Many people fled."),
    ("en", "A hundred people fled.", "100 people fled.", "10 people fled."),
    ("en", "Nearly a dozen fled.", "Nearly 12 fled.", "11 fled."),
    ("en", "Hundreds of people fled.", "300 people fled.", "Two people fled."),
    ("en", "Hundreds of people fled.", "Hundreds of people fled.", "Thousands of people fled."),
    ("en", "Dozens fled.", "More than 40 fled.", "10 fled."),
    ("en", "Thousands fled.", "In May 2,024 fled.", "In May 2024 many fled."),
    ("en", "Thousands fled.", "Tens of thousands fled.", "Hundreds fled."),
    ("en", "Hundreds of thousands fled.", "250,000 fled.", "25,000 fled."),
    ("en", "Millions were lost.", "$2.5m was lost.", "1 million was lost."),
    ("en", "Several million fled.", "Millions fled.", "A million fled."),
    ("en", "A few hundred people fled.", "300 people fled.", "100 people fled."),
    ("en", "A couple of hundred fled.", "240 people fled.", "100 people fled."),
    ("en", "300 people fled.", "three hundred people fled.", "Hundreds of people fled."),
    ("en", "Two hundred and five people fled.", "205 people fled.", "Five of 200 people fled."),
    ("en", "205 people fled.", "Two hundred and five people fled.", "200 people fled."),
    ("en", "One hundred and twenty-five thousand fled.", "125,000 fled.", "25,000 fled."),
    ("en", "Between two hundred and five hundred fled.", "200 to 500 fled.", "205 to 500 fled."),
    ("en", "Two thousand three hundred fled.", "2,300 fled.", "2,000 of 300 fled."),
    ("en", "Half a million people fled.", "500,000 people fled.", "A million people fled."),
    ("en", "Two and a half million fled.", "2.5m people fled.", "2 million people fled."),
    ("en", "Nineteen hundred people fled.", "1,900 people fled.", "19 people fled."),
    ("de", "Dreihundert Menschen starben.", "300 Menschen starben.", "Zwei Menschen starben."),
    ("de", "Drei Menschen starben.", "3 Menschen starben.", "Zwei Menschen starben."),
    ("de", "3 Menschen starben.", "Drei Menschen starben.", "Dreizehn Menschen starben."),
    ("de", "Zweiundzwanzig Menschen starben.", "22 Menschen starben.", "20 Menschen starben."),
    ("de", "Fünfunddreißigtausend Menschen.", "35.000 Menschen.", "30.000 Menschen."),
    ("de", "Zweieinhalb Millionen Euro.", "2,5 Millionen Euro.", "2 Millionen Euro."),
    ("de", "Eine halbe Million Euro.", "500.000 Euro.", "Eine Million Euro."),
    ("de", "Hunderte Menschen starben.", "450 Menschen starben.", "Vier Menschen starben."),
    ("de", "Zehntausende Menschen.", "40.000 Menschen.", "4.000 Menschen."),
    ("de", "Eine Million Menschen.", "1.000.000 Menschen.", "Viele Menschen."),
    ("de", "Der Tod zweier Menschen.", "Der Tod von 2 Menschen.", "Der Tod dreier Menschen."),
    ("nl", "Driehonderd mensen.", "300 mensen.", "Twee mensen."),
    ("nl", "Drieëntwintig mensen.", "23 mensen.", "20 mensen."),
    ("nl", "Duizenden mensen.", "5000 mensen.", "50 mensen."),
    ("nl", "Tweeënhalf miljoen euro.", "2,5 miljoen euro.", "2 miljoen euro."),
    ("fr", "Trois cents personnes.", "300 personnes.", "3 personnes."),
    ("fr", "Quatre-vingt-dix-sept personnes.", "97 personnes.", "80 personnes."),
    ("fr", "Soixante et onze personnes.", "71 personnes.", "60 personnes."),
    ("fr", "Deux mille trois cent cinq euros.", "2 305 euros.", "305 euros."),
    ("fr", "Une centaine de morts.", "100 morts.", "Des morts."),
    ("fr", "Des centaines de milliers d'euros.", "200 000 euros.", "20 000 euros."),
    ("fr", "Un million d'euros.", "1\u202f000\u202f000 d'euros.", "Un peu d'euros."),
    ("fr", "2 305,5 euros.", "2305,50 euros.", "2 euros."),
    ("es", "Trescientas personas.", "300 personas.", "Tres personas."),
    ("es", "Treinta y dos personas.", "32 personas.", "30 personas."),
    ("es", "Veintidós personas.", "22 personas.", "20 personas."),
    ("es", "Mil novecientos ochenta y cuatro.", "1984.", "1980."),
    ("es", "Dos mil millones de euros.", "2.000.000.000 de euros.", "2 millones de euros."),
    ("es", "Miles de personas.", "4.000 personas.", "400 personas."),
    ("it", "Trecento persone.", "300 persone.", "Tre persone."),
    ("it", "Centottantuno persone.", "181 persone.", "180 persone."),
    ("it", "Duemila persone.", "2.000 persone.", "Due persone."),
    ("it", "Decine di migliaia di persone.", "30.000 persone.", "3.000 persone."),
    ("pt", "Trezentas pessoas.", "300 pessoas.", "Três pessoas."),
    ("pt", "Duzentas e cinco pessoas.", "205 pessoas.", "5 de 200 pessoas."),
    ("pt", "Mil e duzentas pessoas.", "1.200 pessoas.", "1.000 ou 200 pessoas."),
    ("pt", "Dois milhões de pessoas.", "2.000.000 de pessoas.", "2.000 pessoas."),
    ("ru", "Погибли 300 человек.", "Погибли 300 человек.", "Погибли 30 человек."),
]
"""Language, summary, an article that bears it out, one that does not."""


def unknown_numbers(summary, article, language):
    return [p.text for p in check(summary, article, language) if p.kind == "number"]


@pytest.mark.parametrize(("language", "summary", "article", "other"), NUMBERS)
def test_number_in_words_is_that_of_the_article_or_invented(language, summary, article, other):
    assert unknown_numbers(summary, summary, language) == []
    assert unknown_numbers(summary, article, language) == []
    assert unknown_numbers(summary, other, language) != []


@pytest.mark.parametrize(
    ("language", "summary"),
    [
        ("en", "One of them is a man, and a few came first, both twice, half of them late."),
        ("de", "Ein Mann, eine Frau und einer der Räte achten einander; die zweiten und vierten."),
        ("nl", "Een man en een vrouw kwamen ten minste half zo laat."),
        ("fr", "Un homme et une femme, les uns et les autres."),
        ("es", "Un hombre y una mujer, uno de ellos, la media."),
        ("it", "Un uomo e una donna, uno di loro."),
        ("pt", "Um homem e uma mulher, um deles, e meia."),
        ("pl", "Ten człowiek jest w mieście."),
    ],
)
def test_articles_and_ordinary_words_are_no_numbers(language, summary):
    assert unknown_numbers(summary, "Nothing is said of it.", language) == []


def test_invented_number_is_named_as_it_is_written():
    article = "Zwei Menschen starben in Kiel."
    (problem,) = check("In Kiel starben zweihundert Menschen.", article, "de")
    assert problem == (0, "number", "zweihundert")
    assert check("Two Hundred and Five ferries sank.", ARTICLE)[0].text == "Two Hundred and Five"


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


@pytest.mark.parametrize(
    "part", ["1,", "five ", "A", "A ", '"', "1.", "million ", "a'", "hundreds ", "ein"]
)
def test_hostile_text_takes_no_time(part):
    text = part * (20_000 // len(part))
    started = time.process_time()
    check(text, text, "de")
    check(text, text)
    assert time.process_time() - started < 2
