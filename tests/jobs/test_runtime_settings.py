"""Every knob of a job: where it comes from, and what is said when it is wrong."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from jobs.runtime.arguments import run, settings_from_arguments
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import NOT_SETTINGS, DeliveryGuarantee, StartFrom, load
from models.manifest import SHIPPED
from schemas.errors import ModelFileError, SettingError
from schemas.settings import KafkaSettings

SECRETS = ["kafka_sasl_password", "schema_registry_auth", "redis_url"]


@pytest.fixture
def settings_file(tmp_path):
    def write(content):
        file = tmp_path / "wiredesk.toml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def refusal(settings_type=EnrichSettings, **sources):
    """The line that refuses a setting."""
    with pytest.raises(SettingError) as refused:
        load(settings_type, **{"environment": {}} | sources)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_defaults_need_nothing():
    s = load(EnrichSettings, environment={})
    assert s == EnrichSettings()
    assert s.delivery is DeliveryGuarantee.AT_LEAST_ONCE


def test_stronger_source_wins(settings_file):
    file = settings_file("batch_max_count = 2\nbatch_max_tokens = 2\nin_flight_max = 2")
    environment = {"WIREDESK_BATCH_MAX_TOKENS": "3", "WIREDESK_IN_FLIGHT_MAX": "3"}
    s = load(EnrichSettings, file=file, environment=environment, overrides=["in_flight_max=4"])
    assert (s.batch_max_count, s.batch_max_tokens, s.in_flight_max) == (2, 3, 4)
    assert s.cache_entries == EnrichSettings().cache_entries


def test_later_override_wins():
    s = load(EnrichSettings, environment={}, overrides=["redis_ttl_s=1", "redis_ttl_s=2"])
    assert s.redis_ttl_s == 2


def test_value_may_hold_an_equals_sign():
    s = load(EnrichSettings, environment={}, overrides=["kafka_sasl_password=a=b=="])
    assert s.secret("kafka_sasl_password") == "a=b=="


def test_every_kind_of_value_is_read_from_text_and_from_a_file(settings_file):
    texts = {
        "WIREDESK_DELIVERY": "exactly_once",
        "WIREDESK_BATCH_DEADLINE_MS": "2.5",
        "WIREDESK_EARLIEST_PUBLISHED": "1987-01-01",
        "WIREDESK_START_FROM": "latest",
        "WIREDESK_KAFKA_BOOTSTRAP": "b1.example:9092,b2.example:9092",
    }
    file = settings_file("""
        delivery = "exactly_once"
        batch_deadline_ms = 2.5
        earliest_published = 1987-01-01
        start_from = "latest"
        kafka_bootstrap = "b1.example:9092,b2.example:9092"
    """)
    s = load(EnrichSettings, environment=texts)
    assert s == load(EnrichSettings, file=file, environment={})
    assert (s.delivery, s.start_from) == (DeliveryGuarantee.EXACTLY_ONCE, StartFrom.LATEST)
    assert (s.batch_deadline_ms, s.earliest_published) == (2.5, date(1987, 1, 1))


def test_variables_of_others_are_no_settings():
    environment = {"PATH": "x", "BATCH_MAX_COUNT": "1"} | dict.fromkeys(NOT_SETTINGS, "x")
    assert load(EnrichSettings, environment=environment) == EnrichSettings()


@pytest.mark.parametrize(
    ("sources", "origin"),
    [
        ({"overrides": ["batch_size=8"]}, "--set"),
        ({"environment": {"WIREDESK_BATCH_SIZE": "8"}}, "environment"),
    ],
)
def test_unknown_setting_is_named_with_its_origin_and_a_near_one(sources, origin):
    line = refusal(**sources)
    assert line.startswith(f"setting batch_size ({origin}) is unknown; did you mean batch_")


def test_unknown_setting_in_a_file_is_named_with_the_file(settings_file):
    file = settings_file("[kafka]\nbootstrap = 'k:9092'")
    assert refusal(file=file).startswith(f"setting kafka (file {file}) is unknown")


def test_unknown_setting_that_resembles_none_points_to_the_list():
    assert refusal(overrides=["xyzzy=1"]).endswith("`wiredesk settings` lists the known ones")


@pytest.mark.parametrize(
    "override",
    [
        "batch_max_count=many",
        "batch_max_count=0",
        "batch_max_count=1.5",
        "batch_max_count=",
        "batch_deadline_ms=-1",
        "batch_deadline_ms=nan",
        "batch_deadline_ms=inf",
        "redis_retry_s=0",
        "redis_retry_s=inf",
        "language_min_confidence=1.1",
        "language_min_confidence=nan",
        "delivery=at_most_once",
        "start_from=yesterday",
        "inference_provider=tpu",
        "earliest_published=soon",
        "kafka_bootstrap=localhost",
        "kafka_bootstrap=a:1,,b:2",
        "consumer_group=",
        "models_manifest=own/manifest.toml",
        "kafka_security_protocol=plaintext",
    ],
)
def test_wrong_value_is_named_with_what_was_received(override):
    name, _, value = override.partition("=")
    line = refusal(overrides=[override])
    assert line.startswith(f"setting {name} (--set): ")
    assert line.endswith(f", got {value!r}")


@pytest.mark.parametrize("override", ["batch_max_count", "=8", ""])
def test_override_without_key_or_value_is_refused(override):
    assert "is not of the form key=value" in refusal(overrides=[override])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("batch_max_count = ", "is not TOML"), (b"\xff\xfe", "is not TOML")],
    ids=["syntax", "not UTF-8"],
)
def test_unreadable_file_is_named(settings_file, content, complaint):
    file = settings_file(content)
    assert refusal(file=file).startswith(f"settings file {file} {complaint}")


def test_missing_file_is_named(tmp_path):
    file = tmp_path / "absent.toml"
    assert refusal(file=file) == f"settings file {file} cannot be read: No such file or directory"


@pytest.mark.parametrize("name", SECRETS)
def test_secret_is_in_no_representation(name):
    s = load(EnrichSettings, environment={}, overrides=[f"{name}=redis://:hunter2@r:1/0"])
    assert s.secret(name) == "redis://:hunter2@r:1/0"
    for text in (repr(s), str(s), s.model_dump_json(), str(s.model_dump())):
        assert "hunter2" not in text


@pytest.mark.parametrize("name", SECRETS)
def test_secret_of_the_wrong_type_is_not_in_the_message(settings_file, name):
    line = refusal(file=settings_file(f'{name} = ["hunter2"]'))
    assert line.startswith(f"setting {name} (file ")
    assert "hunter2" not in line


def test_secret_given_without_an_equals_sign_is_not_in_the_message():
    assert "hunter2" not in refusal(overrides=["kafka_sasl_password:hunter2"])


@pytest.mark.parametrize("given", [[], ["kafka_sasl_username=u"], ["kafka_sasl_password=hunter2"]])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl_without_user_and_password_is_refused(protocol, given):
    line = refusal(overrides=[f"kafka_security_protocol={protocol}", *given])
    assert "kafka_sasl_username" in line or "kafka_sasl_password" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("name", EnrichSettings.model_fields)
def test_every_setting_says_what_it_means(name):
    assert EnrichSettings.model_fields[name].description


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        EnrichSettings().batch_max_count = 1


def test_commands_know_only_the_settings_of_kafka():
    assert load(KafkaSettings, environment={}).kafka_bootstrap == EnrichSettings().kafka_bootstrap
    assert "is unknown" in refusal(KafkaSettings, overrides=["batch_max_count=8"])


def test_arguments_of_a_job_are_its_settings(monkeypatch, settings_file):
    file = settings_file("batch_max_count = 7")
    line = [
        "jobs.enrich",
        "--settings",
        str(file),
        "--set",
        "redis_ttl_s=5",
        "--set",
        "cache_entries=0",
    ]
    monkeypatch.setattr("sys.argv", line)
    s = settings_from_arguments("enrich", EnrichSettings)
    assert (s.batch_max_count, s.redis_ttl_s, s.cache_entries) == (7, 5, 0)


def test_wrong_argument_ends_the_job_with_one_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["jobs.enrich", "--set", "batch_size=8"])
    with pytest.raises(SystemExit) as ended:
        run("enrich", lambda: settings_from_arguments("enrich", EnrichSettings))
    assert str(ended.value).startswith("jobs.enrich: setting batch_size (--set) is unknown")


def test_summarizing_endpoint_needs_a_model():
    with pytest.raises(SettingError, match="summary_url needs summary_model"):
        load(EnrichSettings, overrides=["summary_url=http://127.0.0.1:1/v1"], environment={})


def test_key_of_another_job_is_passed_over_in_file_and_environment_but_not_as_an_override(
    settings_file,
):
    file, environment = settings_file("budget = 3"), {"WIREDESK_BUDGET": "4"}
    load(EnrichSettings, file=file, environment=environment, of_others={"budget"})
    assert "setting budget (--set) is unknown" in refusal(
        overrides=["budget=5"], of_others={"budget"}
    )


def test_what_the_server_is_told_is_passed_over(settings_file):
    file = settings_file('kafka_bootstrap = "k:1"\n[serve]\nport = 1')
    loaded = load(KafkaSettings, file=file, environment={"WIREDESK_SERVE_PORT": "2"})
    assert loaded.model_fields_set == {"kafka_bootstrap"}


def test_manifest_that_cannot_be_used_stops_the_submission(tmp_path):
    assert EnrichSettings().manifest() == SHIPPED
    with pytest.raises(ModelFileError, match=r"none\.toml cannot be read"):
        EnrichSettings(models_manifest=tmp_path / "none.toml").manifest()


def test_model_file_that_is_not_the_manifest_s_stops_the_submission(tmp_path):
    own = Path(shutil.copy(SHIPPED, tmp_path))
    with pytest.raises(ModelFileError, match=r"model file .* cannot be read"):
        EnrichSettings(models_manifest=own).manifest()
