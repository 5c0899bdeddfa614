"""The demo's news: sizes, ground truth, near-copies, and figures that agree with each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise

import pytest

from local.demo.corpus import (
    BREAKING,
    SPAN_MS,
    YEAR_MS,
    DemoArticle,
    articles,
    bad_articles,
    bad_records,
    counts,
    edited,
    handwritten,
    independent_sources,
    mastheads,
)
from local.demo.serial import Report, reports
from models.admission import PublicationWindow, admit
from models.text import article_text
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.errors import RejectedArticle, UndecodableRecord
from schemas.topics import ARTICLES_RAW

SEEDS = (7, 8, 2026)
BASE_MS = 1_900_000_000_000
WINDOW = PublicationWindow(earliest=date(1995, 1, 1), future_tolerance_s=3600)
LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ar", "hi", "ja", "uk", "sv"}
DESKS = {
    "world",
    "politics",
    "business",
    "technology",
    "science",
    "health",
    "sport",
    "culture",
    "weather",
    "local",
}


@pytest.fixture(scope="module")
def news() -> list[DemoArticle]:
    return articles()


@pytest.fixture(scope="module")
def breaking(news: list[DemoArticle]) -> list[DemoArticle]:
    return [article for article in news if article.story == BREAKING]


def of_kind(kind: str) -> Iterable[Report]:
    return (report for seed in SEEDS for report in reports(seed) if report.kind == kind)


def tokens(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def overlap(one: str, other: str) -> float:
    return len(tokens(one) & tokens(other)) / len(tokens(one) | tokens(other))


def record(article: DemoArticle, published_ms: int) -> Article:
    """The article as the demo sends it."""
    return Article(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        owner=article.owner,
        title=article.title,
        body=article.body,
        authors=list(article.authors),
        language_hint=article.language_hint,
        published_ms=published_ms,
        fetched_ms=BASE_MS + article.offset_ms,
        metadata=dict(article.metadata),
    )


def words(text: str, language: str) -> float:
    """Words as a reader counts them; Japanese by length, about four characters a word."""
    return len(text) / 4 if language == "ja" else len(text.split())


# ── the whole ────────────────────────────────────────────────────────────────────────────────────


def test_corpus_is_large_and_covers_every_language_and_desk(news: list[DemoArticle]) -> None:
    per_language = Counter(article.language for article in news)
    assert len({article.article_id for article in news}) >= 220
    assert per_language.keys() == LANGUAGES
    assert min(per_language.values()) >= 4
    assert 0.5 < per_language["en"] / len(news) < 0.7
    assert {article.metadata["desk"] for article in news} >= DESKS


def test_at_least_seventy_background_articles_are_handwritten_over_all_desks() -> None:
    background = [article for article in handwritten() if not article.story]
    per_language = Counter(article.language for article in background)
    assert len(background) >= 70
    assert {article.metadata["desk"] for article in background} >= DESKS
    assert all(2 <= per_language[language] <= 4 for language in LANGUAGES - {"en"})


@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_gives_the_same_corpus(seed: int) -> None:
    assert articles(seed) == articles(seed)
    assert bad_records(seed) == bad_records(seed)
    assert bad_articles(seed) == bad_articles(seed)


def test_another_seed_moves_figures_but_not_handwritten_text() -> None:
    one, other = ({a.article_id: a.body for a in articles(seed)} for seed in SEEDS[:2])
    generated = {report.report_id for report in reports(SEEDS[0])}
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} <= generated
    assert sum(one[name] != other[name] for name in generated) > 0.9 * len(generated)


@pytest.mark.parametrize("seed", SEEDS)
def test_articles_come_in_order_within_thirty_minutes(seed: int) -> None:
    offsets = [article.offset_ms for article in articles(seed)]
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0
    assert offsets[-1] <= SPAN_MS == 1_800_000


def test_background_arrives_in_every_minute(news: list[DemoArticle]) -> None:
    minutes = Counter(a.offset_ms // 60_000 for a in news if not a.story)
    assert minutes.keys() == set(range(30))
    assert max(minutes.values()) <= 3 * min(minutes.values())


def test_ids_and_addresses_are_unique_except_for_the_correction(news: list[DemoArticle]) -> None:
    ids = Counter(article.article_id for article in news)
    (corrected,) = [name for name, times in ids.items() if times > 1]
    before, after = [article for article in news if article.article_id == corrected]
    assert before.story == after.story == BREAKING
    assert before.url == after.url
    assert before.source == after.source
    assert before.offset_ms < after.offset_ms
    assert "Four people have died" in before.body
    assert "Three people have died" in after.body
    assert len({article.url for article in news}) == len(ids)


def test_sources_are_invented_mastheads(news: list[DemoArticle]) -> None:
    for article in news:
        masthead = mastheads()[article.source]
        assert article.source.endswith(".example")
        assert article.url.startswith(f"https://{article.source}/")
        assert (article.owner, article.language) == (masthead.owner, masthead.language)
        assert article.metadata["masthead"] == masthead.name
    assert all(masthead in {a.source for a in news} for masthead in mastheads())


def test_article_lengths_are_those_of_news(news: list[DemoArticle]) -> None:
    for article in handwritten():
        if article.offset_ms < 0 and article.metadata["desk"] != "features":
            assert 60 <= words(article.body, article.language) <= 220, article.article_id
    for report in (report for seed in SEEDS for report in reports(seed)):
        assert 40 <= words(report.body, report.language) <= 120, (report.report_id, report.body)
    lengths = sorted(words(article.body, article.language) for article in news)
    assert lengths[0] < 20
    assert 2_500 < lengths[-1] < 3_500


def test_texts_carry_real_life_dirt(news: list[DemoArticle]) -> None:
    def some(pattern: str, *texts: str) -> bool:
        return any(re.search(pattern, text) for text in texts)

    bodies, titles = [a.body for a in news], [a.title for a in news]
    assert some(r"<p>.*</p>", *bodies)
    assert some(r"&[a-z]+;", *bodies)
    assert some("“.*”", *bodies)
    assert some("[\U0001f300-\U0001faff]", *titles)
    assert some("[\u0600-\u06ff]", *(a.title for a in news if a.language == "en"))


def test_some_language_hints_are_missing_regional_or_wrong(news: list[DemoArticle]) -> None:
    stated = [(article.language_hint, article.language) for article in news]
    assert any(hint is None for hint, _ in stated)
    assert any(hint and "-" in hint for hint, _ in stated)
    wrong = [hint for hint, truth in stated if hint and hint.partition("-")[0] != truth]
    assert wrong == ["en"]


def test_no_text_repeats_by_accident(news: list[DemoArticle]) -> None:
    own = [article for article in news if not article.copy_of]
    for one, other in combinations(own, 2):
        if one.language == other.language and one.article_id != other.article_id:
            same = overlap(one.body, other.body)
            assert same < 0.8, (one.article_id, other.article_id, same)


def test_counts_print_as_one_line(news: list[DemoArticle]) -> None:
    line = str(counts())
    assert line.startswith(f"{len({a.article_id for a in news})} articles, 14 languages, ")
    assert line.endswith(f"{len(bad_records()) + len(bad_articles())} bad records")


# ── stories ──────────────────────────────────────────────────────────────────────────────────────


def test_breaking_story_runs_twelve_minutes_from_many_independent_sources(
    breaking: list[DemoArticle],
) -> None:
    minutes = (breaking[-1].offset_ms - breaking[0].offset_ms) / 60_000
    assert 30 <= len({article.article_id for article in breaking}) <= 40
    assert 11 <= minutes <= 13
    assert len(independent_sources(breaking)) >= 20
    assert len({article.language for article in breaking}) >= 5


def test_breaking_story_opens_with_two_flashes(breaking: list[DemoArticle]) -> None:
    assert all(len(flash.body.split()) < 20 for flash in breaking[:2])
    assert all(len(later.body.split()) > 40 for later in breaking[2:] if later.language != "ja")


def test_copies_are_near_and_later_than_their_originals(news: list[DemoArticle]) -> None:
    originals = {article.article_id: article for article in news}
    copies = [article for article in news if article.copy_of]
    assert len(copies) >= 8
    for copy in copies:
        original = originals[copy.copy_of or ""]
        assert overlap(copy.body, original.body) > 0.8, copy.article_id
        assert copy.source != original.source
        assert copy.offset_ms > original.offset_ms
        assert copy.story == original.story


def test_copies_are_of_every_kind(news: list[DemoArticle]) -> None:
    originals = {article.article_id: article for article in news}
    pairs = [(copy, originals[copy.copy_of]) for copy in news if copy.copy_of]
    assert any(c.body == o.body and c.title == o.title for c, o in pairs), "exact reprint"
    assert any(c.body == o.body and c.title != o.title for c, o in pairs), "new headline"
    assert any(o.body.startswith(c.body) and c.body != o.body for c, o in pairs), "cut"
    assert any(c.body.endswith("Wire") for c, _ in pairs), "credit line"
    assert any(c.owner and c.owner == o.owner for c, o in pairs), "same owner group"


def test_edit_of_words_that_are_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="does not contain 'three'"):
        edited("Two dead.", {"id": "x", "replace": {"three": "four"}})


def test_slow_story_spreads_over_the_timeline(news: list[DemoArticle]) -> None:
    slow = [article for article in news if article.story == "orchard-lane"]
    assert 10 <= len(slow) <= 12
    assert slow[0].offset_ms < SPAN_MS / 10
    assert slow[-1].offset_ms > 0.9 * SPAN_MS
    gaps = [b.offset_ms - a.offset_ms for a, b in pairwise(slow)]
    assert max(gaps) < 5 * 60_000


def test_lookalikes_belong_to_no_story(news: list[DemoArticle]) -> None:
    titles = {article.title: article.story for article in news}
    for fragment in ("wins Northfield council", "wins Southfield council", "mock explosion"):
        (title,) = [title for title in titles if fragment in title]
        assert titles[title] is None


# ── bad records ──────────────────────────────────────────────────────────────────────────────────


def test_bad_records_are_what_their_reason_says() -> None:
    reasons = Counter(record.reason for record in bad_records())
    assert reasons.keys() == {"not_avro", "unknown_schema", "empty_value"}
    assert sum(reasons.values()) == 8
    for record in bad_records():
        header = record.value[:2] == b"\xc3\x01" and len(record.value) >= 10
        assert header == (record.reason == "unknown_schema")
        assert (record.value == b"") == (record.reason == "empty_value")
        assert not record.value.startswith(b"\x00"), "would read as a registry's header"
        assert 0 <= record.offset_ms <= SPAN_MS


def test_bad_articles_are_what_their_reason_says(news: list[DemoArticle]) -> None:
    bad = bad_articles()
    assert [b.reason for b in bad] == [
        "no_text",
        "no_text",
        "published_in_future",
        "published_too_old",
    ]
    for one in bad:
        text = re.sub(r"<[^>]*>|&nbsp;", "", one.article.title + one.article.body)
        assert (text.strip() == "") == (one.reason == "no_text")
        assert one.article.article_id not in {article.article_id for article in news}
    empty, markup, future, epoch = bad
    assert empty.article.title == empty.article.body == ""
    assert markup.article.body != ""
    assert empty.published_ms(BASE_MS) == BASE_MS + empty.article.offset_ms
    assert future.published_ms(BASE_MS) == BASE_MS + future.article.offset_ms + YEAR_MS
    assert epoch.published_ms(BASE_MS) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_decoder_refuses_bad_records_for_their_reason(seed: int) -> None:
    codec = RecordCodec(ARTICLES_RAW)
    for bad in bad_records(seed):
        with pytest.raises(UndecodableRecord) as refused:
            codec.decode(bad.value)
        assert refused.value.reason == bad.reason


def test_articles_survive_the_wire_and_are_admitted(news: list[DemoArticle]) -> None:
    codec = RecordCodec(ARTICLES_RAW)
    for article in news:
        sent = record(article, BASE_MS + article.offset_ms)
        assert codec.decode(codec.encode(sent)) == sent
        admit(sent, article_text(sent), arrived_ms=sent.fetched_ms, window=WINDOW)


@pytest.mark.parametrize("seed", SEEDS)
def test_admission_refuses_bad_articles_for_their_reason(seed: int) -> None:
    codec = RecordCodec(ARTICLES_RAW)
    for bad in bad_articles(seed):
        sent = codec.decode(codec.encode(record(bad.article, bad.published_ms(BASE_MS))))
        with pytest.raises(RejectedArticle) as refused:
            admit(sent, article_text(sent), arrived_ms=sent.fetched_ms, window=WINDOW)
        assert refused.value.reason == bad.reason


# ── generated figures ────────────────────────────────────────────────────────────────────────────


def test_every_slot_of_a_sentence_is_filled() -> None:
    for report in reports(SEEDS[0]):
        assert not re.search(r"[{}]|None|Decimal", report.title + report.body)


def test_match_winner_has_more_goals_and_scorers_add_up() -> None:
    for report in of_kind("match"):
        facts = report.facts
        goals = facts["home_goals"] + facts["away_goals"]
        assert len(re.findall(r" \d+", re.sub(r"\(.*?\)", "", facts["scorers"]))) == goals > 0
        assert facts["half_home"] <= facts["home_goals"]
        assert facts["half_away"] <= facts["away_goals"]
        score = {facts["home"]: facts["home_goals"], facts["away"]: facts["away_goals"]}
        if facts["variant"] == "drawn":
            assert facts["home_goals"] == facts["away_goals"]
        else:
            assert score[facts["winner"]] == facts["winner_goals"] > facts["loser_goals"]
            assert score[facts["loser"]] == facts["loser_goals"]


def test_printed_score_is_the_score_of_the_match() -> None:
    for report in of_kind("match"):
        facts = report.facts
        first, second = (
            ("home_goals", "away_goals")
            if facts["variant"] == "drawn"
            else ("winner_goals", "loser_goals")
        )
        printed = re.search(r"\b(\d+)[-:–](\d+)\b", report.title)
        if printed:
            assert [int(n) for n in printed.groups()] == [facts[first], facts[second]]


@pytest.mark.parametrize("seed", SEEDS)
def test_round_up_adds_up_its_matches(seed: int) -> None:
    written = reports(seed)
    for round_up in (report for report in written if report.kind == "round"):
        matches = [
            report.facts
            for report in written
            if report.kind == "match" and report.language == round_up.language
        ]
        facts = round_up.facts
        assert facts["matches"] == len(matches)
        assert facts["goals"] == sum(m["home_goals"] + m["away_goals"] for m in matches)
        assert facts["home_wins"] + facts["away_wins"] + facts["draws"] == len(matches)
        teams = [team for m in matches for team in (m["home"], m["away"])]
        assert len(teams) == len(set(teams))


def test_market_wording_follows_its_direction() -> None:
    for report in of_kind("market"):
        if report.language == "en":
            wrong = (
                r"\bfell\b|lower,|weighed"
                if report.facts["variant"] == "up"
                else r"\brose\b|gain\b|lifted"
            )
            assert not re.search(wrong, report.title + report.body), report.report_id


def test_market_close_is_previous_plus_or_minus_points() -> None:
    for facts in (report.facts for report in of_kind("market")):
        sign = 1 if facts["variant"] == "up" else -1
        assert facts["close"] - facts["previous"] == sign * facts["points"]
        assert (facts["rising"] > facts["falling"]) == (facts["variant"] == "up")
        assert abs(facts["points"] * 100 / facts["previous"] - facts["percent"]) <= Decimal("0.05")
        assert facts["percent"] > 0
        assert facts["gainer"] != facts["loser"]


@pytest.mark.parametrize("kind", ["weather", "road"])
def test_ranges_run_from_low_to_high(kind: str) -> None:
    for facts in (report.facts for report in of_kind(kind)):
        assert facts["low"] < facts["high"]
        assert facts.get("start", "") < facts.get("end", "~")
        assert facts.get("via") != facts["place"]


def test_quake_wording_follows_its_magnitude() -> None:
    for facts in (report.facts for report in of_kind("quake")):
        assert (facts["magnitude"] < Decimal("4.5")) == (facts["variant"] == "light")


def test_court_total_is_the_sum_of_its_fines() -> None:
    for report in of_kind("court"):
        fines = [int(fine) for fine in re.findall(r"was fined (\d+) pounds", report.body)]
        assert fines == list(report.facts["fines"])
        assert sum(fines) == report.facts["total"]


def test_council_votes_add_up_to_its_members() -> None:
    for facts in (report.facts for report in of_kind("council")):
        assert facts["yes"] + facts["no"] + facts["abstained"] == facts["members"]
        assert (facts["yes"] > facts["no"]) == (facts["variant"] == "passed")
