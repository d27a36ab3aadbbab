import asyncio
import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import termios
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from sched_emulator.cli import main
from sched_emulator.intercept.process import NotStartedError, run_command
from tests.receivers import Told, serving

OURS = ("SCHED_EMULATOR_", "PYTHONPATH", "INFRAI_", "SSL_CERT_", "REQUESTS_CA", "CURL_CA", "NODE_")
CURL_EXAMPLES = r"""
curl -X POST https://api.infrai.cc/v1/scheduling/cron/create \
  -H "Authorization: Bearer $INFRAI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}'
echo
curl -X GET https://api.infrai.cc/v1/scheduling/cron/list \
  -H "Authorization: Bearer $INFRAI_API_KEY"
echo
curl -X POST https://api.infrai.cc/v1/scheduling/queue/publish \
  -H "Authorization: Bearer $INFRAI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"queue": "orders", "payload": {"order_id": "o_123"}, "priority": 5}'
"""
PYTHON_CLIENTS = """
import asyncio, http.client, json, os, socket, ssl, sys, urllib.request
import aiohttp, certifi, httpx, requests, urllib3

URL = "https://api.infrai.cc/v1/scheduling/queue/publish"
BODY = {"queue": "orders", "payload": {}}
HEADERS = {"Authorization": "Bearer " + os.environ["INFRAI_API_KEY"]}

def by_urllib():
    headers = {**HEADERS, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(URL, json.dumps(BODY).encode(), headers)) as response:
        return json.load(response)

def by_requests():
    return requests.post(URL, json=BODY, headers=HEADERS).json()

def by_httpx():
    return httpx.post(URL, json=BODY, headers=HEADERS).json()

async def by_httpx_async():
    async with httpx.AsyncClient() as client:
        return (await client.post(URL, json=BODY, headers=HEADERS)).json()

async def by_aiohttp(**settings):
    async with aiohttp.ClientSession(trust_env=settings.pop("trust_env", False)) as session:
        async with session.post(URL, json=BODY, headers=HEADERS, **settings) as response:
            return await response.json()

# What follows takes no proxy from the environment, and trusts what it brings.

def by_requests_alone():
    session = requests.Session()
    session.trust_env = False
    return session.post(URL, json=BODY, headers=HEADERS).json()

async def by_httpx_alone():
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(URL, json=BODY, headers=HEADERS)).json()

def by_http_client():
    connection = http.client.HTTPSConnection("api.infrai.cc")
    headers = {**HEADERS, "Content-Type": "application/json"}
    connection.request("POST", "/v1/scheduling/queue/publish", json.dumps(BODY), headers)
    return json.load(connection.getresponse())

def by_urllib3():
    return urllib3.PoolManager(ca_certs=certifi.where()).request("POST", URL, json=BODY, headers=HEADERS).json()

def by_socket(connect):
    body = json.dumps(BODY)
    lines = ["POST /v1/scheduling/queue/publish HTTP/1.1", "Host: api.infrai.cc", "Connection: close",
             "Content-Type: application/json", f"Content-Length: {len(body)}", *map(": ".join, HEADERS.items())]
    context = ssl.create_default_context(cafile=certifi.where())
    with context.wrap_socket(connect(), server_hostname="api.infrai.cc") as sock:
        sock.sendall("\\r\\n".join([*lines, "", body]).encode())
        return json.loads(sock.makefile("rb").read().partition(b"\\r\\n\\r\\n")[2])

def connect_by_name():
    sock = socket.socket()
    sock.connect(("API.infrai.cc", 443))
    return sock

def connect_by_address():
    sock = socket.socket()
    assert sock.connect_ex((socket.gethostbyname("api.infrai.cc"), 443)) == 0
    return sock

def elsewhere():
    for reach in (
        lambda: socket.create_connection(("example.com", 443)),
        lambda: socket.getaddrinfo("example.com", 443),
        lambda: socket.socket().connect(("192.0.2.1", 80)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", ("192.0.2.1", 53)),
        lambda: http.client.HTTPConnection("api.infrai.cc").connect(),
        lambda: asyncio.run(asyncio.open_connection("example.com", 443)),
    ):
        try:
            reach()
        except OSError as error:
            print(error.strerror)

for answer in (
    by_urllib(), by_requests(), by_httpx(), asyncio.run(by_httpx_async()), asyncio.run(by_aiohttp(trust_env=True)),
    by_requests_alone(), asyncio.run(by_httpx_alone()), asyncio.run(by_aiohttp()), by_http_client(), by_urllib3(),
    asyncio.run(by_aiohttp(ssl=ssl.create_default_context(cafile=certifi.where()))),
    by_socket(lambda: socket.create_connection(("api.infrai.cc", 443))),
    by_socket(connect_by_name), by_socket(connect_by_address),
):
    print(answer["data"]["message_id"])
if len(sys.argv) > 1:
    elsewhere()
"""
NODE_CLIENTS = """
const https = require('node:https');
const url = 'https://api.infrai.cc/v1/scheduling/queue/publish';
const body = JSON.stringify({ queue: 'orders', payload: {} });
const headers = { Authorization: `Bearer ${process.env.INFRAI_API_KEY}`, 'Content-Type': 'application/json' };
const options = { method: 'POST', headers };

function byHttps() {
  return new Promise((resolve, reject) => {
    const request = https.request(url, options, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(JSON.parse(text));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function byFetch() {
  return (await fetch(url, { ...options, body })).json();
}

(async () => {
  for (const answer of [await byHttps(), await byFetch()]) console.log(answer.data.message_id);
})();
"""
NODE_ELSEWHERE = """
import('node:https').then(async (https) => {
  const said = (error) => console.log((error.cause ?? error).message);
  await fetch('https://example.com/').catch(said);
  https.get('https://example.com/').on('error', said);
  const server = require('node:http').createServer((_, response) => response.end('here')).listen(0, async () => {
    console.log(await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text());
    server.close();
  });
});
"""
NEVER_CAME = "sched-emulator run: the command never asked the emulator. "


def environment(**given: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(OURS) and "proxy" not in name.lower()
    }
    return {**kept, **given}


def run(*arguments: str, **given: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "sched_emulator", "run", *arguments],
        env=environment(**given),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def python(source: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", textwrap.dedent(source))


# --- Clients, with the gateway's own hostname.


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_documentation_s_curl_examples_work_as_printed() -> None:
    result = run("--", "sh", "-c", CURL_EXAMPLES, INFRAI_API_KEY="ifr_costs_money", NO_PROXY="api.infrai.cc")
    created, listed, published = (json.loads(line)["data"] for line in result.stdout.splitlines())
    assert (created["cron_id"], listed["items"][0]["cron_id"]) == ("cron_000001", "cron_000001")
    assert published == {"message_id": "msg_000001"}
    assert (result.returncode, NEVER_CAME in result.stderr) == (0, False)


def test_the_http_clients_of_python_find_it_and_offline_nothing_else() -> None:
    result = run("--offline", *python(PYTHON_CLIENTS), "elsewhere")
    assert result.stderr == ""
    refused = "{} is not reached: sched-emulator run --offline lets nothing through but api.infrai.cc"
    hosts = ["example.com", "example.com", "192.0.2.1", "192.0.2.1", "api.infrai.cc", "example.com"]
    assert result.stdout.splitlines() == [
        *(f"msg_{number:06}" for number in range(1, 15)),
        *map(refused.format, hosts),
    ]


PYTHON_WITHIN = """
    import http.client, os, socket, subprocess, sys

    def status():
        connection = http.client.HTTPSConnection("api.infrai.cc")
        connection.request("GET", "/v1/discovery")
        return connection.getresponse().status

    print(sys.modules["sitecustomize"].__file__ == os.environ["THEIRS"], sys.modules["sitecustomize"].RAN, status())
    if "within" not in sys.argv:
        subprocess.run([*sys.orig_argv, "within"], check=True)
    try:
        socket.create_connection(("example.com", 443))
    except ConnectionRefusedError:
        print("refused")
"""


def test_a_run_in_an_offline_run_its_processes_and_one_s_own_sitecustomize(tmp_path: Path) -> None:
    theirs = tmp_path / "sitecustomize.py"
    theirs.write_text("import sys\nRAN = sorted({'ssl', 'socket', 'asyncio'} & sys.modules.keys())\n")
    within = ["--", sys.executable, "-m", "sched_emulator", "run", *python(PYTHON_WITHIN)]
    result = run("--offline", *within, PYTHONPATH=str(tmp_path), THEIRS=str(theirs))
    assert (result.returncode, result.stdout.splitlines()) == (
        0,
        ["True [] 200", "True [] 200", "refused", "refused"],
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_node_finds_it() -> None:
    result = run("--", "node", "-e", NODE_CLIENTS)
    assert result.stderr == ""
    assert result.stdout.split() == ["msg_000001", "msg_000002"]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_offline_node_reaches_this_machine_only() -> None:
    result = run("--offline", "--", "node", "-e", NODE_ELSEWHERE)
    refused = "example.com is not reached: sched-emulator run --offline lets nothing through but api.infrai.cc"
    assert sorted(result.stdout.splitlines()) == [refused, refused, "here"]


# --- What the command sees.


def test_the_command_finds_key_and_emulator_and_can_steer_the_clock() -> None:
    source = """
        import json, os, subprocess, sys, urllib.request
        print(os.environ["INFRAI_API_KEY"])
        cron = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
        headers = {"Authorization": "Bearer ifr_local", "Content-Type": "application/json"}
        url = os.environ["SCHED_EMULATOR_URL"] + "/v1/scheduling/cron/create"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(cron).encode(), headers)).close()
        command = [sys.executable, "-m", "sched_emulator", "clock", "advance", "2w"]
        subprocess.run(command, check=True)
    """
    result = run("--clock", "frozen", "--now", "2026-01-01", *python(source), INFRAI_API_KEY="ifr_costs_money")
    assert result.stderr == ""
    assert result.stdout.startswith("ifr_local\n")
    assert "2026-01-12" in result.stdout


def test_options_of_serve_hold() -> None:
    source = """
        import os, urllib.request
        print(os.environ["INFRAI_API_KEY"])
        request = urllib.request.Request("https://api.infrai.cc/v1/account/balance")
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            print(error.code)
    """
    assert run("--keys", "ifr_b,ifr_a", *python(source)).stdout == "ifr_a\n401\n"


def test_the_control_api_is_not_served_under_the_gateway_s_name() -> None:
    source = """
        import urllib.request
        try:
            urllib.request.urlopen("https://api.infrai.cc/_emulator/health")
        except urllib.error.HTTPError as error:
            print(error.code)
    """
    assert run(*python(source)).stdout == "403\n"


# --- Other hosts.


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server of another host, and the file with its authority. 127.0.0.2 is not exempt from proxies."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.2").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
    with serving(lambda _: Told(200, b"elsewhere"), host="127.0.0.2", tls=context) as (url, _):
        yield f"{url}/", str(tmp_path / "company.pem")


FETCH = """
    import sys, urllib.request
    try:
        print(urllib.request.urlopen(sys.argv[1]).read().decode())
    except OSError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of this machine on Linux only")
def test_other_hosts_pass_through_and_stay_trusted(elsewhere: tuple[str, str]) -> None:
    url, authority = elsewhere
    result = run(*python(FETCH), url, SSL_CERT_FILE=authority)
    assert result.stdout == "elsewhere\n"
    assert result.stderr.startswith(NEVER_CAME)


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of this machine on Linux only")
def test_offline_other_hosts_are_refused(elsewhere: tuple[str, str]) -> None:
    url, authority = elsewhere
    assert "403 Forbidden" in run("--offline", *python(FETCH), url, SSL_CERT_FILE=authority).stdout


# --- Exit status and signals.


def test_the_exit_status_is_the_command_s() -> None:
    assert run("--", "sh", "-c", "exit 7").returncode == 7


def test_a_command_that_was_killed_ends_as_in_a_shell() -> None:
    assert run("--", "sh", "-c", "kill -9 $$").returncode == 128 + 9


def test_a_command_that_cannot_start_is_said(tmp_path: Path) -> None:
    async def start(program: str) -> NotStartedError:
        with pytest.raises(NotStartedError) as caught:
            await run_command([program], os.environ)
        return caught.value

    (tmp_path / "text").write_text("no program")
    missing, text = asyncio.run(start("nosuch")), asyncio.run(start(str(tmp_path / "text")))
    assert (missing.status, str(missing)) == (127, "there is no program 'nosuch'")
    assert (text.status, str(text)) == (126, f"'{tmp_path / 'text'}' cannot be run: permission denied")
    result = run("--", "nosuch")
    assert (result.returncode, result.stderr) == (127, "sched-emulator run: there is no program 'nosuch'\n")


WAITS_FOR_SIGNALS = """
    import signal, sys

    expected = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, expected)
    print("ready", flush=True)
    for _ in range(int(sys.argv[1])):
        print(signal.Signals(signal.sigwait(expected)).name, flush=True)
    sys.exit(5)
"""


def test_signals_reach_the_command() -> None:
    command = [sys.executable, "-m", "sched_emulator", "run", *python(WAITS_FOR_SIGNALS), "3"]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
            assert process.stdout.readline() == f"{number.name}\n"
    assert process.returncode == 5


def test_a_key_typed_reaches_the_command_once() -> None:
    """Ctrl-C goes to all processes of the terminal's group: nobody needs to pass it on."""
    controlling, terminal = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    command = [sys.executable, "-m", "sched_emulator", "run", *python(WAITS_FOR_SIGNALS), "2"]
    with subprocess.Popen(
        command,
        env=environment(),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - the only way to give it a terminal
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.write(controlling, b"\x03")
        assert process.stdout.readline() == "SIGINT\n"
        process.send_signal(signal.SIGUSR1)  # a second SIGINT would come before
        assert process.stdout.readline() == "SIGUSR1\n"
    os.close(controlling)
    os.close(terminal)
    assert process.returncode == 5


# --- Wrong usage.


@pytest.mark.parametrize("arguments", [[], ["--"], ["--offline"]])
def test_without_a_command_it_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *arguments]) == 2
    assert capsys.readouterr().err == (
        "sched-emulator run: say what to run, such as `sched-emulator run -- python worker.py`\n"
    )


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port), "--", "true")
    assert (result.returncode, result.stderr) == (
        2,
        f"sched-emulator run: cannot listen on 127.0.0.1:{port}: address already in use; choose another --port\n",
    )


def test_a_proxy_that_cannot_be_used_is_named() -> None:
    result = run("--", "true", HTTPS_PROXY="socks5://proxy:1080")
    assert (result.returncode, result.stderr) == (
        2,
        "sched-emulator run: HTTPS_PROXY: the proxy configured, socks5://proxy, is no HTTP proxy\n",
    )


def test_without_trustme_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert main(["run", "--", "true"]) == 2
    assert "one package more: pip install 'trustme>=" in capsys.readouterr().err
