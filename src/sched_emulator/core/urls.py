"""Where a delivery may go: checks of URLs, addresses and headers, and the routes that lead elsewhere.

A URL is read once, by `_read`, in the way the URL Standard reads a host: percent-encoding and full-width letters
undone, lower case, every written form of an IPv4 address (decimal, octal, hexadecimal, short) turned into the usual
one. What is checked, what routes are compared with and what is sent (`canonical`) all come from that one reading, so
that no two parts of the program can disagree about where a URL leads.

A name is checked here by its spelling only. What it resolves to is checked with `address_kind` by whoever connects.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, unquote

from . import globs
from .errors import InvalidRequest

MAX_URL_CHARS = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}

Address = IPv4Address | IPv6Address

# What an address is used for, the first match counts; addresses that no row names are public. From IANA's registries
# of special-purpose addresses and the clouds' documentation of their metadata services.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("metadata", ("169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "168.63.129.16/32")),
    ("metadata", ("192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10", "64:ff9b:1::/48")),
    ("shared", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24")),
    ("reserved", ("203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20")),
    ("IPv4-mapped", ("::ffff:0:0/96",)),
    ("IPv4-compatible", ("::/96",)),
    ("6to4", ("2002::/16",)),
)
_NETWORKS: tuple[tuple[str, IPv4Network | IPv6Network], ...] = tuple(
    (kind, ip_network(network)) for kind, networks in _KINDS for network in networks
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)
_LOOPBACK_NAMES = frozenset(
    {"localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback"}
)

# The delivery itself decides these, or they speak to the next hop only (RFC 9110, section 7.6.1).
_FORBIDDEN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)

_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?", re.IGNORECASE
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f-\x9f\s\\\ud800-\udfff]")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_AMBIGUOUS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")  # the two versions of IDNA send these to different hosts
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


class UrlError(InvalidRequest, ValueError):
    """A URL, a route or a header that a delivery may not have: one sentence that begins with what is wrong."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL as it is read: `host` in its one canonical form, `path` and `query` as they go over the wire."""

    scheme: str
    host: str
    address: Address | None
    port: int
    path: str
    query: str

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def kind(self) -> str | None:
        if self.address is not None:
            return _kind(self.address)
        if is_loopback_name(self.host):
            return "loopback"
        return "metadata" if self.host in _METADATA_NAMES else None


def check_target(url: str, *, parameter: str, push: bool, strict: bool, routed: bool) -> None:
    """Refuse a URL that no delivery may have; `routed` says that an explicit route leads it elsewhere.

    A fragment is allowed and never sent. `strict` refuses loopback, as the gateway does.
    """
    target = _read_as(url, parameter=parameter)
    if routed:
        return
    kind = target.kind
    if kind is not None and (strict or kind != "loopback"):
        raise UrlError(f"must not lead to {kind} addresses, got '{target.origin}'", parameter=parameter)
    if push and target.scheme != "https" and kind != "loopback":
        raise UrlError(f"must be https unless it leads to loopback, got '{target.origin}'", parameter=parameter)


def is_loopback(url: str) -> bool:
    """Say whether the host as written is this machine: a localhost name or any written form of a loopback address."""
    try:
        target = _read(url)
    except _UnreadableError:
        return False
    mapped = target.address.ipv4_mapped if isinstance(target.address, IPv6Address) else None
    return target.kind == "loopback" or (mapped is not None and mapped.is_loopback)


def is_loopback_name(host: str) -> bool:
    """Say whether a name in lower case is this machine's by definition (RFC 6761), whatever a resolver says."""
    return host in _LOOPBACK_NAMES or host.endswith(".localhost")


def canonical(url: str) -> str:
    """Return the URL as it is sent: canonical host, no fragment, path and query as written, all in ASCII."""
    target = _read_as(url, subject="the URL")
    return f"{target.origin}{target.path or '/'}{target.query}"


@lru_cache(maxsize=4096)
def fits(glob: str, url: str) -> bool:
    """Say whether a URL fits a pattern with `*`, as both are written or as they are sent.

    Two spellings of one URL (RFC 3986, section 6.2: case of scheme and host, default port, empty path, a trailing dot,
    IDNA, a fragment) fit the same patterns.
    """
    if globs.matches(glob, url):
        return True
    try:
        return globs.matches(_canonical_glob(glob), canonical(url))
    except UrlError:
        return False


def _canonical_glob(glob: str) -> str:
    """Return a pattern in the form in which URLs are sent; a host with a `*` is only put in lower case."""
    parts = _PARTS.fullmatch(glob)
    if parts is None:
        return glob
    if "*" not in parts["authority"]:
        return canonical(glob)
    path = parts["path"] or ("" if parts["authority"].endswith("*") else "/")
    return f"{parts['scheme']}://{parts['authority']}".lower() + path + (parts["query"] or "")


def address_kind(address: str) -> str | None:
    """Return what an IP address is used for in one word ("loopback", "private", …); None for a public one."""
    try:
        return _kind(ip_address(address.partition("%")[0]))
    except ValueError:
        return "unreadable"


def forbidden_address(address: str, *, strict: bool) -> str | None:
    """Return why no delivery may go to a resolved IP address, in one word; None when it may."""
    kind = address_kind(address)
    return None if kind == "loopback" and not strict else kind


def leading(url: str, routes: Mapping[str, str]) -> str | None:
    """Return the left side of the route that leads this URL, the one with the longest matching beginning; None if none.

    Scheme, host and port are compared in canonical form, a path by whole segments. The routes are ones that
    `check_route` let pass.
    """
    if not routes:
        return None
    try:
        target = _read(url)
    except _UnreadableError:
        return None
    longest, found = -1, None
    for source in routes:
        left = _side(source)
        if len(left.path) > longest and _begins(target, left):
            longest, found = len(left.path), source
    return found


def along(url: str, source: str, destination: str) -> str:
    """Return where a route that leads this URL leads it: the rest of its path and its query are kept."""
    target, there = _read(url), _side(destination)
    return f"{there.origin}{there.path}{target.path[len(_side(source).path) :]}{target.query}"


def route(url: str, routes: Mapping[str, str]) -> str | None:
    """Return where a route leads this URL; None when there is none."""
    source = leading(url, routes)
    return None if source is None else along(url, source, routes[source])


def check_route(from_: str, to: str) -> None:
    """Refuse a route whose sides are not both the beginning of an http or https URL, without query or fragment."""
    for name, side in (("left", from_), ("right", to)):
        if "?" in side or "#" in side:
            raise UrlError(f"the {name} side of a route must have neither query nor fragment")
        _read_as(side, subject=f"the {name} side of a route")


def check_headers(headers: Mapping[str, object], *, parameter: str = "headers") -> None:
    """Refuse custom headers that cannot be sent as they are, or that would speak for the connection.

    A value is text and goes over the wire in UTF-8. Blanks around it would be lost on the way.
    """
    check_header_names(headers, parameter=parameter)
    for name, value in headers.items():
        shown = repr(name if len(name) <= 80 else name[:80] + "…")
        if _TOKEN.fullmatch(name) is None:
            raise UrlError(f"must have tokens as names (RFC 9110), got {shown}", parameter=parameter)
        if name.lower() in _FORBIDDEN_HEADERS or name.lower().startswith("proxy-"):
            raise UrlError(f"must not set {shown}, which the delivery decides itself", parameter=parameter)
        if not isinstance(value, str):
            raise UrlError(f"must have strings as values, {shown} has none", parameter=parameter)
        if _UNSENDABLE_IN_VALUE.search(value) is not None:
            raise UrlError(f"must have values of one line of text, {shown} has other characters", parameter=parameter)
        if value != value.strip(" \t"):
            raise UrlError(f"must have values without blanks around them, {shown} has some", parameter=parameter)


def check_header_names(headers: Iterable[str], *, parameter: str) -> None:
    """Refuse two names that differ in case: to whoever gets them they are one header."""
    names: dict[str, str] = {}
    for name in headers:
        if (other := names.setdefault(name.lower(), name)) != name:
            raise UrlError(f"must not have one header under two names, got {other!r} and {name!r}", parameter=parameter)


class _UnreadableError(ValueError):
    """What a URL must be and is not: a sentence without its subject."""


def _read_as(url: str, *, parameter: str | None = None, subject: str = "") -> _Target:
    try:
        return _read(url)
    except _UnreadableError as error:
        raise UrlError(f"{subject} {error}".lstrip(), parameter=parameter) from None


@lru_cache(maxsize=1024)
def _read(url: str) -> _Target:
    if len(url) > MAX_URL_CHARS:
        raise _UnreadableError(f"must be at most {MAX_URL_CHARS} characters long, got {len(url)}")
    if _UNSENDABLE.search(url) is not None:
        raise _UnreadableError("must not contain whitespace, control characters or backslashes")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise _UnreadableError("must start with http:// or https://")
    if "@" in parts["authority"]:
        raise _UnreadableError("must not contain credentials")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise _UnreadableError("must have a valid name or address as its host")
    if not authority["host"]:
        raise _UnreadableError("must have a host")
    scheme = parts["scheme"].lower()
    host, address = _host(authority["host"])
    return _Target(
        scheme=scheme,
        host=host,
        address=address,
        port=DEFAULT_PORTS[scheme] if authority["port"] is None else _port(authority["port"]),
        path=quote(parts["path"], safe=_PRINTABLE),
        query=quote(parts["query"] or "", safe=_PRINTABLE),
    )


def _port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or not 1 <= int(text) <= 65535:
        raise _UnreadableError("must have a port from 1 to 65535, or none")
    return int(text)


def _host(text: str) -> tuple[str, Address | None]:
    """Return a host in its canonical form, and the address if it is one."""
    if text.startswith("["):
        address = _ipv6(text[1:-1])
        mapped = address.ipv4_mapped  # which Python versions write differently
        return str(address) if mapped is None else f"::ffff:{mapped}", address
    name = _ascii(unquote(text)).lower().removesuffix(".")
    if len(name) > 253 or _NAME.fullmatch(name) is None:
        raise _UnreadableError("must have a valid name or address as its host")
    if _NUMBER.fullmatch(name.rpartition(".")[2]) is not None:
        number = _ipv4(name)
        return str(number), number
    return name, None


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise _UnreadableError("must not have a zone id in its host")
    try:
        return IPv6Address(text)
    except ValueError:
        raise _UnreadableError("must have a valid IPv6 address in its brackets") from None


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    if len(name) > 253 or not _AMBIGUOUS.isdisjoint(name):
        raise _UnreadableError("must have its host in ASCII (xn--…)")
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise _UnreadableError("must have a valid name or address as its host") from None


def _ipv4(name: str) -> IPv4Address:
    """Return the address of any written form: up to four numbers in any base, the last one fills what is left."""
    parts = name.split(".")
    try:
        *leading, last = map(_number, parts)
        return IPv4Address(bytes(leading) + last.to_bytes(max(5 - len(parts), 1), "big"))
    except (ValueError, OverflowError):  # no number, one that is too large, or too many of them
        raise _UnreadableError("must have a valid IPv4 address as its host when that ends in a number") from None


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)


def _kind(address: Address) -> str | None:
    for kind, network in _NETWORKS:
        if address in network:
            return kind
    if isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST:
        return None
    if address in _NAT64:
        return None if _kind(IPv4Address(address.packed[12:])) is None else "NAT64"
    return "reserved"


def _side(text: str) -> _Target:
    """Return one side of a route as it is read, its path without slashes at the end."""
    side = _read(text)
    return _Target(side.scheme, side.host, side.address, side.port, side.path.rstrip("/"), "")


def _begins(target: _Target, left: _Target) -> bool:
    if (target.scheme, target.host, target.port) != (left.scheme, left.host, left.port):
        return False
    return target.path == left.path or target.path.startswith(left.path + "/") or not left.path
