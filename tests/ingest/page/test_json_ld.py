import pytest

from ingest.page.json_ld import addresses, article_node, people, text

ARTICLE = '{"@type": "NewsArticle", "headline": "Bridge"}'


@pytest.mark.parametrize(
    "script",
    [
        ARTICLE,
        f"[{ARTICLE}]",
        f'{{"@graph": [{{"@type": "WebPage"}}, {ARTICLE}]}}',
        f'{{"@type": "WebPage", "mainEntity": {ARTICLE}}}',
        f"<!-- {ARTICLE} -->",
        f"//<![CDATA[\n{ARTICLE}\n//]]>",
        ARTICLE + ";",
        ARTICLE.replace("}", ",}"),
        ARTICLE.replace("Bridge", "Bri\ndge"),
        ARTICLE.replace("NewsArticle", "https://schema.org/ReportageNewsArticle"),
    ],
)
def test_article_is_found_however_it_is_wrapped(script):
    assert article_node([script])["headline"].replace("\n", "") == "Bridge"


@pytest.mark.parametrize("script", ["", "{", "[]", "null", '{"@type": 7}', "[" * 9_000])
def test_other_scripts_hold_no_article(script):
    assert article_node([script]) == {}


def test_article_of_the_page_wins_over_a_fuller_teaser():
    teaser = (
        '{"@type": "Article", "headline": "Other", "articleBody": "x", "datePublished": "2026"}'
    )
    own = '{"@type": "Article", "headline": "Own", "mainEntityOfPage": {"@id": "https://a.example/7"}}'
    assert article_node([teaser, own], "https://a.example/7")["headline"] == "Own"
    assert article_node([teaser, own])["headline"] == "Other"


def test_names_texts_and_addresses_take_every_form():
    node = {"author": [{"name": "A. Weber"}, "B. Rossi", {"name": ["C"]}, None], "url": "u"}
    assert (people(node), addresses(node)) == (["A. Weber", "B. Rossi", "C"], {"u"})
    assert text({"headline": ["One", "Two"]}, "headline") == "One"
    assert text({"headline": {"@value": "One"}}, "name", "headline") == "One"
