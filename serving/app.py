"""The application: REST and streams below /v1, the console, health and metrics."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from schemas import __version__
from serving import console, problems
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


def create_app(settings: ServeSettings, metrics: Metrics) -> FastAPI:
    """The application; it answers once its `state.services` are there."""
    app = FastAPI(
        title="Wiredesk",
        version=__version__,
        description="Enriched articles, stories, breaking-news alerts and feeds.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
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
