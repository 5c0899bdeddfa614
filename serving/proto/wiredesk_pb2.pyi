from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnalyzeRequest(_message.Message):
    __slots__ = ("title", "body", "article_id", "url", "source", "published_ms")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ARTICLE_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_MS_FIELD_NUMBER: _ClassVar[int]
    title: str
    body: str
    article_id: str
    url: str
    source: str
    published_ms: int
    def __init__(self, title: _Optional[str] = ..., body: _Optional[str] = ..., article_id: _Optional[str] = ..., url: _Optional[str] = ..., source: _Optional[str] = ..., published_ms: _Optional[int] = ...) -> None: ...

class AlertsRequest(_message.Message):
    __slots__ = ("desks", "languages", "entities", "min_score", "last_id")
    DESKS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    LAST_ID_FIELD_NUMBER: _ClassVar[int]
    desks: _containers.RepeatedScalarFieldContainer[str]
    languages: _containers.RepeatedScalarFieldContainer[str]
    entities: _containers.RepeatedScalarFieldContainer[str]
    min_score: float
    last_id: str
    def __init__(self, desks: _Optional[_Iterable[str]] = ..., languages: _Optional[_Iterable[str]] = ..., entities: _Optional[_Iterable[str]] = ..., min_score: _Optional[float] = ..., last_id: _Optional[str] = ...) -> None: ...

class AlertEvent(_message.Message):
    __slots__ = ("id", "kind", "alert", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ALERT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    alert: Alert
    reason: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., alert: _Optional[_Union[Alert, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class Language(_message.Message):
    __slots__ = ("code", "confidence")
    CODE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    code: str
    confidence: float
    def __init__(self, code: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class TopicScore(_message.Message):
    __slots__ = ("code", "name", "score", "ancestors", "names")
    class NamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ANCESTORS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    score: float
    ancestors: _containers.RepeatedScalarFieldContainer[str]
    names: _containers.ScalarMap[str, str]
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., ancestors: _Optional[_Iterable[str]] = ..., names: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Sentiment(_message.Message):
    __slots__ = ("label", "negative", "neutral", "positive")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    NEUTRAL_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    label: str
    negative: float
    neutral: float
    positive: float
    def __init__(self, label: _Optional[str] = ..., negative: _Optional[float] = ..., neutral: _Optional[float] = ..., positive: _Optional[float] = ...) -> None: ...

class Entity(_message.Message):
    __slots__ = ("text", "type", "start", "end", "score", "wikidata_id", "field", "fine_type", "sentiment")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WIKIDATA_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FINE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    text: str
    type: str
    start: int
    end: int
    score: float
    wikidata_id: str
    field: str
    fine_type: str
    sentiment: Sentiment
    def __init__(self, text: _Optional[str] = ..., type: _Optional[str] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., score: _Optional[float] = ..., wikidata_id: _Optional[str] = ..., field: _Optional[str] = ..., fine_type: _Optional[str] = ..., sentiment: _Optional[_Union[Sentiment, _Mapping]] = ...) -> None: ...

class EnrichedArticle(_message.Message):
    __slots__ = ("article_id", "url", "source", "owner", "title", "published_ms", "ingested_ms", "enriched_ms", "content_hash", "language", "topics", "tags", "entities", "sentiment", "tone_score", "summary", "summary_method", "importance", "embedding", "model_versions")
    class ModelVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ARTICLE_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_MS_FIELD_NUMBER: _ClassVar[int]
    INGESTED_MS_FIELD_NUMBER: _ClassVar[int]
    ENRICHED_MS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    TONE_SCORE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_METHOD_FIELD_NUMBER: _ClassVar[int]
    IMPORTANCE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    article_id: str
    url: str
    source: str
    owner: str
    title: str
    published_ms: int
    ingested_ms: int
    enriched_ms: int
    content_hash: str
    language: Language
    topics: _containers.RepeatedCompositeFieldContainer[TopicScore]
    tags: _containers.RepeatedScalarFieldContainer[str]
    entities: _containers.RepeatedCompositeFieldContainer[Entity]
    sentiment: Sentiment
    tone_score: float
    summary: str
    summary_method: str
    importance: float
    embedding: bytes
    model_versions: _containers.ScalarMap[str, str]
    def __init__(self, article_id: _Optional[str] = ..., url: _Optional[str] = ..., source: _Optional[str] = ..., owner: _Optional[str] = ..., title: _Optional[str] = ..., published_ms: _Optional[int] = ..., ingested_ms: _Optional[int] = ..., enriched_ms: _Optional[int] = ..., content_hash: _Optional[str] = ..., language: _Optional[_Union[Language, _Mapping]] = ..., topics: _Optional[_Iterable[_Union[TopicScore, _Mapping]]] = ..., tags: _Optional[_Iterable[str]] = ..., entities: _Optional[_Iterable[_Union[Entity, _Mapping]]] = ..., sentiment: _Optional[_Union[Sentiment, _Mapping]] = ..., tone_score: _Optional[float] = ..., summary: _Optional[str] = ..., summary_method: _Optional[str] = ..., importance: _Optional[float] = ..., embedding: _Optional[bytes] = ..., model_versions: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AlertWindow(_message.Message):
    __slots__ = ("minutes", "observed", "expected", "tail_log10")
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    TAIL_LOG10_FIELD_NUMBER: _ClassVar[int]
    minutes: int
    observed: int
    expected: float
    tail_log10: float
    def __init__(self, minutes: _Optional[int] = ..., observed: _Optional[int] = ..., expected: _Optional[float] = ..., tail_log10: _Optional[float] = ...) -> None: ...

class AlertSource(_message.Message):
    __slots__ = ("source", "owner", "first_seen_ms", "article_id", "copies", "authority")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_MS_FIELD_NUMBER: _ClassVar[int]
    ARTICLE_ID_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    source: str
    owner: str
    first_seen_ms: int
    article_id: str
    copies: int
    authority: float
    def __init__(self, source: _Optional[str] = ..., owner: _Optional[str] = ..., first_seen_ms: _Optional[int] = ..., article_id: _Optional[str] = ..., copies: _Optional[int] = ..., authority: _Optional[float] = ...) -> None: ...

class AlertEntity(_message.Message):
    __slots__ = ("name", "wikidata_id", "observed", "expected", "centrality", "centrality_before")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WIKIDATA_ID_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    CENTRALITY_FIELD_NUMBER: _ClassVar[int]
    CENTRALITY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    name: str
    wikidata_id: str
    observed: int
    expected: float
    centrality: float
    centrality_before: float
    def __init__(self, name: _Optional[str] = ..., wikidata_id: _Optional[str] = ..., observed: _Optional[int] = ..., expected: _Optional[float] = ..., centrality: _Optional[float] = ..., centrality_before: _Optional[float] = ...) -> None: ...

class AlertArticle(_message.Message):
    __slots__ = ("article_id", "title", "source", "url")
    ARTICLE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    article_id: str
    title: str
    source: str
    url: str
    def __init__(self, article_id: _Optional[str] = ..., title: _Optional[str] = ..., source: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class AlertRelated(_message.Message):
    __slots__ = ("story_id", "title", "languages", "independent_sources", "shared")
    STORY_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_SOURCES_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    story_id: str
    title: str
    languages: _containers.RepeatedScalarFieldContainer[str]
    independent_sources: int
    shared: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, story_id: _Optional[str] = ..., title: _Optional[str] = ..., languages: _Optional[_Iterable[str]] = ..., independent_sources: _Optional[int] = ..., shared: _Optional[_Iterable[str]] = ...) -> None: ...

class AlertReaders(_message.Message):
    __slots__ = ("minutes", "end_ms", "observed", "expected", "tail_log10", "total", "score", "outcome")
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    TAIL_LOG10_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    minutes: int
    end_ms: int
    observed: int
    expected: float
    tail_log10: float
    total: int
    score: float
    outcome: str
    def __init__(self, minutes: _Optional[int] = ..., end_ms: _Optional[int] = ..., observed: _Optional[int] = ..., expected: _Optional[float] = ..., tail_log10: _Optional[float] = ..., total: _Optional[int] = ..., score: _Optional[float] = ..., outcome: _Optional[str] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("alert_id", "desk", "story_id", "state", "sequence", "at_ms", "raised_ms", "expires_ms", "score", "low", "high", "threshold", "outcome", "title", "summary", "languages", "windows", "sources", "independent_sources", "copies_discounted", "entities", "lead_articles", "reasons", "model_versions", "by", "note", "unadjusted_score", "in_other_languages", "caution", "readers")
    class ModelVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    DESK_FIELD_NUMBER: _ClassVar[int]
    STORY_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    RAISED_MS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_SOURCES_FIELD_NUMBER: _ClassVar[int]
    COPIES_DISCOUNTED_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    LEAD_ARTICLES_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    UNADJUSTED_SCORE_FIELD_NUMBER: _ClassVar[int]
    IN_OTHER_LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    CAUTION_FIELD_NUMBER: _ClassVar[int]
    READERS_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    desk: str
    story_id: str
    state: str
    sequence: int
    at_ms: int
    raised_ms: int
    expires_ms: int
    score: float
    low: float
    high: float
    threshold: float
    outcome: str
    title: str
    summary: str
    languages: _containers.RepeatedScalarFieldContainer[str]
    windows: _containers.RepeatedCompositeFieldContainer[AlertWindow]
    sources: _containers.RepeatedCompositeFieldContainer[AlertSource]
    independent_sources: int
    copies_discounted: int
    entities: _containers.RepeatedCompositeFieldContainer[AlertEntity]
    lead_articles: _containers.RepeatedCompositeFieldContainer[AlertArticle]
    reasons: _containers.RepeatedScalarFieldContainer[str]
    model_versions: _containers.ScalarMap[str, str]
    by: str
    note: str
    unadjusted_score: float
    in_other_languages: _containers.RepeatedCompositeFieldContainer[AlertRelated]
    caution: str
    readers: AlertReaders
    def __init__(self, alert_id: _Optional[str] = ..., desk: _Optional[str] = ..., story_id: _Optional[str] = ..., state: _Optional[str] = ..., sequence: _Optional[int] = ..., at_ms: _Optional[int] = ..., raised_ms: _Optional[int] = ..., expires_ms: _Optional[int] = ..., score: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., threshold: _Optional[float] = ..., outcome: _Optional[str] = ..., title: _Optional[str] = ..., summary: _Optional[str] = ..., languages: _Optional[_Iterable[str]] = ..., windows: _Optional[_Iterable[_Union[AlertWindow, _Mapping]]] = ..., sources: _Optional[_Iterable[_Union[AlertSource, _Mapping]]] = ..., independent_sources: _Optional[int] = ..., copies_discounted: _Optional[int] = ..., entities: _Optional[_Iterable[_Union[AlertEntity, _Mapping]]] = ..., lead_articles: _Optional[_Iterable[_Union[AlertArticle, _Mapping]]] = ..., reasons: _Optional[_Iterable[str]] = ..., model_versions: _Optional[_Mapping[str, str]] = ..., by: _Optional[str] = ..., note: _Optional[str] = ..., unadjusted_score: _Optional[float] = ..., in_other_languages: _Optional[_Iterable[_Union[AlertRelated, _Mapping]]] = ..., caution: _Optional[str] = ..., readers: _Optional[_Union[AlertReaders, _Mapping]] = ...) -> None: ...
