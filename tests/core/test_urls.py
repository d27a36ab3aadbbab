from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core import urls
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.urls import UrlError
from tests.soak import examples

ROUTES = {
    "https://api.acme.com": "http://127.0.0.1:9000",
    "https://api.acme.com/hooks/": "http://127.0.0.1:9001/base/",
    "http://bücher.example:8080/a": "https://staging.acme.com",
}

LOOPBACK_HOSTS = [
    "127.0.0.1",
    "127.255.255.254",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0177.0.0.1",
    "0x7F.1",
    "0x7f.0x0.0.0x1",
    "127.0.0.1.",
    "127%2e0%2E0%2e1",
    "%31%32%37.0.0.1",
    "１２７.０.０.１",  # noqa: RUF001 - full-width digits are the point
    "127。0。0。1",
    "①②⑦.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]",
    "localhost",
    "LocalHost",
    "localhost.",
    "local%68ost",
    "loc\u00adalhost",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "app.localhost",
    "a.b.LOCALHOST.",
    "ip6-localhost",
    "localhost.localdomain",
]

FORBIDDEN_HOSTS = {
    "10.0.0.1": "private",
    "0xa.1": "private",
    "012.0.0.1": "private",
    "167772161": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "１９２.168.1.1": "private",  # noqa: RUF001 - full-width digits are the point
    "[fd12::1]": "private",
    "[fec0::1]": "private",
    "[64:ff9b:1::1]": "private",
    "100.64.0.1": "shared",
    "169.254.0.1": "link-local",
    "[fe80::1]": "link-local",
    "224.0.0.1": "multicast",
    "[ff02::1]": "multicast",
    "0.0.0.0": "unspecified",  # noqa: S104 - nothing is bound
    "0": "unspecified",
    "0x": "unspecified",
    "[::]": "unspecified",
    "255.255.255.255": "reserved",
    "240.0.0.1": "reserved",
    "192.0.0.1": "reserved",
    "192.0.2.1": "reserved",
    "198.18.0.1": "reserved",
    "203.0.113.9": "reserved",
    "[2001:db8::1]": "reserved",
    "[2001::1]": "reserved",
    "[4000::1]": "reserved",
    "[::ffff:0:10.0.0.1]": "reserved",
    "[::ffff:10.0.0.1]": "IPv4-mapped",
    "[::ffff:8.8.8.8]": "IPv4-mapped",
    "[::ffff:127.0.0.1]": "IPv4-mapped",
    "[::10.0.0.1]": "IPv4-compatible",
    "[2002:0a00:0001::]": "6to4",
    "[64:ff9b::10.0.0.1]": "NAT64",
    "[64:ff9b::7f00:1]": "NAT64",
    "169.254.169.254": "metadata",
    "0xa9fea9fe": "metadata",
    "0251.0376.0251.0376": "metadata",
    "2852039166": "metadata",
    "169.254.43518": "metadata",
    "169.254.170.2": "metadata",
    "100.100.100.200": "metadata",
    "168.63.129.16": "metadata",
    "[fd00:ec2::254]": "metadata",
    "[FD00:0EC2:0::254]": "metadata",
    "metadata.google.internal": "metadata",
    "METADATA.google.internal.": "metadata",
    "metadata": "metadata",
    "instance-data": "metadata",
}

PUBLIC_HOSTS = [
    "api.acme.com",
    "8.8.8.8",
    "[2606:4700::1111]",
    "[64:ff9b::8.8.8.8]",
    "bücher.example",
    "my_service",
    "localhost.acme.com",
    "notlocalhost",
]

MALFORMED = {
    "": "must start with http:// or https://",
    "api.acme.com": "must start with http:// or https://",
    "ftp://api.acme.com": "must start with http:// or https://",
    "javascript:alert(1)": "must start with http:// or https://",
    "http:/api.acme.com": "must start with http:// or https://",
    "http:api.acme.com": "must start with http:// or https://",
    "//api.acme.com": "must start with http:// or https://",
    "http://": "must have a host",
    "http:///path": "must have a host",
    "http://?a": "must have a host",
    "http://:80/": "must have a host",
    "https://user:secret@api.acme.com": "must not contain credentials",
    "https://@api.acme.com": "must not contain credentials",
    "https://api.acme.com@10.0.0.1": "must not contain credentials",
    "https://api.acme.com\\@10.0.0.1": "must not contain whitespace, control characters or backslashes",
    " https://api.acme.com": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/a b": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/\r\nX: y": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/\x00": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/\x85": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/\u2028": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com/\ud800": "must not contain whitespace, control characters or backslashes",
    "https://api.acme.com:": "must have a port from 1 to 65535, or none",
    "https://api.acme.com:0": "must have a port from 1 to 65535, or none",
    "https://api.acme.com:65536": "must have a port from 1 to 65535, or none",
    "https://api.acme.com:+80": "must have a port from 1 to 65535, or none",
    "https://api.acme.com:８０": "must have a port from 1 to 65535, or none",  # noqa: RUF001 - full-width digits
    "https://api..acme.com": "must have a valid name or address as its host",
    "https://api.acme.com..": "must have a valid name or address as its host",
    "https://api%2facme.com": "must have a valid name or address as its host",
    "https://api%00.acme.com": "must have a valid name or address as its host",
    "https://user%40acme.com": "must have a valid name or address as its host",
    "https://a,b.com": "must have a valid name or address as its host",
    "https://[::1": "must have a valid name or address as its host",
    "https://[::1]x": "must have a valid name or address as its host",
    "https://" + "a" * 64 + ".com": "must have a valid name or address as its host",
    "https://" + "ab." * 85: "must have a valid name or address as its host",
    "https://ü" + "a" * 64 + ".com": "must have a valid name or address as its host",
    "https://[::g]": "must have a valid IPv6 address in its brackets",
    "https://[127.0.0.1]": "must have a valid IPv6 address in its brackets",
    "https://[v1.a]": "must have a valid IPv6 address in its brackets",
    "https://[fe80::1%25eth0]": "must not have a zone id in its host",
    "https://[::1%lo]": "must not have a zone id in its host",
    "https://straße.example": "must have its host in ASCII (xn--…)",
    "https://" + "ü" * 254: "must have its host in ASCII (xn--…)",
    "https://256.0.0.1": "must have a valid IPv4 address as its host when that ends in a number",
    "https://4294967296": "must have a valid IPv4 address as its host when that ends in a number",
    "https://1.2.3.4.5": "must have a valid IPv4 address as its host when that ends in a number",
    "https://1.2.3.4.0": "must have a valid IPv4 address as its host when that ends in a number",
    "https://08.1.1.1": "must have a valid IPv4 address as its host when that ends in a number",
    "https://1_0.0.0.1": "must have a valid IPv4 address as its host when that ends in a number",
    "https://acme.0x7f": "must have a valid IPv4 address as its host when that ends in a number",
    "https://api.acme.com/" + "a" * 2028: "must be at most 2048 characters long, got 2049",
}


def refusal(url: str, *, push: bool = False, strict: bool = False, routed: bool = False) -> str | None:
    try:
        urls.check_target(url, parameter="task", push=push, strict=strict, routed=routed)
    except UrlError as error:
        return error.message
    return None


@pytest.mark.parametrize(("url", "reason"), MALFORMED.items())
def test_a_malformed_url_is_refused_with_the_reason_even_when_routed(url: str, reason: str) -> None:
    assert refusal(url) == f"`task` {reason}"
    assert refusal(url, routed=True) == f"`task` {reason}"


def test_a_refusal_is_an_invalid_request_that_names_the_parameter() -> None:
    with pytest.raises(UrlError) as caught:
        urls.check_target("ftp://a.b", parameter="on_failure_webhook", push=False, strict=False, routed=False)
    assert isinstance(caught.value, InvalidRequest)
    assert isinstance(caught.value, ValueError)
    assert caught.value.details == {"parameter": "on_failure_webhook"}
    assert str(caught.value) == "`on_failure_webhook` must start with http:// or https://"


def test_credentials_are_not_repeated_in_the_refusal() -> None:
    assert "secret" not in str(refusal("https://user:secret@10.0.0.1/?token=secret"))
    assert (
        refusal("https://10.0.0.1/?token=secret") == "`task` must not lead to private addresses, got 'https://10.0.0.1'"
    )


@pytest.mark.parametrize(("host", "kind"), FORBIDDEN_HOSTS.items())
def test_every_written_form_of_a_forbidden_address_is_refused_unless_routed(host: str, kind: str) -> None:
    for scheme in ("http", "HTTPS"):
        message = refusal(f"{scheme}://{host}:8080/hook")
        assert message is not None
        assert message.startswith(f"`task` must not lead to {kind} addresses, got '{scheme.lower()}://")
    assert refusal(f"https://{host}/hook", routed=True) is None


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_public_hosts_are_allowed(host: str) -> None:
    assert refusal(f"https://{host}/hook", push=True, strict=True) is None
    assert refusal(f"http://{host}:8080/hook", strict=True) is None
    assert not urls.is_loopback(f"http://{host}")


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_every_written_form_of_loopback_is_known_and_strict_refuses_it(host: str) -> None:
    assert urls.is_loopback(f"http://{host}:9000/hook")
    assert refusal(f"http://{host}:9000/hook", strict=True) is not None


@pytest.mark.parametrize("host", [host for host in LOOPBACK_HOSTS if "ff" not in host.lower()])
def test_loopback_is_allowed_also_for_a_push_without_tls(host: str) -> None:
    assert refusal(f"http://{host}:9000/hook", push=True) is None


def test_loopback_under_strict_is_refused_by_its_canonical_form() -> None:
    expected = "`task` must not lead to loopback addresses, got 'http://127.0.0.1:81'"
    assert refusal("http://0x7f.1:81/x", push=True, strict=True) == expected


def test_a_push_must_be_https_unless_routed() -> None:
    message = "`task` must be https unless it leads to loopback, got 'http://api.acme.com'"
    assert refusal("http://api.acme.com:80/hook?x=1", push=True) == message
    assert refusal("http://api.acme.com/hook", push=True, routed=True) is None
    assert refusal("https://api.acme.com/hook", push=True) is None
    assert refusal("http://api.acme.com/hook") is None


def test_what_is_no_url_is_no_loopback() -> None:
    assert not urls.is_loopback("localhost:8080")
    assert not urls.is_loopback("http://localhost:0")


def test_a_long_but_allowed_url_passes() -> None:
    assert refusal("https://api.acme.com/" + "a" * 2027) is None


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTP://API.Acme.com.:80", "http://api.acme.com/"),
        ("https://api.acme.com:443?a=b#c", "https://api.acme.com/?a=b"),
        (
            "https://api.acme.com:8443/%2e%2E/a%2fb/é{}|\"?q=ü%20'",
            "https://api.acme.com:8443/%2e%2E/a%2fb/%C3%A9{}|\"?q=%C3%BC%20'",
        ),
        ("http://127.1:9000/x", "http://127.0.0.1:9000/x"),
        ("http://[0:0::1]:9000/x", "http://[::1]:9000/x"),
        ("http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ],
)
def test_the_canonical_form_is_what_is_sent(url: str, sent: str) -> None:
    assert urls.canonical(url) == sent


def test_no_canonical_form_without_a_url() -> None:
    with pytest.raises(UrlError, match=r"^the URL must have a host$"):
        urls.canonical("http:///")


@pytest.mark.parametrize(
    ("url", "routed_to"),
    [
        ("https://api.acme.com", "http://127.0.0.1:9000"),
        ("https://API.acme.com.:443/weekly?a=%20b#c", "http://127.0.0.1:9000/weekly?a=%20b"),
        ("https://api.acme.com/hooks", "http://127.0.0.1:9001/base"),
        ("https://api.acme.com/hooks/a/b?c", "http://127.0.0.1:9001/base/a/b?c"),
        ("https://api.acme.com/hooks?c", "http://127.0.0.1:9001/base?c"),
        ("https://api.acme.com/hooksmith", "http://127.0.0.1:9000/hooksmith"),
        ("http://xn--bcher-kva.example:8080/a/b", "https://staging.acme.com/b"),
        ("http://xn--bcher-kva.example:8080/b", None),
        ("http://api.acme.com", None),
        ("https://api.acme.com:8443", None),
        ("https://sub.api.acme.com", None),
        ("https://api.acme.com.evil.com", None),
        ("no url", None),
    ],
)
def test_a_route_matches_by_origin_and_whole_path_segments_and_the_longest_wins(
    url: str, routed_to: str | None
) -> None:
    assert urls.route(url, ROUTES) == routed_to
    assert urls.route(url, dict(reversed(ROUTES.items()))) == routed_to


def test_without_routes_nothing_is_routed() -> None:
    assert urls.route("https://api.acme.com", {}) is None


def test_a_route_may_lead_anywhere() -> None:
    for from_, to in [
        *ROUTES.items(),
        ("http://localhost", "http://10.0.0.1"),
        ("https://a.b/c", "http://receiver:80/d"),
    ]:
        urls.check_route(from_, to)


@pytest.mark.parametrize(
    ("from_", "to", "message"),
    [
        ("api.acme.com", "http://a", "the left side of a route must start with http:// or https://"),
        ("https://api.acme.com?a", "http://a", "the left side of a route must have neither query nor fragment"),
        ("https://a", "http://b#c", "the right side of a route must have neither query nor fragment"),
        ("https://a", "http://u:p@b", "the right side of a route must not contain credentials"),
        ("https://a", "", "the right side of a route must start with http:// or https://"),
    ],
)
def test_a_route_that_is_no_pair_of_urls_is_refused(from_: str, to: str, message: str) -> None:
    with pytest.raises(UrlError) as caught:
        urls.check_route(from_, to)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("8.8.8.8", None),
        ("2606:4700::1111", None),
        ("10.1.2.3", "private"),
        ("169.254.169.254", "metadata"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:10.0.0.1", "IPv4-mapped"),
        ("64:ff9b::808:808", None),
        ("64:ff9b::a00:1", "NAT64"),
        ("", "unreadable"),
        ("localhost", "unreadable"),
        ("127.1", "unreadable"),
    ],
)
def test_a_resolved_address_is_judged_by_what_it_is_used_for(address: str, reason: str | None) -> None:
    assert urls.forbidden_address(address, strict=False) == reason
    assert urls.forbidden_address(address, strict=True) == reason
    assert urls.address_kind(address) == reason


def test_resolved_loopback_is_forbidden_under_strict_only() -> None:
    for address in ("127.0.0.1", "127.9.9.9", "::1"):
        assert urls.address_kind(address) == "loopback"
        assert urls.forbidden_address(address, strict=False) is None
        assert urls.forbidden_address(address, strict=True) == "loopback"


@examples(100)
@given(st.integers(0, 2**32 - 1), st.data())
def test_the_form_in_which_an_address_is_written_makes_no_difference(number: int, data: st.DataObject) -> None:
    address = IPv4Address(number)
    parts = data.draw(st.integers(1, 4))
    *leading, last = [*address.packed[: parts - 1], int.from_bytes(address.packed[parts - 1 :], "big")]
    written = [data.draw(st.sampled_from([str(n), f"0{n:o}", f"0x{n:x}", f"0X{n:08X}"])) for n in [*leading, last]]
    dot = data.draw(st.sampled_from([".", "%2e", "。", "．"]))  # noqa: RUF001 - dots that IDNA takes for one
    url = f"http://{dot.join(written)}{data.draw(st.sampled_from(['', '.']))}/"
    assert urls.canonical(url) == f"http://{address}/"
    assert urls.is_loopback(url) == address.is_loopback
    kind = urls.address_kind(str(address))
    assert refusal(url, strict=True) == (
        None if kind is None else f"`task` must not lead to {kind} addresses, got 'http://{address}'"
    )


@examples(100)
@given(st.text(max_size=30), st.booleans())
def test_any_text_is_either_refused_or_has_a_canonical_form_that_stays(text: str, tls: bool) -> None:  # noqa: FBT001 - drawn
    url = f"http{'s' if tls else ''}://{text}"
    if refusal(url, routed=True) is None:
        sent = urls.canonical(url)
        assert sent.isascii()
        assert urls.canonical(sent) == sent
        assert urls.is_loopback(sent) == urls.is_loopback(url)
        assert refusal(sent, strict=True) == refusal(url, strict=True)


def test_ordinary_headers_are_allowed() -> None:
    urls.check_headers({})
    urls.check_headers(
        {
            "Authorization": "Bearer x",
            "X-A": "a\tb c",
            "x!#$%&'*+-.^_`|~9": "",
            "Content-Type": "é",
            "X-B": "日本 €\xa0",
        }
    )


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"": "a"}, "`headers` must have tokens as names (RFC 9110), got ''"),
        ({"X A": "a"}, "`headers` must have tokens as names (RFC 9110), got 'X A'"),
        ({"X-A:": "a"}, "`headers` must have tokens as names (RFC 9110), got 'X-A:'"),
        ({"X-A\r\nX-B": "a"}, "`headers` must have tokens as names (RFC 9110), got 'X-A\\r\\nX-B'"),
        ({"é": "a"}, "`headers` must have tokens as names (RFC 9110), got 'é'"),
        ({"ä" * 90: "a"}, f"`headers` must have tokens as names (RFC 9110), got '{'ä' * 80}…'"),
        ({"x-a": "1", "X-A": "2"}, "`headers` must not have one header under two names, got 'x-a' and 'X-A'"),
        ({"X-A": " a"}, "`headers` must have values without blanks around them, 'X-A' has some"),
        ({"X-A": "a\t"}, "`headers` must have values without blanks around them, 'X-A' has some"),
        ({"x-first": "2"}, "`headers` must not have one header under two names, got 'X-First' and 'x-first'"),
        ({"X-A": 1}, "`headers` must have strings as values, 'X-A' has none"),
        ({"X-A": None}, "`headers` must have strings as values, 'X-A' has none"),
        *(
            ({"X-A": value}, "`headers` must have values of one line of text, 'X-A' has other characters")
            for value in ("a\r\nX-B: c", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\x85b", "\ud800")
        ),
        *(
            ({name: "a"}, f"`headers` must not set '{name}', which the delivery decides itself")
            for name in ("Host", "Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer")
        ),
        *(
            ({name: "a"}, f"`headers` must not set '{name}', which the delivery decides itself")
            for name in ("Upgrade", "Expect", "Proxy-Authorization", "proxy-connection")
        ),
    ],
)
def test_a_header_that_cannot_be_sent_or_speaks_for_the_connection_is_refused(
    headers: dict[str, object], message: str
) -> None:
    with pytest.raises(UrlError) as caught:
        urls.check_headers({"X-First": "fine", **headers})
    assert str(caught.value) == message
    assert caught.value.details == {"parameter": "headers"}


def test_a_refused_header_does_not_show_its_value() -> None:
    with pytest.raises(UrlError) as caught:
        urls.check_headers({"Authorization": "secret\n"}, parameter="extra")
    assert str(caught.value) == "`extra` must have values of one line of text, 'Authorization' has other characters"


# --- Patterns


@pytest.mark.parametrize(
    ("glob", "url", "fit"),
    [
        ("https://api.acme.com/*", "https://api.acme.com/x", True),
        ("https://api.acme.com/*", "https://api.acme.com", True),
        ("https://api.acme.com/*", "https://api.acme.com?a=1", True),
        ("https://api.acme.com/*", "HTTPS://API.acme.com:443/x", True),
        ("https://api.acme.com/*", "https://api.acme.com./x#part", True),
        ("https://api.acme.com/*", "https://api.acme.com:8443/x", False),
        ("https://api.acme.com/*", "http://api.acme.com/x", False),
        ("HTTPS://Api.Acme.com:443", "https://api.acme.com/", True),
        ("https://api.acme.com", "https://api.acme.com/x", False),
        ("http://bücher.example/*", "http://xn--bcher-kva.example/x", True),
        ("http://xn--bcher-kva.example/*", "http://BÜCHER.example/x", True),
        ("http://127.0.0.1/*", "http://0x7f.1/x", True),
        ("http://*.ACME.com", "http://api.acme.com", True),
        ("http://api.acme.com*", "http://api.acme.com:80/x", True),
        ("https://api.acme.com/Case", "https://api.acme.com/case", False),
        ("*weekly*", "https://api.acme.com/weekly", True),
        ("*", "anything at all", True),
        ("https://api.acme.com/*", "no URL", False),
        ("https://[nonsense/*", "https://api.acme.com/x", False),
    ],
)
def test_two_spellings_of_one_url_fit_the_same_patterns(glob: str, url: str, *, fit: bool) -> None:
    assert urls.fits(glob, url) is fit
