"""What can be known of the images and manifests without a container engine."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import ENVIRONMENT_PREFIX, load
from local import stack
from local.submission import flink_name, known_jobs

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE_FILES = ["compose.yaml", "compose.gpu.yaml"]
GIVEN_BY_THE_OPERATOR = {
    "env.java.opts.all",
    "parallelism.default",
    "jobmanager.memory.process.size",
    "taskmanager.memory.process.size",
}


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
    assert build_argument("WIREDESK_VERSION") == PROJECT["project"]["version"]


def test_connector_comes_from_the_pom_of_the_local_stack() -> None:
    assert "COPY local/kafka/connector/pom.xml " in DOCKERFILE
    version = pom_version("connector", "flink-sql-connector-kafka")
    assert not [file.name for file in DOCKER.iterdir() if version in file.read_text()]


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
    }
    assert not [s for f in COMPOSE_FILES for s in services(f).values() if "network_mode" in s]


def test_kafka_is_the_version_and_configuration_of_the_local_stack() -> None:
    kafka = services()["kafka"]
    assert kafka["image"] == f"apache/kafka:{pom_version('broker', 'kafka_2.13')}"
    mounted = next(v for v in kafka["volumes"] if v.endswith("server.properties:ro"))
    assert (DOCKER / mounted.split(":")[0]).resolve() == ROOT / "local/kafka/server.properties"


def test_every_wiredesk_variable_is_a_setting() -> None:
    for service in services().values():
        given = service.get("environment", {})
        ours = {key: value for key, value in given.items() if key.startswith(ENVIRONMENT_PREFIX)}
        load(EnrichSettings, environment=ours)


def test_job_is_submitted_by_a_module_that_exists_unless_it_runs() -> None:
    command = services()["enrich"]["command"][-1]
    module = re.search(r"--pyModule (\S+)", command)[1]
    assert importlib.util.find_spec(module)
    assert f"grep -q {flink_name(module.removeprefix('jobs.'))} ||" in command


def test_services_wait_for_services_with_a_healthcheck_or_an_end() -> None:
    there = services()
    for name, service in there.items():
        for other, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in there[other], f"{name} waits for {other}"
            else:
                assert "restart" not in there[other], f"{name} waits for the end of {other}"


def test_every_service_has_limits() -> None:
    limits = {n: s["deploy"]["resources"]["limits"] for n, s in services().items()}
    assert not [name for name, limit in limits.items() if limit.keys() != {"cpus", "memory"}]


def test_gpu_override_changes_the_image_of_every_service_that_has_ours() -> None:
    ours = {name for name, s in services().items() if s["image"].startswith("wiredesk:")}
    override = services("compose.gpu.yaml")
    assert {name: s["image"] for name, s in override.items()} == dict.fromkeys(ours, "wiredesk:gpu")


# ── Kubernetes ───────────────────────────────────────────────────────────────────────────────────


def test_deployment_runs_an_existing_job_on_the_images_flink() -> None:
    spec = parsed(DOCKER / "flinkdeployment.yaml")["spec"]
    version = build_argument("FLINK_VERSION")
    assert spec["flinkVersion"] == "v" + "_".join(version.split(".")[:2])
    assert spec["job"]["jarURI"].endswith(f"/flink-python-{version}.jar")
    assert spec["job"]["args"] in [["-pym", f"jobs.{job}"] for job in known_jobs()]


def test_deployment_repeats_the_cluster_configuration() -> None:
    given = parsed(DOCKER / "flinkdeployment.yaml")["spec"]["flinkConfiguration"]
    conf = parsed(ROOT / "flink-conf" / "config.yaml")
    assert all(isinstance(value, str) for value in given.values())
    wanted = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in conf.items()
        if key not in GIVEN_BY_THE_OPERATOR
    }
    assert {key: given.get(key) for key in wanted} == wanted


def test_deployment_settings_are_known() -> None:
    spec = parsed(DOCKER / "flinkdeployment.yaml")["spec"]
    [container] = spec["podTemplate"]["spec"]["containers"]
    load(EnrichSettings, environment={v["name"]: v["value"] for v in container["env"]})
