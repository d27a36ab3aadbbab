import asyncio
import socket
import ssl

import pytest
import trustme

from sched_emulator.intercept.proxy import Proxy, Upstream
from tests.receivers import listening


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"echo " + await reader.read())
    writer.close()


async def said_by(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def proxy(*, tls_port: int = 1, offline: bool = False, upstream: Upstream | None = None) -> Proxy:
    return Proxy(tls_port=tls_port, offline=offline, upstream=upstream)


def connect_to(target: str, content: str = "") -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n{content}".encode()


ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize("host", ["api.infrai.cc", "API.Infrai.CC", "api.infrai.cc."])
async def test_the_gateway_s_host_leads_to_the_emulator(host: str) -> None:
    async with listening(echo) as tls_port, proxy(tls_port=tls_port, offline=True) as running:
        assert await said_by(running.port, connect_to(f"{host}:443", "hello")) == ESTABLISHED + b"echo hello"


async def test_other_hosts_pass_through() -> None:
    async with listening(echo) as port, proxy() as running:
        answer = await said_by(running.port, connect_to(f"127.0.0.1:{port}", "x" * 300_000))
    assert answer == ESTABLISHED + b"echo " + b"x" * 300_000


@pytest.mark.parametrize("target", ["example.com:443", "api.infrai.cc:80", "127.0.0.1:443"])
async def test_offline_they_are_refused_with_a_sentence(target: str) -> None:
    async with proxy(offline=True) as running:
        answer = (await said_by(running.port, connect_to(target))).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert body == (
        f"{target.partition(':')[0]} is not reached:"
        " sched-emulator run --offline lets nothing through but https://api.infrai.cc\n"
    )


async def test_what_is_no_tunnel_is_refused() -> None:
    async with proxy(offline=True) as running:
        plain = await said_by(running.port, b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
        broken = [await said_by(running.port, connect_to(target)) for target in ("example.com", "a:99999", ":443")]
        assert plain.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert {answer.partition(b"\r\n")[0] for answer in broken} == {b"HTTP/1.1 400 Bad Request"}
        assert await said_by(running.port, b"nonsense") == b""


async def test_what_cannot_be_reached_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with proxy() as running:
        answer = await said_by(running.port, connect_to(f"127.0.0.1:{port}"))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"127.0.0.1:{port} cannot be reached: ".encode() in answer


async def test_connections_under_way_end_with_the_proxy() -> None:
    ended = asyncio.Event()

    async def wait_for_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b"hello"
        ended.set()
        writer.close()

    async with listening(wait_for_end) as port:
        async with proxy() as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(connect_to(f"127.0.0.1:{port}", "hello"))
            assert await reader.readuntil(b"\r\n\r\n") == ESTABLISHED
        await ended.wait()
        assert await reader.read() == b""
        writer.close()


def before(scheme: str, port: int) -> Upstream | None:
    return Upstream.of({"all_proxy": f"{scheme}://127.0.0.1:{port}"})


class Company:
    """A proxy that was there before: it notes what it is asked, and echoes."""

    def __init__(self, status: str = "200 OK") -> None:
        self.asked: list[str] = []
        self._status = status

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
        await echo(reader, writer)


async def test_other_hosts_are_reached_through_the_proxy_configured_before() -> None:
    company = Company()
    async with listening(company.serve) as port, listening(echo) as tls_port:
        upstream = Upstream.of({"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{port}"})
        async with proxy(tls_port=tls_port, upstream=upstream) as running:
            assert await said_by(running.port, connect_to("example.com:443", "hi")) == ESTABLISHED + b"echo hi"
            assert await said_by(running.port, connect_to("[2001:db8::1]:443", "hi")) == ESTABLISHED + b"echo hi"
            assert await said_by(running.port, connect_to("api.infrai.cc:443", "hi")) == ESTABLISHED + b"echo hi"
    authorization = "Proxy-Authorization: Basic bWU6cEBzcw=="
    assert company.asked == [
        f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n\r\n"
        for target in ("example.com:443", "[2001:db8::1]:443")
    ]


async def test_a_proxy_before_may_speak_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nthrough TLS")
        writer.close()

    with authority.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        async with listening(serve, tls=context) as port, proxy(upstream=before("https", port)) as running:
            assert await said_by(running.port, connect_to("example.com:443")) == ESTABLISHED + b"through TLS"


async def test_what_the_proxy_before_refuses_is_said() -> None:
    company = Company("407 Proxy Authentication Required")
    async with listening(company.serve) as port, proxy(upstream=before("http", port)) as running:
        answer = await said_by(running.port, connect_to("example.com:443"))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"the proxy 127.0.0.1:{port} said: HTTP/1.1 407 Proxy Authentication Required".encode() in answer


def test_a_proxy_before_that_speaks_no_http_is_named_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"^the proxy configured, socks5://proxy, is no HTTP proxy$"):
        Upstream.of({"ALL_PROXY": "socks5://me:secret@proxy:1080"})
    assert Upstream.of({"HTTP_PROXY": "http://proxy:3128"}) is None
    assert Upstream.of({"https_proxy": "proxy:3128"}) == Upstream("proxy", 3128, tls=False, authorization=None)
    assert Upstream.of({"HTTPS_PROXY": "https://proxy"}) == Upstream("proxy", 443, tls=True, authorization=None)


@pytest.mark.parametrize("url", ["http://user:pw@[::1", "http://user:pw@proxy:99999", "proxy:http"])
def test_a_proxy_whose_url_is_none_is_told_without_its_password(url: str) -> None:
    told = r"^the proxy configured has no URL; expected one such as http://proxy:3128$"
    with pytest.raises(ValueError, match=told):
        Upstream.of({"ALL_PROXY": url})
