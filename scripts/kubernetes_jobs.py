"""Write docker/kubernetes/jobs.yaml: a FlinkDeployment for each job, from flink-conf/.

    .venv/bin/python scripts/kubernetes_jobs.py

The operator hides the image's configuration behind what a deployment gives: so all of it stands
there, and what a job changes with it.
"""

from pathlib import Path

from ruamel.yaml import YAML

from local.submission import known_jobs, overlay

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docker" / "kubernetes" / "jobs.yaml"

HEAD = """\
# The jobs under the Flink Kubernetes operator (1.15 or newer), each with a cluster of its own.
# Made by scripts/kubernetes_jobs.py from flink-conf/. Yours to name: image, Kafka, Redis, and a
# volume that every pod can write (ReadWriteMany). `profiles` needs the secret of serve.yaml.
#   kubectl apply -f docker/kubernetes/jobs.yaml
"""

DEPLOYMENT = """\
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: wiredesk-{job}
spec:
  image: wiredesk:cpu
  flinkVersion: v2_3
  serviceAccount: flink
  job:
    jarURI: local:///opt/flink/opt/flink-python-2.3.0.jar
    entryClass: org.apache.flink.client.python.PythonDriver
    args: [-pym, jobs.{job}]
    parallelism: 1
    upgradeMode: last-state
  jobManager:
    resource: {{ cpu: 1, memory: 1024m }}
  taskManager:
    resource: {{ cpu: 2, memory: 4096m }}
  podTemplate:
    spec:
      nodeSelector: {{ kubernetes.io/arch: amd64 }}
      securityContext: {{ runAsNonRoot: true, fsGroup: 9999 }}
      containers:
        - name: flink-main-container
          env: # settings: `wiredesk settings`; secrets belong into a Secret
            - {{ name: WIREDESK_KAFKA_BOOTSTRAP, value: "kafka:9092" }}
            - {{ name: WIREDESK_REDIS_URL, value: "redis://redis:6379/0" }}
{variables}          volumeMounts:
            - {{ name: state, mountPath: /opt/flink/state }}
{mounts}      volumes:
        - name: state
          persistentVolumeClaim: {{ claimName: wiredesk-state }}
{volumes}  flinkConfiguration:
    # This cluster
    taskmanager.numberOfTaskSlots: "1"
    slotmanager.redundant-taskmanager-num: "1" # one stands by
    execution.checkpointing.dir: file:///opt/flink/state/checkpoints
    execution.checkpointing.savepoint-dir: file:///opt/flink/state/savepoints
    high-availability.type: kubernetes
    high-availability.storageDir: file:///opt/flink/state/ha
    # flink-conf/config.yaml, and flink-conf/{job}.yaml where there is one
{configuration}"""

GIVEN_BY_THE_OPERATOR = frozenset(
    {
        "env.java.opts.all",
        "parallelism.default",
        "jobmanager.memory.process.size",
        "taskmanager.memory.process.size",
    }
)

SECRETS = {
    "profiles": {
        "variables": """\
            - { name: WIREDESK_PROFILE_KEYS_FILE, value: /run/secrets/keys/profiles.toml }
""",
        "mounts": """\
            - { name: keys, mountPath: /run/secrets/keys, readOnly: true }
""",
        "volumes": """\
        - name: keys
          secret: { secretName: wiredesk-profile-keys, defaultMode: 0440 }
""",
    }
}
NO_SECRETS = {"variables": "", "mounts": "", "volumes": ""}


def manifests() -> str:
    """The file's content."""
    return HEAD + "".join(
        DEPLOYMENT.format(
            job=job, configuration=_configuration(job), **SECRETS.get(job, NO_SECRETS)
        )
        for job in known_jobs()
    )


def _configuration(job: str) -> str:
    shared = YAML(typ="safe").load(ROOT / "flink-conf" / "config.yaml")
    given = {k: v for k, v in shared.items() if k not in GIVEN_BY_THE_OPERATOR} | overlay(job)
    return "".join(f"    {key}: {_text(value)}\n" for key, value in given.items())


def _text(value: object) -> str:
    """A value as text for the operator, quoted where YAML would read another type."""
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return plain if isinstance(YAML(typ="safe").load(plain), str) else f'"{plain}"'


if __name__ == "__main__":
    OUT.write_text(manifests(), "utf-8")
