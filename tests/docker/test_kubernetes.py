"""The manifests for Kubernetes: made from flink-conf/, and settings that are known."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from jobs.runtime.catalogue import JOBS, load_shared
from local.submission import known_jobs, overlay
from serving.settings import load as load_server

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "kubernetes"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
_spec = importlib.util.spec_from_file_location("made", ROOT / "scripts" / "kubernetes_jobs.py")
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


def documents(name: str) -> list[dict[str, Any]]:
    found = YAML(typ="safe").load_all((FOLDER / name).read_text())
    return [document for document in found if document]


def deployment(job: str) -> dict[str, Any]:
    return next(d for d in documents("jobs.yaml") if d["metadata"]["name"] == f"wiredesk-{job}")


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_the_manifest_of_the_jobs_is_what_its_script_writes() -> None:
    assert (FOLDER / "jobs.yaml").read_text() == made.manifests()


@pytest.mark.parametrize("job", known_jobs())
def test_each_job_runs_on_the_images_flink(job: str) -> None:
    spec = deployment(job)["spec"]
    version = re.search(r"^ARG FLINK_VERSION=(.+)$", DOCKERFILE, re.MULTILINE)[1]
    assert spec["flinkVersion"] == "v" + "_".join(version.split(".")[:2])
    assert spec["job"]["jarURI"].endswith(f"/flink-python-{version}.jar")
    assert spec["job"]["args"] == ["-pym", f"jobs.{job}"]


@pytest.mark.parametrize("job", known_jobs())
def test_each_job_has_its_overlay_and_settings_that_are_known(job: str, monkeypatch) -> None:
    spec = deployment(job)["spec"]
    configuration = spec["flinkConfiguration"]
    assert all(isinstance(value, str) for value in configuration.values())
    assert {key: configuration[key] for key in overlay(job)} == overlay(job)
    [container] = spec["podTemplate"]["spec"]["containers"]
    for name, value in variables(container).items():
        monkeypatch.setenv(name, value)
    load_shared(JOBS[job])


def test_the_server_reads_its_secrets_from_mounted_files(tmp_path) -> None:
    server = next(d for d in documents("serve.yaml") if d["kind"] == "Deployment")
    [container] = server["spec"]["template"]["spec"]["containers"]
    given = variables(container)
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    secret = given["WIREDESK_SERVE_DATABASE_URL_FILE"]
    assert str(Path(secret).parent) in mounts
    assert str(Path(given["WIREDESK_PROFILE_KEYS_FILE"]).parent) in mounts
    (tmp_path / "url").write_text("postgresql://someone:secret@postgres/wiredesk\n")
    given["WIREDESK_SERVE_DATABASE_URL_FILE"] = str(tmp_path / "url")
    settings = load_server(environment=given)
    assert settings.database_url.get_secret_value().endswith("@postgres/wiredesk")
    assert [port["containerPort"] for port in container["ports"]] == [settings.port]
    grace_s = server["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace_s > settings.shutdown_s


def test_pods_run_where_the_image_does() -> None:
    pods = [deployment(job)["spec"]["podTemplate"]["spec"] for job in known_jobs()]
    for name in ("serve.yaml", "topics.yaml"):
        specs = [document["spec"] for document in documents(name)]
        pods += [spec["template"]["spec"] for spec in specs if "template" in spec]
    assert [pod["nodeSelector"] for pod in pods] == [{"kubernetes.io/arch": "amd64"}] * len(pods)


def test_nobody_is_root_and_nothing_is_written_outside_volumes() -> None:
    for name in ("serve.yaml", "topics.yaml"):
        for document in documents(name):
            if "template" not in document["spec"]:
                continue
            pod = document["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"]
            for container in pod["containers"]:
                assert container["securityContext"]["readOnlyRootFilesystem"]
                assert container["resources"]["limits"].keys() == {"cpu", "memory"}
