"""Any record of each type, for hypothesis."""

from hypothesis import strategies as st

from schemas.article import Article
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle, Entity, Language, Sentiment, TopicScore
from schemas.quality_signal import QualitySignal
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS, QUALITY_SIGNALS

INT32, INT64 = 2**31, 2**63
milliseconds = st.integers(-INT64, INT64 - 1)
text = st.text(max_size=40)
name = st.text(min_size=1, max_size=20)
share = st.floats(0, 1)
offset = st.integers(0, INT32 - 1)
mapping = st.dictionaries(text, text, max_size=3)
sentiment = st.builds(
    Sentiment,
    label=st.sampled_from(["negative", "neutral", "positive"]),
    negative=share,
    neutral=share,
    positive=share,
)
topic_score = st.builds(
    TopicScore,
    code=text,
    name=text,
    score=share,
    ancestors=st.lists(text, max_size=3),
    names=mapping,
)
entity = st.builds(
    Entity,
    text=text,
    type=text,
    start=offset,
    end=offset,
    score=share,
    wikidata_id=st.none() | text,
    field=st.sampled_from(["title", "body", "html"]),
    fine_type=st.none() | text,
    sentiment=st.none() | sentiment,
)

articles = st.builds(
    Article,
    article_id=name,
    url=text,
    source=name,
    owner=st.none() | text,
    title=text,
    body=text,
    html=st.none() | text,
    authors=st.none() | st.lists(text, max_size=3),
    language_hint=st.none() | text,
    published_ms=milliseconds,
    fetched_ms=milliseconds,
    metadata=mapping,
)

enriched_articles = st.builds(
    EnrichedArticle,
    article_id=name,
    url=text,
    source=text,
    title=text,
    published_ms=milliseconds,
    ingested_ms=milliseconds,
    enriched_ms=milliseconds,
    content_hash=text,
    language=st.builds(Language, code=st.text(min_size=2, max_size=3), confidence=share),
    topics=st.none() | st.lists(topic_score, max_size=3),
    tags=st.none() | st.lists(text),
    entities=st.none() | st.lists(entity, max_size=3),
    sentiment=st.none() | sentiment,
    tone_score=st.none() | share,
    summary=st.none() | text,
    summary_method=st.none() | st.sampled_from(["extractive", "generative"]),
    importance=st.none() | share,
    embedding=st.none() | st.binary(max_size=16),
    model_versions=mapping,
)

dead_letters = st.builds(
    DeadLetter,
    value=st.binary(max_size=64),
    key=st.none() | st.binary(max_size=16),
    topic=text,
    partition=offset,
    offset=milliseconds,
    timestamp_ms=milliseconds,
    job=text,
    stage=text,
    reason=text,
    detail=text,
    failed_ms=milliseconds,
)

quality_signals = st.builds(
    QualitySignal,
    kind=name,
    subject=name,
    origin=text,
    observed=st.floats(allow_nan=False),
    expected=st.floats(allow_nan=False),
    detail=text,
    raised_ms=milliseconds,
)

topics_and_records = st.one_of(
    st.tuples(st.just(ARTICLES_RAW), articles),
    st.tuples(st.just(ARTICLES_ENRICHED), enriched_articles),
    st.tuples(st.just(DEAD_LETTERS), dead_letters),
    st.tuples(st.just(QUALITY_SIGNALS), quality_signals),
)
