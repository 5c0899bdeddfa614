"""Any record of each type, for hypothesis: its fields' types and bounds say what there is."""

import types
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.record import Record
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS, TOPICS

INT32, INT64 = 2**31, 2**63
NOT_AS_TYPED = {DEAD_LETTERS.name: {"partition": st.integers(0, INT32 - 1)}}
"""Fields whose Avro type is narrower than their Python type says."""


def records(record_type: type[Record], **chosen: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Any record of a type."""
    found = {
        name: _values(field.annotation, field.metadata)
        for name, field in record_type.model_fields.items()
    }
    return st.builds(record_type, **found | chosen)


def _values(wanted: Any, bounds: list[Any]) -> SearchStrategy[Any]:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*(_values(each, bounds) for each in arguments))
    if origin is list:
        return st.lists(_values(arguments[0], []), max_size=3)
    if origin is dict:
        return st.dictionaries(st.text(max_size=40), _values(arguments[1], []), max_size=3)
    if wanted is type(None):
        return st.none()
    if issubclass(wanted, Record):
        return records(wanted)
    return _scalars(wanted, bounds)


def _scalars(wanted: type, bounds: list[Any]) -> SearchStrategy[Any]:
    if wanted is str and (pattern := _bound(bounds, "pattern", None)):
        return st.from_regex(pattern, fullmatch=True)
    if wanted is str:
        shortest = _bound(bounds, "min_length", 0)
        return st.text(min_size=shortest, max_size=_bound(bounds, "max_length", 40))
    if wanted is bytes:
        return st.binary(max_size=64)
    if wanted is float:
        least, most = _bound(bounds, "ge", None), _bound(bounds, "le", None)
        return st.floats(least, most, allow_nan=False)
    if wanted is bool:
        return st.booleans()
    if wanted is int:  # what has a least value counts, and is an Avro int; a moment is a long
        least = _bound(bounds, "ge", -INT64)
        return st.integers(least, (INT32 if least >= 0 else INT64) - 1)
    raise TypeError(f"no values of {wanted}")


def _bound(bounds: list[Any], name: str, otherwise: Any) -> Any:
    found = [getattr(each, name) for each in bounds if hasattr(each, name)]
    return found[0] if found else otherwise


RECORDS = {
    topic.name: records(topic.record_type, **NOT_AS_TYPED.get(topic.name, {}))
    for topic in TOPICS.values()
}
"""By topic."""

articles = RECORDS[ARTICLES_RAW.name]
enriched_articles = RECORDS[ARTICLES_ENRICHED.name]
topics_and_records = st.one_of(
    *(st.tuples(st.just(topic), RECORDS[topic.name]) for topic in TOPICS.values())
)
