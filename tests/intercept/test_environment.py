import os
from pathlib import Path

import pytest

from sched_emulator.intercept.environment import PRELOAD, START_UP, Places, variables

PLACES = Places(
    emulator_url="http://127.0.0.1:1",
    proxy_url="http://127.0.0.1:2",
    tls_port=3,
    bundle=Path("/bundle.pem"),
    authority=Path("/ca.pem"),
    key="ifr_local",
)
ALWAYS = {
    "INFRAI_API_KEY": "ifr_local",
    "SCHED_EMULATOR_URL": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:2",
    "https_proxy": "http://127.0.0.1:2",
    "SSL_CERT_FILE": "/bundle.pem",
    "REQUESTS_CA_BUNDLE": "/bundle.pem",
    "CURL_CA_BUNDLE": "/bundle.pem",
    "NODE_EXTRA_CA_CERTS": "/bundle.pem",
    "NO_PROXY": "localhost,127.0.0.1,::1",
    "no_proxy": "localhost,127.0.0.1,::1",
    "NODE_OPTIONS": f'--require "{PRELOAD}"',
    "PYTHONPATH": str(START_UP),
    "SCHED_EMULATOR_CA_FILE": "/ca.pem",
    "SCHED_EMULATOR_TLS_PORT": "3",
}


def test_everything_that_leads_to_the_emulator_is_set() -> None:
    assert variables({}, PLACES, offline=False) == ALWAYS


def test_the_real_key_is_replaced_and_what_is_foreign_is_kept() -> None:
    before = {"INFRAI_API_KEY": "ifr_real", "PATH": "/bin", "HTTP_PROXY": "http://proxy:3128"}
    assert variables(before, PLACES, offline=False) == ALWAYS | {"PATH": "/bin", "HTTP_PROXY": "http://proxy:3128"}


def test_offline_every_kind_of_proxy_is_ours() -> None:
    before = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "example.com"}
    others = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    expected = ALWAYS | dict.fromkeys(others, "http://127.0.0.1:2") | {"SCHED_EMULATOR_OFFLINE": "1"}
    assert variables(before, PLACES, offline=True) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "api.infrai.cc",
        "API.infrai.cc",
        ".infrai.cc",
        "infrai.cc",
        "*.infrai.cc",
        ".cc",
        "cc",
        "api.infrai.cc:443",
        ".",
    ],
)
def test_no_proxy_cannot_exempt_the_gateway(entry: str) -> None:
    after = variables({"no_proxy": f"example.com, {entry},.intern:8080,"}, PLACES, offline=False)
    assert after["NO_PROXY"] == after["no_proxy"] == "example.com,.intern:8080,localhost,127.0.0.1,::1"


def test_names_that_only_look_alike_are_kept() -> None:
    after = variables({"NO_PROXY": "fakeinfrai.cc,frai.cc,::1,localhost"}, PLACES, offline=False)
    assert after["NO_PROXY"] == "fakeinfrai.cc,frai.cc,::1,localhost,127.0.0.1"


def test_options_of_node_are_added_to() -> None:
    after = variables({"NODE_OPTIONS": "--max-old-space-size=4096"}, PLACES, offline=False)
    assert after["NODE_OPTIONS"] == f'--max-old-space-size=4096 --require "{PRELOAD}"'
    assert PRELOAD.is_file()


def test_the_start_up_hook_of_python_stands_first_and_once() -> None:
    within = variables(variables({"PYTHONPATH": f"/lib{os.pathsep}"}, PLACES, offline=False), PLACES, offline=False)
    assert within["PYTHONPATH"] == os.pathsep.join([str(START_UP), "/lib", ""])
    assert (START_UP / "sitecustomize.py").is_file()
