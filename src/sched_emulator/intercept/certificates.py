"""A throw-away certificate authority for the gateway's host, and the bundle that makes programs trust it.

The variables that name a bundle replace what a program trusts by itself, so the bundle holds all that was trusted
before: what those variables name now, the system's certificates, certifi's.
"""

import contextlib
import importlib.util
import ssl
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from . import HOST

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
VALID_DAYS = 365  # Apple's verifier refuses certificates that are valid for years

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Authority:
    """The authority; its private key never leaves this process."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._certificate = self._authority.issue_cert(HOST, not_after=datetime.now(UTC) + timedelta(days=VALID_DAYS))

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS side of a server that is taken for the gateway."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        self._certificate.configure_cert(context)
        return context

    def own(self) -> str:
        """Return this authority alone, as PEM."""
        return self._authority.cert_pem.bytes().decode()

    def bundle(self, environment: Mapping[str, str]) -> str:
        """Return everything trusted in an environment, and this authority, as PEM."""
        return "".join(dict.fromkeys([*_certificates_in(self.own()), *_trusted(environment)]))


def _trusted(environment: Mapping[str, str]) -> Iterator[str]:
    for path in _bundles(environment):
        with contextlib.suppress(OSError):
            yield from _certificates_in(Path(path).read_text(encoding="utf-8", errors="replace"))
    for certificate in ssl.create_default_context().get_ca_certs(binary_form=True):
        yield ssl.DER_cert_to_PEM_cert(certificate)


def _bundles(environment: Mapping[str, str]) -> Iterable[str]:
    yield from filter(None, (environment.get(variable) for variable in BUNDLE_VARIABLES))
    yield from filter(None, (ssl.get_default_verify_paths().cafile,))
    yield from SYSTEM_BUNDLES
    if importlib.util.find_spec("certifi") is not None:
        import certifi  # noqa: PLC0415 - it may not be there

        yield certifi.where()


def _certificates_in(text: str) -> Iterator[str]:
    """Return the certificates in a PEM file in one spelling, so that equal ones are equal; broken ones are left out."""
    for part in text.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if end:
            with contextlib.suppress(ValueError):
                yield ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(_BEGIN + body + _END))
