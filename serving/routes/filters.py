"""Query parameters that several addresses share."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

Desks = Annotated[Sequence[str], Query(description="Only these desks.", max_length=100)]
Languages = Annotated[
    Sequence[str], Query(description="Only these language codes.", max_length=100)
]
Entities = Annotated[
    Sequence[str],
    Query(description="Only with one of these Wikidata ids or names.", max_length=100),
]
MinScore = Annotated[float, Query(ge=0, le=1, description="Only from this score on.")]
