"""GraphQL by POST, for whoever has a key."""

import asyncio
from types import ModuleType

from fastapi import APIRouter, Request, Response

from serving.asking import Parts, Reader

router = APIRouter(prefix="/v1/graphql")


@router.post("", include_in_schema=False)
async def graphql(request: Request, services: Parts, visitor: Reader) -> Response:
    """The library and the schema are loaded when someone asks for the first time, in a thread."""
    found = await asyncio.to_thread(_loaded)
    answered: Response = await found.answer(request, found.Context(services, visitor))
    return answered


def _loaded() -> ModuleType:
    from serving import graphql

    graphql.view()
    return graphql
