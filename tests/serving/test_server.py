"""The process of the server: what is wrong at its start is told, not traced."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.errors import ServiceError, SetupError
from serving import server
from serving.settings import ServeSettings


def settings(tmp_path: Path, **given: object) -> ServeSettings:
    database = SecretStr(f"sqlite:///{tmp_path}/serve.sqlite")
    return ServeSettings(**{"port": 0, "analyze": False, "database_url": database} | given)


def start(settings: ServeSettings) -> None:
    """Serve, if nothing is wrong; the test fails then."""
    listening = server.listen(settings)
    try:
        server.run(settings, listening, ready=lambda: pytest.fail("it serves"))
    finally:
        listening.close()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"desks_file": Path("/nosuch/desks.toml")}, "/nosuch/desks.toml"),
        ({"publishers_file": Path("/nosuch/publishers.toml")}, "/nosuch/publishers.toml"),
        ({"profile_keys_file": Path("/nosuch/keys.toml")}, "/nosuch/keys.toml"),
        ({"database_url": SecretStr("sqlite:////nosuch/serve.sqlite")}, "/nosuch/serve.sqlite"),
        ({"database_url": SecretStr("hush")}, "expected sqlite:///FILE"),
        ({"tls_certificate_file": Path("/nosuch/c"), "tls_key_file": Path("/nosuch/k")}, "TLS"),
    ],
)
def test_what_is_wrong_at_the_start_is_raised_as_it_is(tmp_path, given, says):
    with pytest.raises(SetupError, match=says) as raised:
        start(settings(tmp_path, **given))
    assert "hush" not in str(raised.value)


def test_a_port_that_is_taken_is_named(tmp_path):
    with server.listen(settings(tmp_path)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"127.0.0.1:{port}"):
            server.listen(settings(tmp_path, port=port))
