"""What can be known of the image and of compose without a container engine."""

import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML

from jobs.runtime.catalogue import JOBS, load_shared
from local import stack
from local.submission import known_jobs
from schemas import __version__
from serving.settings import ServeSettings
from serving.settings import load as load_server

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE_FILES = ["compose.yaml", "compose.gpu.yaml", "compose.postgresql.yaml"]
CONSOLE_PORT = 8080


def parsed(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text())


def services(file: str = "compose.yaml") -> dict[str, dict[str, Any]]:
    return parsed(DOCKER / file)["services"]


def build_argument(name: str) -> str:
    return re.search(rf"^ARG {name}=(.+)$", DOCKERFILE, re.MULTILINE)[1]


def locked(accelerator: str) -> dict[str, str]:
    lock = (ROOT / "locks" / f"{accelerator}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE))


def pom_version(module: str, artifact: str) -> str:
    pom = ElementTree.parse(ROOT / "local" / "kafka" / module / "pom.xml")
    for dependency in pom.iterfind(".//{*}dependency"):
        if dependency.findtext("{*}artifactId") == artifact:
            return dependency.findtext("{*}version")
    raise AssertionError(f"{module}/pom.xml has no {artifact}")


# ── the image ────────────────────────────────────────────────────────────────────────────────────


def test_flink_python_and_wiredesk_versions_are_the_projects() -> None:
    assert f"apache-flink=={build_argument('FLINK_VERSION')}" in PROJECT["project"]["dependencies"]
    assert PROJECT["project"]["requires-python"].startswith(
        f">={build_argument('PYTHON_VERSION')},"
    )
    assert build_argument("WIREDESK_VERSION") == __version__


def test_uv_is_the_version_of_the_setup_script() -> None:
    setup = (ROOT / "scripts" / "setup.sh").read_text()
    assert f"\nUV={build_argument('UV_VERSION')}\n" in setup


def test_connector_comes_from_the_pom_of_the_local_stack() -> None:
    assert "COPY local/kafka/connector/pom.xml " in DOCKERFILE
    version = pom_version("connector", "flink-sql-connector-kafka")
    files = [file for file in DOCKER.rglob("*") if file.is_file()]
    assert not [file.name for file in files if version in file.read_text()]


def test_readme_fetches_the_connector_of_that_pom() -> None:
    version = pom_version("connector", "flink-sql-connector-kafka")
    artifact = f"-Dartifact=org.apache.flink:flink-sql-connector-kafka:{version}"
    assert f" {artifact}\n" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_each_accelerator_has_a_stage_and_a_lock_with_the_images_flink(accelerator: str) -> None:
    assert re.search(rf"^FROM \S+ AS base-{accelerator}$", DOCKERFILE, re.MULTILINE)
    assert locked(accelerator)["apache-flink"] == build_argument("FLINK_VERSION")


def test_gpu_lock_brings_the_cuda_libraries_that_the_image_points_to() -> None:
    wanted = {"nvidia-cublas", "nvidia-cuda-runtime", "nvidia-cudnn-cu13", "onnxruntime-gpu"}
    assert locked("gpu").keys() >= wanted


def test_build_context_holds_every_package_of_the_wheel() -> None:
    ignore = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert not [name for name in packages if f"!{name}/" not in ignore]


# ── compose ──────────────────────────────────────────────────────────────────────────────────────


def test_every_published_port_is_on_loopback_and_as_in_the_local_stack() -> None:
    published = {
        name: port
        for file in COMPOSE_FILES
        for name, service in services(file).items()
        for port in service.get("ports", [])
    }
    assert published == {
        "kafka": f"127.0.0.1:${{KAFKA_PORT:-{stack.KAFKA_PORT}}}:19092",
        "redis": f"127.0.0.1:${{REDIS_PORT:-{stack.REDIS_PORT}}}:6379",
        "jobmanager": f"127.0.0.1:${{FLINK_PORT:-{stack.FLINK_PORT}}}:8081",
        "serve": f"127.0.0.1:${{CONSOLE_PORT:-{CONSOLE_PORT}}}:{CONSOLE_PORT}",
    }
    modes = [s.get("network_mode") for f in COMPOSE_FILES for s in services(f).values()]
    assert set(modes) <= {None, "none"}


def test_kafka_is_the_version_and_configuration_of_the_local_stack() -> None:
    kafka = services()["kafka"]
    assert kafka["image"] == f"apache/kafka:{pom_version('broker', 'kafka_2.13')}"
    mounted = next(v for v in kafka["volumes"] if v.endswith("server.properties:ro"))
    assert (DOCKER / mounted.split(":")[0]).resolve() == ROOT / "local/kafka/server.properties"


@pytest.mark.parametrize("job", known_jobs())
def test_every_wiredesk_variable_of_a_job_is_a_setting(job: str, monkeypatch) -> None:
    for name, value in services()[job]["environment"].items():
        monkeypatch.setenv(name, value)
    load_shared(JOBS[job])


def test_every_wiredesk_variable_of_the_server_is_a_setting() -> None:
    given = services()["serve"]["environment"]
    settings = load_server(environment=given)
    assert settings.port == CONSOLE_PORT
    assert settings.public_url == given["WIREDESK_SERVE_PUBLIC_URL"]


def test_the_servers_files_are_on_volumes_that_its_image_owns() -> None:
    serve = services()["serve"]
    assert serve["read_only"]
    volumes = {volume.split(":")[1] for volume in serve["volumes"]}
    assert serve["working_dir"] in volumes
    for folder in volumes:
        assert f'"${{FLINK_HOME}}/{Path(folder).name}"' in DOCKERFILE


def test_every_job_is_submitted_where_its_keys_are() -> None:
    there = services()
    for job in known_jobs():
        assert there[job]["command"] == ["submit", job]
        assert "keys" in there[job]["depends_on"]
    ring = there["profiles"]["environment"]["WIREDESK_PROFILE_KEYS_FILE"]
    for name in ("profiles", "serve", "taskmanager"):
        assert f"keys:{Path(ring).parent}:ro" in there[name]["volumes"]


def test_every_job_fits_on_one_taskmanager() -> None:
    slots = services()["taskmanager"]["environment"]["TASK_MANAGER_NUMBER_OF_TASK_SLOTS"]
    assert int(slots) >= len(known_jobs())
    assert services()["taskmanager"]["deploy"]["replicas"] == 2


def test_a_taskmanager_may_take_what_its_configuration_sets_aside() -> None:
    conf = parsed(ROOT / "flink-conf" / "config.yaml")
    process_mb = int(conf["taskmanager.memory.process.size"].removesuffix(" mb"))
    limit = services()["taskmanager"]["deploy"]["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("g")) * 1024 > process_mb


def test_services_wait_for_services_with_a_healthcheck_or_an_end() -> None:
    there = services()
    for name, service in there.items():
        for other, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in there[other], f"{name} waits for {other}"
            else:
                assert "restart" not in there[other], f"{name} waits for the end of {other}"


def test_our_image_is_for_the_platform_that_the_locks_are_for() -> None:
    ours = [s for s in services().values() if s["image"].startswith("wiredesk:")]
    assert {service["platform"] for service in ours} == {"linux/amd64"}


def test_every_service_has_limits() -> None:
    there = services() | {"postgres": services("compose.postgresql.yaml")["postgres"]}
    limits = {n: s["deploy"]["resources"]["limits"] for n, s in there.items()}
    assert not [name for name, limit in limits.items() if limit.keys() != {"cpus", "memory"}]


def test_gpu_override_changes_the_image_of_every_service_that_has_ours() -> None:
    ours = {name for name, s in services().items() if s["image"].startswith("wiredesk:")}
    override = services("compose.gpu.yaml")
    assert {name: s["image"] for name, s in override.items()} == dict.fromkeys(ours, "wiredesk:gpu")


def test_the_history_in_postgresql_takes_its_address_from_a_file() -> None:
    override = services("compose.postgresql.yaml")
    (name,) = override["serve"]["environment"]
    assert name.removeprefix("WIREDESK_SERVE_").removesuffix("_FILE").lower() == "database_url"
    assert ServeSettings.model_fields["database_url"].annotation is SecretStr
    secrets = parsed(DOCKER / "compose.postgresql.yaml")["secrets"]
    used = [*override["serve"]["secrets"], *override["postgres"]["secrets"]]
    assert sorted(used) == sorted(secrets)


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_the_locks_of_the_image_hold_what_the_server_needs(accelerator: str) -> None:
    wanted = PROJECT["project"]["optional-dependencies"]["serving"]
    names = {re.match(r"[a-z0-9-]+", need)[0] for need in wanted} - {"wiredesk"}
    assert not names - locked(accelerator).keys()
