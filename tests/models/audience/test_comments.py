"""What is read of a comment, and the record of what was found."""

import pytest

from models.audience.analysis import CommentAnalysis, Emotion, Toxicity
from models.audience.comments import admit, comment_text, cut, deletion, enriched, hidden, unsaid
from models.audience.versions import Known
from schemas.comment import Comment, PersonalData
from schemas.enriched_article import Language, Sentiment
from schemas.errors import Reason, RejectedComment

AUTHOR = "1." + "a" * 22


def comment(text, **more):
    fields = {"comment_id": "c1", "article_id": "a1", "author_key": AUTHOR, "published_ms": 5}
    return Comment(text=text, **fields | more)


def record(text="You utter fool", analysis=None, **more):
    return enriched(
        comment(text, **more),
        text,
        [],
        analysis or unsaid(),
        truncated=False,
        desk="audience",
        ingested_ms=6,
        enriched_ms=7,
    )


def test_text_is_cleaned_of_markup_and_of_what_nobody_sees():
    assert comment_text(comment("<p>Hello\u200b <b>you</b></p>"), most_raw=100) == "Hello you"


def test_rest_of_a_huge_text_is_not_looked_at():
    assert len(comment_text(comment("ab " * 50_000), most_raw=300)) <= 300


def test_comment_without_text_is_rejected():
    with pytest.raises(RejectedComment) as rejected:
        admit(comment(""), "", arrived_ms=9, future_tolerance_s=0)
    assert rejected.value.reason is Reason.NO_TEXT


@pytest.mark.parametrize(("published_ms", "taken"), [(11_000, True), (11_001, False)])
def test_comment_may_be_published_a_little_after_it_arrives(published_ms, taken):
    late = comment("Hello", published_ms=published_ms)
    if taken:
        admit(late, "Hello", arrived_ms=1_000, future_tolerance_s=10)
    else:
        with pytest.raises(RejectedComment, match="future_tolerance_s"):
            admit(late, "Hello", arrived_ms=1_000, future_tolerance_s=10)


def test_mask_is_never_cut_in_half():
    masks = [
        PersonalData(kind="email", start=4, end=11),
        PersonalData(kind="phone", start=12, end=19),
    ]
    assert cut("Ask [email] [phone]", masks, 19) == ("Ask [email] [phone]", masks)
    assert cut("Ask [email] [phone]", masks, 14) == ("Ask [email] ", masks[:1])


def test_every_answer_finds_its_field():
    said = Sentiment(label="negative", negative=0.7, neutral=0.2, positive=0.1)
    found = record(
        analysis=CommentAnalysis(
            language=Language(code="en", confidence=0.9),
            sentiment=said,
            emotions=(Emotion("anger", 0.8),),
            basic_emotions={"anger": 0.8},
            toxicity=Toxicity(overall=0.9, insult=0.95),
            toxic_spans=((10, 14),),
            model_versions={"sentiment": "x-1"},
        )
    )
    assert (found.sentiment, found.tone_score) == (said, 0.2)
    assert [(e.label, e.score) for e in found.emotions] == [("anger", 0.8)]
    assert (found.toxicity.insult, found.toxicity.threat) == (0.95, None)
    assert [found.text[span.start : span.end] for span in found.toxic_spans] == ["fool"]
    assert found.masked_text == "You utter ••••"


def test_what_no_model_answers_is_null():
    found = record()
    answers = (found.sentiment, found.tone_score, found.emotions, found.basic_emotions)
    assert (*answers, found.toxicity, found.toxic_spans) == (None,) * 6
    assert (found.language.code, found.masked_text) == ("und", found.text)


def test_desk_of_the_comment_wins_over_the_default():
    assert (record().desk, record(desk="sport").desk) == ("audience", "sport")


@pytest.mark.parametrize(
    ("spans", "toxic", "shown"),
    [
        ([(0, 3)], 0.2, "••• a"),
        ([], 0.9, "••• •"),
        (None, 0.9, "••• •"),
        (None, 0.2, "you a"),
        ([(0, 99)], 0.9, "••• •"),
    ],
)
def test_toxic_words_are_hidden_or_all_where_none_is_told(spans, toxic, shown):
    assert hidden("you a", spans, toxic) == shown


def test_deletion_holds_nothing_of_the_comment():
    found = deletion("c1", Known("a1", 5, 6, queued=False, deleted=True), at_ms=9)
    assert (found.deleted, found.article_id, found.published_ms) == (True, "a1", 5)
    assert (found.text, found.author_key, found.content_hash) == ("", "", "")
