import pytest

from ingest.page.extract import MAX_BYTES, NoPage, extract

URL = "https://courier.example/2026/bridge"
SENTENCE = "The bridge over the harbour is open to traffic again after eleven months of repairs."
PARAGRAPHS = "".join(f"<p>{SENTENCE} Number {n} of the reports says so.</p>" for n in range(6))
HEAD = """<meta property="og:site_name" content="The Courier">
<meta property="og:title" content="Bridge reopens">"""


def html(body=PARAGRAPHS, head=HEAD, title="Bridge reopens - The Courier"):
    return (
        f'<html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>{head}</head><body>'
        f"<article><h1>Bridge reopens</h1>{body}</article></body></html>"
    ).encode()


def test_headline_is_no_part_of_the_text():
    page = extract(html(), URL)
    assert page.title == "Bridge reopens"
    assert page.body.startswith(SENTENCE)
    assert (page.language, page.site, page.url) == ("en-GB", "The Courier", URL)


def test_printed_standfirst_is_part_of_the_text_and_an_unprinted_one_is_not():
    lead = (
        "Drivers rejoice as the harbour crossing is repaired at last after a long and costly delay"
    )
    described = f'{HEAD}<meta name="description" content="{lead}">'
    printed = html(f'<div class="standfirst"><span>{lead}</span></div>{PARAGRAPHS}', described)
    assert extract(printed, URL).body.startswith(lead)
    assert lead not in extract(html(head=described), URL).body


def test_lists_of_links_and_lines_that_only_link_are_left_out():
    links = "".join(f'<li><a href="/{n}">Other story number {n} here</a></li>' for n in range(4))
    more = f'<ul>{links}</ul><p><a href="/x">Read also: storm in the north</a></p>'
    body = extract(html(PARAGRAPHS + more + PARAGRAPHS), URL).body
    assert "Other story" not in body
    assert "Read also" not in body


def test_list_of_the_article_stays():
    items = "".join(f"<li>Lane {n} is open on weekdays and closed at night.</li>" for n in range(4))
    assert "Lane 3 is open" in extract(html(f"{PARAGRAPHS}<ul>{items}</ul>{PARAGRAPHS}"), URL).body


def test_stated_text_tells_the_article_from_what_stands_around_it():
    own = " ".join(f"{SENTENCE} Number {n} of the reports says so." for n in range(6))
    stated = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{own}"}}</script>'
    promotion = (
        "<p>Support independent journalism in the harbour region with a gift to us today.</p>"
    )
    body = extract(html(PARAGRAPHS + promotion, HEAD + stated), URL).body
    assert SENTENCE in body
    assert "Support independent" not in body


def test_stated_text_stands_in_where_the_page_shows_only_its_beginning():
    own = " ".join(f"{SENTENCE} Number {n} of the reports says so." for n in range(40))
    stated = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{own}"}}</script>'
    assert "Number 39" in extract(html(head=HEAD + stated), URL).body


@pytest.mark.parametrize(
    "head",
    [
        '<script type="application/ld+json">{"@type":"Article","datePublished":"2026-03-02T08:00+01:00"}</script>',
        '<meta property="article:published_time" content="2026-03-02T08:00:00+01:00">',
        '<meta itemprop="datePublished" content="2026-03-02T08:00:00+01:00">',
    ],
)
def test_time_is_found_where_pages_state_it(head):
    assert extract(html(head=head), URL).published.isoformat() == "2026-03-02T08:00:00+01:00"


def test_rights_are_read_from_meta_tags():
    page = extract(html(head='<meta name="robots" content="noindex, NOAI">'), URL)
    assert page.robots == {"noindex", "noai"}


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("https://www.courier.example/bridge", "https://www.courier.example/bridge"),
        ("/bridge", "https://courier.example/bridge"),
        ("https://courier.example/", URL),
        ("https://other.example/bridge", URL),
        ("javascript:0", URL),
    ],
)
def test_canonical_address_is_believed_within_the_site(declared, kept):
    assert extract(html(head=f'<link rel="canonical" href="{declared}">'), URL).url == kept


def test_site_with_a_short_name_is_one_site():
    head = '<link rel="canonical" href="https://abc.ca/bridge">'
    assert extract(html(head=head), "https://www.abc.ca/bridge?from=app").url == (
        "https://abc.ca/bridge"
    )


def test_declared_encoding_of_the_server_comes_first():
    latin = (
        html("<p>Über die Brücke. " + SENTENCE * 5 + "</p>")
        .decode()
        .replace("utf-8", "x")
        .encode("latin-1")
    )
    assert "Über die Brücke" in extract(latin, URL, "latin-1").body
    assert extract(latin, URL, "no-such-encoding").title == "Bridge reopens"


def test_what_is_no_page_is_refused():
    for content in (b"", b"%PDF-1.7 \x00\x01", b"x" * (MAX_BYTES + 1)):
        with pytest.raises(NoPage):
            extract(content, URL)
