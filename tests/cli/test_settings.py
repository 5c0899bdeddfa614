"""`wiredesk settings` shows every knob, and never a secret."""

import json

from cli.settings import MASK
from jobs.runtime.enrich_settings import EnrichSettings


def told(run, *options):
    shown = run("settings", "--json", *options)
    assert shown.exit_code == 0, shown.output
    return {setting["name"]: setting for setting in json.loads(shown.stdout)}


def test_every_setting_has_a_description_and_a_variable(run):
    settings = told(run)
    assert list(settings) == list(EnrichSettings.model_fields)
    for name, setting in settings.items():
        assert setting["description"]
        assert setting["environment"] == f"WIREDESK_{name.upper()}"


def test_value_says_where_it_comes_from(run, monkeypatch, tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("batch_max_count = 8\nredis_ttl_s = 60\n")
    monkeypatch.setenv("WIREDESK_REDIS_TTL_S", "120")
    settings = told(run, "--settings", file)
    assert settings["batch_max_count"]["value"] == 8
    assert settings["batch_max_count"]["origin"] == f"file {file}"
    assert settings["redis_ttl_s"]["value"] == 120
    assert settings["redis_ttl_s"]["origin"] == "environment"
    assert settings["cache_entries"]["origin"] == "default"


def test_secrets_are_masked_in_both_forms(run, monkeypatch):
    monkeypatch.setenv("WIREDESK_KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("WIREDESK_REDIS_URL", "redis://:hunter2@h:1/0")
    settings = told(run)
    assert settings["kafka_sasl_password"]["value"] == MASK
    assert settings["kafka_sasl_password"]["secret"]
    for shown in (run("settings"), run("settings", "--json")):
        assert "hunter2" not in shown.output


def test_table_shows_the_name_and_what_is_set(run, monkeypatch):
    monkeypatch.setenv("WIREDESK_BATCH_MAX_COUNT", "7")
    shown = run("settings", "enrich").stdout
    assert "batch_max_count" in shown
    assert "(environment)" in shown


def test_unknown_job_and_setting_are_refused(run, monkeypatch):
    assert "there is no job 'nope'" in run("settings", "nope").stderr
    monkeypatch.setenv("WIREDESK_BATCH_SIZE", "7")
    assert "batch_size" in run("settings").stderr
