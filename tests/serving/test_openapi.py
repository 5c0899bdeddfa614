"""Whatever fits the OpenAPI document, or does not, is answered without a defect."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from server_parts import MemoryKafka, alert, article, parts, placed, story, take
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Role

STREAMS = "/v1/streams"
"""Never ends: tests/serving/test_live_streams.py has it."""

PLAIN_REFUSAL = 503
"""Redis and the models are not there in this test: the answer has to say so, and nothing else."""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The document, of a server that knows a story and an alert, and an admin's key."""
    file = tmp_path_factory.mktemp("openapi") / "serve.sqlite"
    services = parts(f"sqlite:///{file}", MemoryKafka(), rate_per_minute=10**9, rate_burst=10**9)
    app = create_app(services.settings, services.metrics)
    app.state.services = services
    with TestClient(app, raise_server_exceptions=False) as client:
        portal = client.portal
        portal.call(services.history.open)
        key = portal.call(services.access.add_key, "fuzz", Role.ADMIN)
        portal.call(take, services, story(), placed(), article(), alert())
        client.headers["authorization"] = f"Bearer {key}"
        schema = schemathesis.openapi.from_dict(app.openapi())
        schema.client = client
        yield schema
        portal.call(services.redis.close)
        portal.call(services.history.close)


def test_no_input_is_a_defect(api):
    for result in api.exclude(path=STREAMS).get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def fits(case):
            sent = case.as_transport_kwargs(base_url="http://server")
            sent.pop("cookies", None)
            answer = api.client.request(**sent)
            if answer.status_code == PLAIN_REFUSAL:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
            else:
                assert answer.status_code < 500, answer.text

        fits()


def test_the_document_names_what_the_product_was_asked_for(api):
    paths = set(api.raw_schema["paths"])
    assert paths >= {
        "/v1/articles/{article_id}",
        "/v1/stories",
        "/v1/stories/{story_id}",
        "/v1/alerts",
        "/v1/alerts/{alert_id}/explanation",
        "/v1/feed/{user}",
        "/v1/analyze",
        "/v1/search",
        "/v1/editorial/commands",
        "/v1/ingest",
        "/v1/streams",
    }
