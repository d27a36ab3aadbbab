import pytest

from tests.plugin.test_pytest_plugin import QUIET

pytest_plugins = ["pytester"]

CONNECTIONS = """
    import asyncio
    import http.client
    import socket
    import ssl
    import threading
    import urllib.request
    from concurrent.futures import ThreadPoolExecutor

    import aiohttp
    import httpx
    import pytest
    import requests

    HOST = "api.infrai.cc"
    URL = "https://api.infrai.cc/v1/scheduling/cron/list"

    def by_socket():
        with socket.socket() as sock:
            sock.connect((HOST, 443))

    def by_socket_without_waiting():
        with socket.socket() as sock:
            sock.connect_ex((HOST, 443))

    def by_thread():
        with ThreadPoolExecutor() as pool:
            pool.submit(socket.create_connection, (HOST, 443)).result()

    def by_http_client():
        http.client.HTTPSConnection(HOST).request("GET", "/")

    async def by_aiohttp():
        async with aiohttp.ClientSession() as session:
            await session.get(URL)

    async def by_httpx():
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(URL)

    def by_a_resolver_of_its_own():
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), False, HOST)

    def by_a_proxy():
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            threading.Thread(target=serve, args=[proxy]).start()
            address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
            requests.get(URL, proxies={"https": address})

    def serve(proxy):
        client, _ = proxy.accept()
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 Connection established\\r\\n\\r\\n")
            assert client.recv(65536) == b""

    WAYS = [
        lambda: socket.create_connection((HOST, 443)),
        lambda: socket.getaddrinfo(HOST.upper(), 443),
        lambda: socket.getaddrinfo(b"api.infrai.cc.", "https"),
        lambda: socket.gethostbyname(HOST),
        by_socket,
        by_socket_without_waiting,
        by_thread,
        by_http_client,
        lambda: urllib.request.urlopen(URL),
        lambda: requests.get(URL),
        lambda: httpx.get(URL, trust_env=False),
        lambda: asyncio.run(asyncio.wait_for(asyncio.open_connection(HOST, 443), 60)),
        lambda: asyncio.run(by_aiohttp()),
        lambda: asyncio.run(by_httpx()),
        by_a_resolver_of_its_own,
        by_a_proxy,
    ]

    @pytest.mark.parametrize("connect", WAYS)
    def test_no_way_leads_there(connect, monkeypatch):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(RuntimeError, match="api.infrai.cc is not reached from tests.*sched_emulator_env = session"):
            connect()

    def test_all_else_is_left_alone():
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="fakeapi.infrai.cc")
"""
AT_IMPORT = """
    import socket

    try:
        socket.create_connection(("api.infrai.cc", 443))
    except RuntimeError as error:
        TOLD = str(error)

    def pytest_report_header():
        return TOLD
"""
ALLOWED = """
    import ssl

    def test_allowed():
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="api.infrai.cc")
"""


def test_no_client_of_python_reaches_the_gateway_not_even_at_import(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(AT_IMPORT)
    pytester.makepyfile(test_connections=CONNECTIONS)
    result = pytester.runpytest_subprocess(*QUIET)
    result.assert_outcomes(passed=17)
    result.stdout.fnmatch_lines(
        ["api.infrai.cc is not reached from tests, where each call costs money: *= off* allows it"]
    )


def test_it_can_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ALLOWED)
    pytester.runpytest_subprocess(*QUIET, "-o", "sched_emulator_guard=off").assert_outcomes(passed=1)


def test_pytest_within_pytest_decides_for_itself_and_leaves_the_outer_as_it_was(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['pytester']")
    pytester.makepyfile(
        "import pytest, ssl\n"
        "from sched_emulator.plugin import guard\n"
        "def test_inner(pytester):\n"
        f"    pytester.makepyfile({ALLOWED!r})\n"
        "    quiet = ('-p', 'no:schemathesis', '-p', 'no:hypothesispytest')\n"
        "    pytester.runpytest_inprocess(*quiet, '-o', 'sched_emulator_guard=off').assert_outcomes(passed=1)\n"
        "    pytester.runpytest_inprocess(*quiet).assert_outcomes(failed=1)\n"
        "    with pytest.raises(guard.GatewayRefusedError):\n"
        "        ssl.create_default_context().wrap_bio(None, None, server_hostname='api.infrai.cc')\n"
    )
    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("sched_emulator_guard=no", "ERROR: sched_emulator_guard: 'no' is not possible; expected on or off"),
        ("sched_emulator_env=module", "ERROR: sched_emulator_env: 'module' is not possible; expected test or session"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_run(pytester: pytest.Pytester, setting: str, complaint: str) -> None:
    result = pytester.runpytest_subprocess(*QUIET, "-o", setting)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])
