"""The application: REST and streams below /v1, the console, health and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from serving import console, problems
from serving.assembly import opened
from serving.metrics import Metrics
from serving.middleware import Envelope
from serving.routes import (
    alerts,
    analyze,
    articles,
    editorial,
    feed,
    graphql,
    health,
    history,
    login,
    push,
    stories,
    streams,
    subscriptions,
)
from serving.services import Services
from serving.settings import ServeSettings

ROUTES = (
    health,
    login,
    articles,
    alerts,
    stories,
    feed,
    analyze,
    editorial,
    graphql,
    streams,
    push,
    subscriptions,
    history,
)


def create_app(settings: ServeSettings, services: Services | None = None) -> FastAPI:
    """The application.

    services  parts that were put together elsewhere, in tests; None opens what the settings name
              when the application starts, and closes it when it ends
    """

    metrics = services.metrics if services else Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if services is not None:
            yield
            return
        async with opened(settings, metrics) as ours, _grpc_beside(ours):
            app.state.services = ours
            yield

    app = FastAPI(
        title="Wiredesk",
        version=version("wiredesk"),
        description="Enriched articles, stories, breaking-news alerts and feeds.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    if services is not None:
        app.state.services = services
    problems.install(app)
    for routes in ROUTES:
        app.include_router(routes.router)
    console.mount(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        )
    app.add_middleware(
        Envelope,
        metrics=metrics,
        max_body=settings.max_body_kib * 1024,
        max_push=settings.max_push_kib * 1024,
        push_path=push.PATH,
        is_https=settings.is_https,
    )
    return app


@asynccontextmanager
async def _grpc_beside(services: Services) -> AsyncIterator[None]:
    if services.settings.grpc_port is None:
        yield
        return
    from serving.grpc_server import grpc_beside

    async with grpc_beside(services):
        yield
