"""A neighbourhood of stories: what is told, what counts as a pick-up, and that its state is whole."""

import numpy as np
import pytest

from models.packing import pack, unpack
from models.stories import received, telling
from models.stories.clustering import Clustering
from models.stories.decide import Weights
from models.stories.neighbourhood import Neighbourhood, Tidying, from_bytes, to_bytes
from models.stories.partition import SLOTS, slot
from models.stories.received import Concept, Name, Received
from schemas.enriched_article import EnrichedArticle, Entity, Language, TopicScore
from schemas.errors import CommandRefused

WIDTH = 16
MINUTE_MS = 60_000
SURE = dict.fromkeys(Weights._fields, 0.0) | {"mean_vector": 20.0, "constant": -10.0}
EASY = Clustering(join=Weights(**SURE), merge=Weights(**SURE), recent=50)
NEVER = Weights(**(SURE | {"mean_vector": 0.0}))


def embedding(subject: int, number: int) -> bytes:
    vector = 4 * np.eye(WIDTH)[subject] + 0.1 * np.random.default_rng(number).normal(size=WIDTH)
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


def article(number: int, subject: int = 0, **changed) -> Received:
    at_ms = number * MINUTE_MS
    fields = {
        "article_id": f"a{number}",
        "title": f"subject{subject} report{number} detail{number}",
        "source": f"s{number}",
        "owner": None,
        "url": "https://s.example/",
        "language": "en",
        "at_ms": at_ms,
        "published_ms": at_ms,
        "arrived_ms": at_ms,
        "counts": True,
        "content_hash": f"h{number}",
        "summary": f"summary{number}",
        "names": (Name(f"Place{subject}", "place", f"Q{subject}"),),
        "concepts": (Concept("medtop:2", "rain", ("medtop:1",)),),
        "embedding": embedding(subject, number),
    }
    return Received(**fields | changed)


def neighbourhood(clustering: Clustering = EASY) -> Neighbourhood:
    return Neighbourhood(clustering, Tidying(every_ms=10 * MINUTE_MS), width=WIDTH)


def placed_all(stories: Neighbourhood, articles) -> list:
    return [stories.place(one) for one in articles]


def kinds(answer) -> list[str]:
    return [news.kind for news in answer.news]


def content_of(answer) -> telling.Content:
    return telling.from_bytes(answer.news[-1].content)


def test_first_article_of_a_source_is_a_pickup_and_the_second_is_not():
    stories = neighbourhood()
    answers = placed_all(stories, [article(0), article(1), article(2, source="s1")])
    assert [kinds(answer) for answer in answers] == [["pickup"], ["pickup"], ["told"]]
    told = content_of(answers[-1])
    assert (told.articles, told.independent, told.copies) == (3, 2, 0)
    assert [source.articles for source in told.sources] == [1, 2]


def test_mastheads_of_one_owner_are_one_voice():
    stories = neighbourhood()
    answers = placed_all(stories, [article(n, owner="Group") for n in range(4)])
    assert [kinds(answer)[-1] for answer in answers] == ["pickup", "told", "told", "told"]
    assert answers[0].news[0].source == "Group"


def test_pickup_tells_the_masthead_beside_its_owner():
    (answer,) = placed_all(neighbourhood(), [article(0, owner="Group")])
    (news,) = answer.news
    assert (news.source, news.masthead) == ("Group", article(0).source)


def test_copy_and_ahead_dated_article_are_no_pickups():
    stories = neighbourhood()
    first = article(0)
    copy = first._replace(article_id="copy", source="other")
    ahead = article(3, counts=False)
    answers = placed_all(stories, [first, copy, ahead])
    assert answers[1].placed[0].copy_of == "a0"
    assert [kinds(answer) for answer in answers[1:]] == [["told"], ["told"]]
    assert content_of(answers[2]).independent == 1


def test_reprint_under_another_headline_is_found_by_its_text():
    text = "rescue crews reached the ferry at dawn after a night of heavy seas off the cape"
    stories = neighbourhood()
    stories.place(article(0, summary=text))
    reprint = article(0, article_id="r", source="r", title="Sea drama", summary=text + " today")
    assert stories.place(reprint).placed[0].copy_of == "a0"


def test_article_older_than_the_window_is_late():
    stories = neighbourhood()
    stories.place(article(10_000))
    answer = stories.place(article(1))
    assert (answer.late, answer.placed, answer.news) == (1, [], [])


def test_new_version_changes_the_title_and_counts_nothing():
    stories = neighbourhood()
    stories.place(article(0))
    answer = stories.revise(article(0, title="Now we know more", content_hash="new"), "a0")
    told = content_of(answer)
    assert kinds(answer) == ["told"]
    assert (told.title, told.articles) == ("Now we know more", 1)
    assert stories.revise(article(1), "unknown").news == []


def test_article_without_embedding_is_placed_by_its_words():
    words = Weights(**(SURE | {"mean_vector": 0.0, "centre_terms": 20.0}))
    stories = neighbourhood(Clustering(join=words, merge=words, recent=50))
    answers = placed_all(
        stories,
        [article(n, embedding=b"", title="harbour bridge storm", names=()) for n in range(2)],
    )
    assert {answer.placed[0].story_id for answer in answers} == {"a0"}
    assert content_of(answers[0]).embedding == b""


def test_tidying_merges_and_tells_of_it():
    stories = neighbourhood(Clustering(join=NEVER, merge=EASY.merge, recent=50))
    placed_all(stories, [article(n) for n in range(3)])
    answer = stories.place(article(12, subject=1))
    merged = [news for news in answer.news if news.kind == "merged"]
    assert merged[-1].story_id == "a0"
    assert {news.other for news in merged} == {"a1", "a2"}
    told = telling.from_bytes(merged[-1].content)
    assert (told.articles, told.independent) == (3, 3)
    assert set(told.aliases) == {"a1", "a2"}
    last = {placed.article_id: placed.story_id for placed in answer.placed[:-1]}
    assert last == {"a1": "a0", "a2": "a0"}
    assert stories.knows("a2")


def test_editor_merges_and_splits():
    stories = neighbourhood()
    placed_all(stories, [article(0), article(1), article(2, subject=1)])
    merged = stories.merge("a0", "a2", 5)
    assert content_of(merged).articles == 3
    parted = stories.part("a0", ["a2"], 6)
    told = {news.story_id: telling.from_bytes(news.content) for news in parted.news}
    assert {story: content.articles for story, content in told.items()} == {"a0": 2, "a2": 1}
    assert [news.kind for news in parted.news] == ["parted", "parted"]
    assert set(parted.news[1].voices) == {"s0", "s1"}


def test_rest_of_a_split_is_led_by_articles_that_stay():
    stories = neighbourhood()
    flow = [article(n) for n in range(12)]
    merged = [article(n, subject=1) for n in range(12, 14)]
    placed_all(stories, flow + merged)
    stories.merge("a0", "a12", 5)
    parted = stories.part("a0", [one.article_id for one in flow], 6)
    rest = telling.from_bytes(parted.news[1].content)
    assert {lead.article_id for lead in rest.leads} == {"a12", "a13"}
    assert rest.title in {one.title for one in merged}


@pytest.mark.parametrize("originals", [0, 1])
def test_rest_of_a_split_is_led_by_a_copy_where_there_is_nothing_else(originals):
    stories = neighbourhood()
    leads = [article(n) for n in range(8)]
    copies = [one._replace(article_id=f"c{one.source}", source="c") for one in leads[:2]]
    other = [article(9, subject=1)][:originals]
    placed_all(stories, [*leads, *copies, *other])
    if other:
        stories.merge("a0", "a9", 5)
    parted = stories.part("a0", [one.article_id for one in leads], 6)
    rest = telling.from_bytes(parted.news[1].content)
    expected = {"a9"} if other else {"cs0", "cs1"}
    assert {lead.article_id for lead in rest.leads} == expected
    assert rest.title


def test_what_an_editor_merged_stays_so():
    stories = neighbourhood()
    placed_all(stories, [article(n, subject=n % 2) for n in range(8)])
    stories.merge("a0", "a1", 5)
    assert [kinds(stories.place(article(40 + n, subject=2))) for n in range(8)][-1] == ["pickup"]
    assert stories.stories.active["a0"].articles == 8


@pytest.mark.parametrize(
    ("kept", "gone", "why"), [("a0", "zz", "not active"), ("a0", "a1", "already")]
)
def test_merge_of_what_is_not_there_is_refused(kept, gone, why):
    stories = neighbourhood()
    placed_all(stories, [article(0), article(1, subject=1)])
    if gone == "a1":
        stories.merge(kept, gone, 5)
    with pytest.raises(CommandRefused, match=why):
        stories.merge(kept, gone, 5)


def test_split_of_unknown_articles_is_refused():
    stories = neighbourhood()
    stories.place(article(0))
    with pytest.raises(CommandRefused, match="can leave"):
        stories.part("a0", ["zz"], 5)


def test_silent_story_expires():
    stories = neighbourhood()
    stories.place(article(0))
    minute = EASY.window_ms // MINUTE_MS + 20
    answer = stories.place(article(minute, subject=1))
    assert ("expired", "a0") in [(news.kind, news.story_id) for news in answer.news]
    assert not stories.knows("a0")


def test_state_restores_exactly_in_the_middle():
    flow = [article(n, subject=n % 3, source=f"s{n % 7}") for n in range(90)]
    whole, kept = neighbourhood(), {}
    for number, one in enumerate(flow[:60]):
        whole.place(one)
        if number == 30:
            whole.merge("a0", "a1", one.at_ms)
        for name, piece in unpack(pack(whole.changes())).items():
            kept.pop(name, None)
            if piece is not None:
                kept[name] = piece
    again = neighbourhood()
    again.restore(kept)
    assert [again.place(one) for one in flow[60:]] == [whole.place(one) for one in flow[60:]]


def test_news_survives_the_stream():
    (news,) = neighbourhood().place(article(0)).news
    assert from_bytes(to_bytes(news)) == news
    content = telling.from_bytes(news.content)
    assert telling.from_bytes(telling.to_bytes(content)) == content
    assert content.codes == ("medtop:1", "medtop:2")


def test_received_article_survives_the_stream():
    assert received.from_bytes(received.to_bytes(article(3))) == article(3)


def test_event_time_of_an_article_is_never_after_its_arrival():
    enriched = EnrichedArticle(
        article_id="a",
        url="",
        source="s",
        title="t",
        published_ms=10_000,
        ingested_ms=4_000,
        enriched_ms=5_000,
        content_hash="h",
        language=Language(code="en", confidence=1.0),
        entities=[
            Entity(text=text, type="place", start=0, end=1, score=1.0, wikidata_id=qid)
            for text, qid in (("Berlin", "Q64"), ("BERLIN", "Q64"), ("Bonn", None), ("bonn", None))
        ],
        topics=[TopicScore(code="c", name="n", score=1.0, ancestors=["b"])],
        model_versions={},
    )
    seen = received.received(enriched, ahead_ms=5_000)
    assert (seen.at_ms, seen.counts) == (4_000, False)
    assert [name.text for name in seen.names] == ["Berlin", "Bonn"]
    assert received.received(enriched, ahead_ms=6_000).counts


def test_embedding_of_another_width_is_none():
    assert not received.unit_vector(embedding(0, 0), 8).any()
    assert np.linalg.norm(received.unit_vector(embedding(0, 0), WIDTH)) == pytest.approx(
        1, abs=1e-3
    )


TORN = {"a byte": b"\x00", "short": embedding(0, 0)[:-1], "long": embedding(0, 0) + b"\x00"}


@pytest.mark.parametrize("torn", TORN.values(), ids=TORN)
def test_embedding_that_breaks_off_in_a_number_is_none(torn):
    assert not received.unit_vector(torn, WIDTH).any()
    stories = neighbourhood()
    answers = placed_all(stories, [article(0), article(1, embedding=torn)])
    assert [kinds(answer) for answer in answers] == [["pickup"], ["pickup"]]


def test_languages_spread_over_slots():
    slots = {slot(language) for language in ("en", "de", "fr", "es", "it", "nl", "sv", "pt")}
    assert len(slots) > 5
    assert all(0 <= int(one) < SLOTS for one in slots)
