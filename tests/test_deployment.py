"""What stands in Dockerfile, compose files and deploy/: its form, and, where that is possible here, that it works.

There is no container engine in a test. So the image is checked by its instructions (and by hadolint where that is
installed), and by starting what it starts; nginx is the real one where it is installed.
"""

import argparse
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from sched_emulator import Emulator
from sched_emulator.commands import serve
from sched_emulator.commands.options import values_of

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE_FILES = [ROOT / "compose.yaml", DEPLOY / "compose.yaml"]
SEARCH_PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
OUR_PREFIX = "SCHED_EMULATOR_"

Json = dict[str, Any]


class Image(NamedTuple):
    """What a Dockerfile says about the image: its last stage, and the bases of all stages."""

    bases: list[str]
    environment: dict[str, str]
    user: str
    ports: list[str]
    health: list[str]
    command: list[str]


def read_image() -> Image:
    stages: list[dict[str, str]] = []
    bases = []
    for line in re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            stages.append({})
            bases.append(rest.split()[0])
        stages[-1][instruction] = rest
    last = stages[-1]
    return Image(
        bases=bases,
        environment=dict(pair.split("=", 1) for pair in shlex.split(last["ENV"])),
        user=last["USER"],
        ports=last["EXPOSE"].split(),
        health=json.loads(last["HEALTHCHECK"].partition(" CMD ")[2]),
        command=json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"]),
    )


def settings(environment: Mapping[str, str]) -> Json:
    """Return what `serve` makes of environment variables; UsageError when a value is none."""
    values = vars(values_of(serve.OPTIONS, argparse.Namespace(), environment))
    chosen = {option.variable: values[option.dest] for option in serve.OPTIONS}
    return {name: chosen[name] for name in environment if name.startswith(OUR_PREFIX)}


def kubernetes() -> dict[tuple[str, str], Json]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def pod(kind: str, name: str) -> Json:
    template: Json = kubernetes()[kind, name]["spec"]["template"]
    return template


def container(kind: str, name: str) -> Json:
    [only] = pod(kind, name)["spec"]["containers"]
    found: Json = only
    return found


def ask(address: str, method: str, path: str, headers: Mapping[str, str], body: Json | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), dict(headers))
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content.startswith(b"{") else None
    finally:
        connection.close()


# --- The image


def test_the_image_runs_without_root_and_listens_where_containers_do() -> None:
    image = read_image()
    assert image.user == "10001:10001"
    assert settings(image.environment) == {"SCHED_EMULATOR_HOST": "0.0.0.0", "SCHED_EMULATOR_PORT": 8420}  # noqa: S104
    assert image.ports == ["8420"]
    assert image.command == ["sched-emulator", "serve"]


def test_every_image_has_a_version() -> None:
    images = read_image().bases
    for path in COMPOSE_FILES:
        images += [item["image"] for item in yaml.safe_load(path.read_text())["services"].values() if "image" in item]
    images += [container("StatefulSet", "emulator")["image"], container("Deployment", "sched-emulator")["image"]]
    assert [image for image in images if not re.fullmatch(r"[a-z./-]+:[0-9]+\.[0-9]+[a-z0-9.-]*", image)] == []


def test_the_image_is_built_from_what_the_package_needs() -> None:
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    project = (ROOT / "pyproject.toml").read_text()
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    assert {"src", "openapi", "pyproject.toml", "README.md"} <= set(allowed)
    assert [name for name in ("openapi", "contract_tests") if name in project and name not in allowed] == []


@pytest.mark.skipif(shutil.which("hadolint", path=SEARCH_PATH) is None, reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say() -> None:
    command = [str(shutil.which("hadolint", path=SEARCH_PATH)), str(ROOT / "Dockerfile")]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""


def test_what_the_image_starts_is_healthy_until_it_is_told_to_stop(tmp_path: Path) -> None:
    image = read_image()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OUR_PREFIX)}
    environment = {**outside, **image.environment, "PATH": SEARCH_PATH, "SCHED_EMULATOR_PORT": "0"}

    def health(port: str) -> int:
        asked = {**environment, "SCHED_EMULATOR_PORT": port}
        return subprocess.run(image.health, cwd=tmp_path, env=asked, capture_output=True, check=False).returncode

    with subprocess.Popen(image.command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[0-9.]+:([0-9]+)/", process.stdout.readline())
        assert found is not None
        assert health(found[1]) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert health(found[1]) == 1


# --- compose and Kubernetes


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=["one emulator", "two emulators"])
def test_a_compose_file_gives_the_emulator_options_it_knows(path: Path) -> None:
    services = yaml.safe_load(path.read_text())["services"]
    emulators = [service for service in services.values() if "build" in service]
    for service in emulators:
        assert (path.parent / service["build"] / "Dockerfile").is_file()
        assert settings(service["environment"]).keys() == service["environment"].keys()
    hardened = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    assert [{name: service[name] for name in hardened} for service in services.values()] == [hardened] * len(services)
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8420:8420"]


def upstream_servers() -> list[str]:
    return re.findall(r"server (\S+):8420 max_fails=0;", (DEPLOY / "nginx.conf").read_text())


def test_nginx_finds_its_emulators_under_the_names_that_compose_gives_them() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert upstream_servers() == [name for name, service in services.items() if "build" in service]


def test_nginx_finds_its_emulators_under_the_names_that_kubernetes_gives_them() -> None:
    selectors = {name: kubernetes()["Service", name]["spec"]["selector"] for name in upstream_servers()}
    assert selectors == {name: {"statefulset.kubernetes.io/pod-name": name} for name in selectors}
    assert len(selectors) == kubernetes()["StatefulSet", "emulator"]["spec"]["replicas"]


def test_services_of_kubernetes_select_pods_that_there_are() -> None:
    labels = [pod("StatefulSet", "emulator")["metadata"]["labels"]]
    labels += [pod("Deployment", "sched-emulator")["metadata"]["labels"]]
    assert [kubernetes()["Service", name]["spec"]["selector"] for name in ("emulator", "sched-emulator")] == labels


def test_kubernetes_gives_the_emulator_options_it_knows() -> None:
    given = {item["name"]: item["value"] for item in container("StatefulSet", "emulator")["env"]}
    names = ("sched-emulator", "sched-emulator.default.svc.cluster.local")
    assert settings(given) == {"SCHED_EMULATOR_ALLOW_HOST": names}


@pytest.mark.parametrize("kind", ["readinessProbe", "livenessProbe"])
def test_a_probe_of_kubernetes_is_answered(kind: str) -> None:
    probe = container("StatefulSet", "emulator")[kind]["httpGet"]
    headers = {header["name"]: header["value"] for header in probe["httpHeaders"]}
    with Emulator.start() as emulator:
        status, answer = ask(emulator.url.removeprefix("http://"), "GET", probe["path"], headers)
    assert (status, answer["status"]) == (200, "ok")


# --- nginx

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
KEYS = [f"ifr_team_{number}" for number in range(40)]


@contextmanager
def nginx(folder: Path, emulators: Sequence[Emulator]) -> Iterator[str]:
    """Run nginx with deploy/nginx.conf before these emulators; yield the address where it listens.

    It inherits a socket that listens already, so no port can be lost and nothing waits for its start.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        text = (DEPLOY / "nginx.conf").read_text()
        text = text.replace("/tmp/", f"{folder}/").replace("listen 8420;", f"listen {address};")  # noqa: S108
        for name, emulator in zip(upstream_servers(), emulators, strict=True):
            text = text.replace(f"{name}:8420", emulator.url.removeprefix("http://"))
        (folder / "nginx.conf").write_text(text)
        command = ["nginx", "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        descriptor = listening.fileno()
        environment = {**os.environ, "NGINX": f"{descriptor};"}
        with subprocess.Popen(command, env=environment, pass_fds=[descriptor], stderr=subprocess.PIPE) as process:
            try:
                yield address
            finally:
                process.terminate()


@pytest.fixture
def emulators() -> Iterator[list[Emulator]]:
    with Emulator.start() as first, Emulator.start() as second:
        yield [first, second]


def publish(address: str, key: str, authorization: str = "Bearer {}") -> tuple[int, Any]:
    body = {"queue": "orders", "payload": {"of": key}}
    headers = {"Authorization": authorization.format(key)}
    return ask(address, "POST", "/v1/scheduling/queue/publish", headers, body)


@needs_nginx
def test_nginx_leads_a_key_to_the_same_emulator_every_time(tmp_path: Path, emulators: list[Emulator]) -> None:
    with nginx(tmp_path, emulators) as address:
        for key in KEYS:
            for authorization in ("Bearer {}", "bearer {}", "Bearer   {}"):
                assert publish(address, key, authorization)[0] == 200
        through = Emulator.connect(f"http://{address}")
        for key in KEYS:
            box = through.sandbox(key)
            assert [entry["operation"] for entry in box.requests()] == ["scheduling.queue.publish"] * 3
            assert box.clock.advance(days=1)["now"] == "2026-01-02T00:00:00.000Z"
    counts = [emulator.health()["sandboxes"] for emulator in emulators]
    assert sum(counts) == len(KEYS)
    assert all(counts)


@needs_nginx
def test_behind_nginx_the_keys_of_an_emulator_that_is_down_stay_its_own(
    tmp_path: Path, emulators: list[Emulator]
) -> None:
    first, second = emulators
    with nginx(tmp_path, emulators) as address:
        assert {publish(address, key)[0] for key in KEYS} == {200}
        remaining = second.health()["sandboxes"]
        first.stop()
        statuses = [publish(address, key)[0] for _ in range(2) for key in KEYS]
        assert statuses[: len(KEYS)] == statuses[len(KEYS) :]
        assert (statuses.count(200), statuses.count(502)) == (2 * remaining, 2 * (len(KEYS) - remaining))
        assert second.health()["sandboxes"] == remaining


@needs_nginx
def test_behind_nginx_what_needs_no_key_is_answered(tmp_path: Path, emulators: list[Emulator]) -> None:
    with nginx(tmp_path, emulators) as address:
        assert [ask(address, "GET", path, {})[0] for path in ("/v1/discovery", "/_emulator/health")] == [200, 200]
