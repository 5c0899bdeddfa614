"""From what a graph says of a text to the fields of the article."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoder import Encoder
from models.heads import (
    EmbeddingHead,
    EntitiesHead,
    FoundEntity,
    HeadOptions,
    ImportanceHead,
    Reading,
    SentimentHead,
    SummaryHead,
    TopicsHead,
    embedding,
    main_names,
    read_sentences,
    sentiment,
)
from models.manifest import Manifest, ModelEntry, Route
from models.mentions import Mention
from models.sentences import split
from models.text import ArticleText
from models.token_spans import sentence_scores
from schemas.errors import ModelFileError

OPTIONS = HeadOptions(
    topics_precision=0.8,
    entities_score=0.5,
    summary_sentences=2,
    summary_characters=600,
    tags=8,
)
BIO = ("O", "B-PER", "I-PER", "B-place", "I-place")
SURE = 9.0


def route(task, **fields):
    known = {"head": task, "model": "m", "output": task, "languages": frozenset({"en"})}
    return Route(task=task, **known | fields)


def manifest(*routes, models=None):
    return Manifest(folder=Path("models"), models=models or {}, routes=routes)


def opened(kind, task, *others, options=OPTIONS, models=None, **fields):
    """A head with its route, and with other routes of the same model beside it."""
    own = route(task, **fields)
    return kind(manifest(own, *others, models=models), own, options)


@pytest.fixture
def read(letters_tokenizer):
    """Reads a text as a model does whose tokens are letters; `outputs` takes the tokens."""

    def make(title, body="", outputs=lambda _: {}, *, max_tokens=512):
        encoder = Encoder(None, letters_tokenizer, max_tokens=max_tokens)
        text = ArticleText(title, body)
        head = text.head(encoder.max_characters)
        tokens = encoder.tokenize(head)
        return Reading(text, head, tokens, outputs(tokens), "en")

    return make


def padded(rows, padding=SURE, count=3):
    """Rows of tokens as a batch leaves them: what follows is padding, and says anything."""
    return np.concatenate([rows, np.full((count, rows.shape[1]), padding, np.float32)])


# Embedding, sentiment, importance.


def unit_vector(seed):
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return vector / np.linalg.norm(vector)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_embedding_survives_its_wire_format(seed):
    vector = unit_vector(seed)
    read = np.frombuffer(embedding(vector), "<f2").astype(np.float32)
    assert np.abs(read - vector).max() < 2**-11
    assert read @ vector / np.linalg.norm(read) == pytest.approx(1, abs=1e-6)


def test_embedding_takes_two_bytes_a_dimension():
    assert len(embedding(unit_vector(1))) == 768


def test_embedding_is_little_endian():
    assert embedding(np.array([1.0], np.float32)) == b"\x00\x3c"


def test_embedding_is_the_output_of_its_route(read):
    head = opened(EmbeddingHead, "embedding", output="vector")
    reading = read("Rain", outputs=lambda _: {"vector": np.array([1.0]), "embedding": np.zeros(1)})
    assert head(reading) == {"embedding": b"\x00\x3c"}


@pytest.mark.parametrize(
    "labels",
    [
        ("negative", "neutral", "positive"),
        ("positive", "negative", "neutral"),
        ("neutral", "positive", "negative"),
    ],
)
def test_sentiment_reads_the_labels_in_the_order_of_its_route(read, labels):
    share = {"negative": 0.1, "neutral": 0.2, "positive": 0.7}
    logits = np.log(np.array([share[label] for label in labels], np.float32))
    head = opened(SentimentHead, "sentiment", labels=labels)
    answer = head(read("Rain", outputs=lambda _: {"sentiment": logits}))
    assert answer["sentiment"].label == "positive"
    assert answer["sentiment"].model_dump(exclude={"label"}) == pytest.approx(share, abs=1e-4)
    assert answer["tone_score"] == pytest.approx(0.7 + 0.2 / 2, abs=1e-4)


@pytest.mark.parametrize(("logits", "tone"), [((50, 0, 0), 0), ((0, 50, 0), 0.5), ((0, 0, 50), 1)])
def test_tone_runs_from_negative_to_positive(read, logits, tone):
    head = opened(SentimentHead, "sentiment", labels=("negative", "neutral", "positive"))
    answer = head(read("Rain", outputs=lambda _: {"sentiment": np.array(logits, np.float32)}))
    assert answer["tone_score"] == tone


def test_temperature_makes_less_sure(read):
    labels = ("negative", "neutral", "positive")
    reading = read("Rain", outputs=lambda _: {"sentiment": np.array([0, 0, 2], np.float32)})
    plain = opened(SentimentHead, "sentiment", labels=labels)(reading)
    cooled = opened(SentimentHead, "sentiment", labels=labels, temperature=2.0)(reading)
    assert cooled["sentiment"].positive == pytest.approx(np.e / (np.e + 2), abs=1e-4)
    assert cooled["sentiment"].positive < plain["sentiment"].positive


@pytest.mark.parametrize(("tokens", "temperature"), [(99, 2.0), (1, 1.0)])
def test_short_texts_have_a_temperature_of_their_own(read, tokens, temperature):
    labels = ("negative", "neutral", "positive")
    reading = read("Rain", outputs=lambda _: {"sentiment": np.array([0, 0, 2], np.float32)})
    fields = {"labels": labels, "short": {"tokens": tokens, "temperature": 2.0}}
    answer = opened(SentimentHead, "sentiment", **fields)(reading)
    sure = np.exp(2 / temperature)
    assert answer["sentiment"].positive == pytest.approx(sure / (sure + 2), abs=1e-4)


@pytest.mark.parametrize("labels", [(), ("negative", "positive"), ("bad", "neutral", "good")])
def test_labels_that_are_no_sentiments_are_refused(labels):
    with pytest.raises(ModelFileError, match=r"route sentiment has labels .* expected"):
        opened(SentimentHead, "sentiment", labels=labels)
    with pytest.raises(ModelFileError, match=r"route target has labels .* expected"):
        opened(EntitiesHead, "entities", route("target", labels=labels), labels=BIO)


@settings(deadline=None)
@given(st.lists(st.floats(-60, 60, width=32), min_size=3, max_size=3))
def test_sentiment_names_its_most_probable_label(logits):
    powers = np.exp(np.array(logits) - max(logits))
    found = sentiment(powers / powers.sum())
    assert getattr(found, found.label) == max(found.negative, found.neutral, found.positive)


@pytest.mark.parametrize(("logit", "importance"), [(-1000.0, 0.0), (0.0, 0.5), (1000.0, 1.0)])
@pytest.mark.filterwarnings("ignore:overflow")
def test_importance_lies_between_nothing_and_one(read, logit, importance):
    reading = read("Rain", outputs=lambda _: {"importance": np.array([logit], np.float32)})
    assert opened(ImportanceHead, "importance")(reading) == {"importance": importance}


# Topics.

SPORT, FOOTBALL, POLITICS = "medtop:15000000", "medtop:20001065", "medtop:11000000"


def topics(head, read, logits):
    output = np.array(logits, np.float32)
    return {t.code: t for t in head(read("Cup", outputs=lambda _: {"topics": output}))["topics"]}


def test_labels_at_their_thresholds_are_topics_with_what_is_above_them(read):
    fields = {"labels": (FOOTBALL, POLITICS), "multi_label": True, "thresholds": (0.6, 0.9)}
    found = topics(opened(TopicsHead, "topics", **fields), read, [2.0, 2.0])
    assert POLITICS not in found
    assert {FOOTBALL, SPORT} <= found.keys()
    assert found[SPORT].score == found[FOOTBALL].score == pytest.approx(0.8808, abs=1e-4)
    assert found[FOOTBALL].ancestors[0] == SPORT
    assert found[SPORT].name == "sport"
    assert "Sport" in found[SPORT].names["de"]


def test_nothing_sure_is_no_topic(read):
    fields = {"labels": (FOOTBALL, POLITICS), "multi_label": True}
    assert topics(opened(TopicsHead, "topics", **fields), read, [-2.0, -0.1]) == {}


def test_labels_that_are_no_topics_are_refused():
    with pytest.raises(ModelFileError, match="no Media Topics: World, Sci/Tech"):
        opened(TopicsHead, "topics", labels=("World", "Sci/Tech", SPORT))


# Entities.


def tagged(tokens, *spans):
    """Scores by which these spans are entities, and everything else is none."""
    scores = np.zeros((len(tokens), len(BIO)), np.float32)
    scores[:, 0] = 1.0
    for start, end, kind in spans:
        inside = [i for i, (a, b) in enumerate(tokens.offsets) if start <= a < b <= end]
        scores[inside, BIO.index(f"I-{kind}")] = SURE
        scores[inside[0], BIO.index(f"B-{kind}")] = 2 * SURE
    return padded(scores)


def spans_of(text, *names):
    """(start, end, kind) of names in a text, one after another."""
    end, found = 0, []
    for name, kind in names:
        start = text.index(name, end)
        end = start + len(name)
        found.append((start, end, kind))
    return found


def entities(read, head, title, body, *names, **more):
    """What the head makes of names in the text."""
    where = spans_of(f"{title}\n{body}" if title and body else title or body, *names)
    reading = read(
        title,
        body,
        lambda tokens: (
            {"entities": tagged(tokens, *where)}
            | {name: output(tokens) for name, output in more.items()}
        ),
    )
    return reading, head(reading)["entities"]


def test_offsets_cut_the_name_out_of_the_text(read):
    head = opened(EntitiesHead, "entities", labels=BIO)
    names = [("Élodie O'Neill", "PER"), ("🔥 São Paulo", "place"), ("Roe", "PER")]
    reading, found = entities(
        read, head, "Élodie O'Neill wins", "In 🔥 São Paulo, Roe lost.", *names
    )
    assert [reading.head[e.mention.start : e.mention.end] for e in found] == [n for n, _ in names]
    assert [e.text for e in found] == [name for name, _ in names]
    assert [e.mention.type for e in found] == ["person", "place", "person"]
    assert all(0.9 < e.mention.score <= 1 for e in found)


@settings(deadline=None, max_examples=200)
@given(title=st.text(max_size=30), body=st.text(max_size=60), seed=st.integers(0, 999))
def test_whatever_the_scores_entities_are_whole_words_of_the_text(
    letters_tokenizer, title, body, seed
):
    encoder = Encoder(None, letters_tokenizer, max_tokens=32)
    text = ArticleText(title, body)
    head = text.head(encoder.max_characters)
    tokens = encoder.tokenize(head)
    scores = 4 * np.random.default_rng(seed).normal(size=(len(tokens) + 2, len(BIO)))
    entities_head = opened(EntitiesHead, "entities", labels=BIO)
    reading = Reading(text, head, tokens, {"entities": scores.astype(np.float32)}, "en")
    last = 0
    for entity in entities_head(reading)["entities"]:
        assert last <= entity.mention.start < entity.mention.end <= len(head)
        assert head[entity.mention.start : entity.mention.end] == entity.text
        assert entity.mention.score >= OPTIONS.entities_score
        last = entity.mention.end


def test_calibration_changes_how_sure_a_name_is_and_not_which_are_told(read):
    told = [
        entities(
            read,
            opened(EntitiesHead, "entities", labels=BIO, temperature=temperature),
            "Roe wins",
            "",
            ("Roe", "PER"),
        )[1]
        for temperature in (1.0, 2.0)
    ]
    (plain,), (softened,) = told
    assert 0.5 < softened.mention.score < plain.mention.score
    assert (plain.text, plain.mention.type) == (softened.text, softened.mention.type)


def test_bias_is_added_to_the_log_odds_of_a_name(read):
    head = opened(EntitiesHead, "entities", labels=BIO, bias=1.0 - SURE)
    _, (found,) = entities(read, head, "Roe wins", "", ("Roe", "PER"))
    assert found.mention.score == pytest.approx(np.e / (1 + np.e), abs=0.01)


def test_unsure_names_are_left_out(read):
    options = HeadOptions(**vars(OPTIONS) | {"entities_score": 1.0})
    head = opened(EntitiesHead, "entities", labels=BIO, options=options)
    assert entities(read, head, "Roe wins", "", ("Roe", "PER"))[1] == ()


def test_fine_type_is_told_where_the_model_knows(read):
    fine = {"politician": "PER", "river": "place"}
    head = opened(EntitiesHead, "entities", labels=BIO, fine_labels=fine)
    kinds = {"entity_types": lambda t: padded(np.tile(np.float32([0.0, 5.0]), (len(t), 1)))}
    names = [("Roe", "PER"), ("Elbe", "place")]
    _, found = entities(read, head, "Roe swims in the Elbe", "", *names, **kinds)
    assert [e.mention.fine_type for e in found] == ["politician", "river"]


def test_transitions_decide_between_equal_scores(read):
    head = opened(EntitiesHead, "entities", labels=BIO)
    against = np.zeros((len(BIO) + 2, len(BIO) + 2), np.float32)
    against[:, BIO.index("B-PER")] = -100
    names = [("Roe", "PER")]
    assert len(entities(read, head, "Roe wins", "", *names)[1]) == 1
    _, found = entities(read, head, "Roe wins", "", *names, entity_transitions=lambda _: against)
    assert found == ()


@pytest.fixture
def alias_table(tmp_path, sha256):
    file = tmp_path / "names.tsv.gz"
    rows = [
        ("Paris", "Q90", "city", "FR", "", "2100000", ""),
        ("Paris", "Q830149", "city", "US", "", "25000", ""),
        ("Texas", "Q1439", "state", "US", "", "0", ""),
        ("Vale", "Q1", "city", "FR", "", "60000", ""),
        ("Vale", "Q2", "city", "US", "", "60000", ""),
        ("France", "Q142", "country", "FR", "", "0", ""),
    ]
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines("\t".join(row) + "\n" for row in rows)
    return ModelEntry(
        version="1", file=file, sha256=sha256(file), licence="", source="", card=Path("CARD.md")
    )


def linked(read, table, text, *names):
    models = {"entity_names": table} if table else {}
    head = opened(EntitiesHead, "entities", labels=BIO, models=models)
    _, found = entities(read, head, text, "", *((name, "place") for name in names))
    return [entity.wikidata_id for entity in found]


def test_names_are_linked_where_the_table_is_sure(read, alias_table):
    assert linked(read, alias_table, "Rain in Paris and Springfield", "Paris", "Springfield") == [
        "Q90",
        None,
    ]


def test_place_right_behind_a_place_says_which(read, alias_table):
    assert linked(read, alias_table, "Rain in Paris, Texas", "Paris", "Texas") == [
        "Q830149",
        "Q1439",
    ]
    assert linked(read, alias_table, "Paris burns. Texas rains", "Paris", "Texas")[0] is None


def test_words_beside_punctuation_decide_between_namesakes(read, alias_table):
    assert linked(read, alias_table, "Rain in Vale", "Vale") == [None]
    assert linked(read, alias_table, "Rain in Vale (France), they say", "Vale") == ["Q1"]


def test_without_a_table_nothing_is_linked(read):
    assert linked(read, None, "Rain in Paris", "Paris") == [None]


def towards(tokens, labels, where):
    """Scores that are positive on one span and negative elsewhere."""
    scores = np.zeros((len(tokens), 3), np.float32)
    scores[:, labels.index("negative")] = SURE
    inside = [i for i, (a, b) in enumerate(tokens.offsets) if where[0] <= a < b <= where[1]]
    scores[inside, labels.index("positive")] = 2 * SURE
    return padded(scores)


@pytest.mark.parametrize(
    "labels", [("negative", "neutral", "positive"), ("positive", "neutral", "negative")]
)
def test_sentiment_towards_an_entity_is_that_of_its_own_words(read, labels):
    head = opened(EntitiesHead, "entities", route("target", labels=labels), labels=BIO)
    title = "Roe beats Doe"
    names = [("Roe", "PER"), ("Doe", "PER")]
    _, (roe, doe) = entities(
        read, head, title, "", *names, target=lambda t: towards(t, labels, (0, 3))
    )
    assert (roe.sentiment.label, doe.sentiment.label) == ("positive", "negative")


def test_only_main_entities_have_a_sentiment(read):
    labels = ("negative", "neutral", "positive")
    head = opened(EntitiesHead, "entities", route("target", labels=labels), labels=BIO)
    people = [f"Mx {letter}oe" for letter in "ABCDEFG"]
    body = f"{', '.join(people)} came."
    names = [("Zoe", "PER"), *((person, "PER") for person in people)]
    _, found = entities(
        read, head, "Zoe wins", body, *names, target=lambda t: towards(t, labels, (0, 3))
    )
    assert [e.text for e in found if e.sentiment] == ["Zoe", *people[:4]]


def test_without_a_model_no_entity_has_a_sentiment(read):
    head = opened(EntitiesHead, "entities", labels=BIO)
    assert entities(read, head, "Roe wins", "", ("Roe", "PER"))[1][0].sentiment is None


def test_main_names_stand_in_the_title_then_often_then_early():
    def found(text, start, kind="person"):
        return FoundEntity(Mention(start, start + len(text), kind, 1.0), text)

    often = [found("Often", 40 + 10 * i) for i in range(3)]
    early = [found(name, 20 + i) for i, name in enumerate(("Early", "Later", "Last", "Never"))]
    nobody = [found("Olympics", 0, "other")]
    names = [found("Title", 5), *nobody, *early, *often]
    assert main_names(names, 15) == {"Title", "Often", "Early", "Later", "Last"}
    assert main_names(names, 0) == {"Often", "Title", "Early", "Later", "Last"}


# Summary.


def summary(read, title, body, score=lambda _: 0.0, *, max_tokens=512, options=OPTIONS):
    """A summary; `score` gives a token's score from where it starts in the text."""

    def outputs(tokens):
        scores = np.array([[score(start)] for start, _ in tokens.offsets], np.float32)
        return {"summary": padded(scores)}

    head = opened(SummaryHead, "summary", options=options)
    return head(read(title, body, outputs, max_tokens=max_tokens))


def test_summary_has_the_best_sentences_in_order(read):
    body = "Rain fell on the north. Nobody was there to see. Two old bridges were closed."
    last = len("Flood\n") + body.index("Two")
    first = "Rain fell on the north."
    assert summary(read, "Flood", body, lambda start: float(start >= last)) == {
        "summary": f"{first} Two old bridges were closed.",
        "summary_method": "extractive",
    }


def test_settings_limit_the_summary(read):
    body = "Rain fell on the north. Two old bridges were closed."
    one = HeadOptions(**vars(OPTIONS) | {"summary_sentences": 1})
    short = HeadOptions(**vars(OPTIONS) | {"summary_characters": 25})
    none = HeadOptions(**vars(OPTIONS) | {"summary_characters": 10})
    assert summary(read, "", body, options=one)["summary"] == "Rain fell on the north."
    assert summary(read, "", body, options=short)["summary"] == "Rain fell on the north."
    assert summary(read, "", body, options=none) == {}


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("The council voted late on Tuesday to reopen the bridge.", ""),
        ("", ""),
        ("The council voted late on Tuesday.", "🔥"),
        ("The council voted late on Tuesday to reopen. " * 80, "Nobody came to see it happen."),
    ],
    ids=["title alone", "nothing", "no sentence", "body unread"],
)
def test_article_without_a_body_has_no_summary(read, title, body):
    assert summary(read, title.strip(), body, max_tokens=128) == {}


def test_sentence_that_the_model_did_not_read_whole_is_not_told(read):
    body = "Rain fell on the north. Two old bridges were closed by the county."
    told = summary(read, "", body, float, max_tokens=40)
    assert told["summary"] == "Rain fell on the north."


def test_sentence_that_is_cut_with_the_characters_is_not_told(read):
    """Few tokens may stand for many characters: the head ends before the tokens do."""
    body = "Rain fell on the north. Two bridges " + "日" * 10 + " " + "x" * 200 + " closed."
    unknown = summary(read, "", body, float, max_tokens=42)
    assert unknown["summary"] == "Rain fell on the north."


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["", "Flood", "Flood in Ayr. Again"]),
    st.lists(
        st.sampled_from(
            ["Rain fell again on the north.", "Mr. Roe of the U.S. Senate paid it.", "Why?", "🔥"]
        ),
        max_size=6,
    ),
    st.integers(3, 150),
    st.integers(0, 999),
)
def test_summary_is_made_of_whole_sentences_of_the_body(
    letters_tokenizer, title, parts, max_tokens, seed
):
    body = " ".join(f"{part[:-1]} {number}{part[-1]}" for number, part in enumerate(parts))
    encoder = Encoder(None, letters_tokenizer, max_tokens=max_tokens)
    text = ArticleText(title, body)
    head = text.head(encoder.max_characters)
    tokens = encoder.tokenize(head)
    scores = np.random.default_rng(seed).normal(size=(len(tokens), 1)).astype(np.float32)
    answer = opened(SummaryHead, "summary")(Reading(text, head, tokens, {"summary": scores}, "en"))
    if answer:
        assert answer["summary_method"] == "extractive"
        sentences = [body[start:end] for start, end in split(body)]
        told = [sentence for sentence in sentences if sentence in answer["summary"]]
        assert answer["summary"] == " ".join(told)
        assert 1 <= len(told) <= OPTIONS.summary_sentences
        read_to = tokens.offsets[:, 1].max()
        assert head.index(told[-1].rstrip(".?")) + len(told[-1].rstrip(".?")) <= read_to


@settings(deadline=None)
@given(st.text(st.sampled_from("aB .!?🔥\u200f"), max_size=80), st.integers(-1, 90))
def test_sentences_that_were_read_are_sentences_of_the_whole_body(body, read):
    assert set(read_sentences(body, read)) <= set(split(body))
    assert read_sentences(body, len(body)) == (split(body) if body else [])


def test_sentence_without_tokens_is_never_chosen():
    spans = [(0, 2), (2, 4)]
    scores = sentence_scores(np.zeros((2, 1), np.float32), np.array([[0, 0], [0, 2]]), spans)
    assert scores.tolist() == [0.0, -np.inf]


# A batch.


class Letters:
    """A graph that scores every token by its id; padding gets whatever is worst."""

    def run(self, inputs):
        table = np.random.default_rng(7).normal(size=(200, len(BIO))).astype(np.float32) * 5
        outputs = table[inputs["input_ids"]]
        outputs[inputs["attention_mask"] == 0] = 99.0
        mean = (outputs * inputs["attention_mask"][..., None]).sum(1)
        return {
            "entities": outputs,
            "target": outputs[..., :3],
            "summary": outputs[..., :1],
            "sentiment": mean[:, :3],
        }


def test_texts_of_different_length_share_a_batch_and_nothing_else(letters_tokenizer):
    labels = ("negative", "neutral", "positive")
    own = (route("entities", labels=BIO), route("sentiment", labels=labels), route("summary"))
    of_model = manifest(*own, route("target", labels=labels))
    heads = [
        kind(of_model, of_task, OPTIONS)
        for kind, of_task in zip((EntitiesHead, SentimentHead, SummaryHead), own, strict=True)
    ]
    encoder = Encoder(Letters(), letters_tokenizer, max_tokens=256)
    texts = [
        ArticleText("Flood", "Rain fell on the north. Two old bridges were closed on Monday."),
        ArticleText("Roe wins", "He beat Doe by a lot."),
    ]

    def answers(batch):
        read_texts = [encoder.tokenize(text.head(encoder.max_characters)) for text in batch]
        return [
            [head(Reading(text, text.head(1536), tokens, outputs, "en")) for head in heads]
            for text, tokens, outputs in zip(
                batch, read_texts, encoder.run(read_texts), strict=True
            )
        ]

    alone = [answers([text])[0] for text in texts]
    assert answers(texts) == alone
    assert answers(texts[::-1]) == alone[::-1]
    assert all(of_text[0]["entities"] for of_text in alone)
