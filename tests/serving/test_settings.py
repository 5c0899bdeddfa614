"""Settings of the server: its own prefix and table, the jobs' Kafka, secrets in files."""

import pytest

from schemas.errors import SettingError
from serving.settings import ServeSettings, load


def test_strongest_first(tmp_path):
    file = tmp_path / "wiredesk.toml"
    file.write_text(
        'kafka_bootstrap = "file:1"\nbatch_max_count = 8\nport = 1\n[serve]\nport = 2\nhost = "h"\n'
    )
    environment = {
        "WIREDESK_SERVE_PORT": "3",
        "WIREDESK_REDIS_URL": "redis://r",
        "WIREDESK_BATCH_MAX_COUNT": "8",
    }
    found = load(file=file, environment=environment, overrides={"host": "mine"})
    assert (found.kafka_bootstrap, found.port, found.host) == ("file:1", 3, "mine")
    assert found.secret("redis_url") == "redis://r"


def test_the_servers_own_kafka_counts_over_the_jobs():
    environment = {
        "WIREDESK_KAFKA_BOOTSTRAP": "jobs:1",
        "WIREDESK_SERVE_KAFKA_BOOTSTRAP": "serve:1",
    }
    assert load(environment=environment).kafka_bootstrap == "serve:1"


def test_a_secret_may_lie_in_a_file(tmp_path):
    (tmp_path / "password").write_text("hush\n")
    found = load(environment={"WIREDESK_SERVE_SMTP_PASSWORD_FILE": f"{tmp_path}/password"})
    assert found.secret("smtp_password") == "hush"
    assert "hush" not in repr(found)
    with pytest.raises(SettingError, match="smtp_password_file"):
        load(environment={"WIREDESK_SERVE_SMTP_PASSWORD_FILE": f"{tmp_path}/none"})


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"WIREDESK_SERVE_PROT": "1"}, "did you mean port"),
        ({"WIREDESK_SERVE_PORT": "high"}, "setting port"),
        ({"WIREDESK_SERVE_CORS_ORIGINS": "*"}, "name the origins"),
        ({"WIREDESK_SERVE_OIDC_ISSUER": "https://id"}, "oidc_audience"),
        ({"WIREDESK_SERVE_TLS_KEY_FILE": "k"}, "belong together"),
        ({"WIREDESK_KAFKA_BOOTSTRAP": "kafka"}, "HOST:PORT.*got 'kafka'"),
        ({"WIREDESK_KAFKA_BOOTSTRAP": "a:9092,b:99999"}, "HOST:PORT"),
        ({"WIREDESK_REDIS_URL": "redis:6379"}, "redis://:PASSWORD@HOST:6379/0$"),
        ({"WIREDESK_REDIS_URL": "redis://h:port"}, "redis://:PASSWORD@HOST:6379/0$"),
    ],
)
def test_a_wrong_setting_is_named(environment, says):
    with pytest.raises(SettingError, match=says):
        load(environment=environment)


def test_every_setting_says_what_it_is():
    lacking = [n for n, f in ServeSettings.model_fields.items() if not f.description]
    assert lacking == []
