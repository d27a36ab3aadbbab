import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from sched_emulator.intercept import HOST
from sched_emulator.intercept.certificates import Authority
from sched_emulator.plugin import guard
from tests.receivers import listening

BEGIN = "-----BEGIN CERTIFICATE-----"


@pytest.fixture
def unguarded() -> Iterator[None]:
    guard.begin(on=False)
    yield
    guard.end()


def test_the_bundle_holds_what_was_trusted_before_once(tmp_path: Path) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    file = tmp_path / "company.pem"
    file.write_text(f"# the company's\n{other}\n{other}{BEGIN}\nbroken\n-----END CERTIFICATE-----\n{BEGIN} cut")
    authority = Authority()
    without = authority.bundle({})
    named = {"REQUESTS_CA_BUNDLE": str(file), "NODE_EXTRA_CA_CERTS": str(file), "SSL_CERT_FILE": str(tmp_path / "gone")}
    bundle = authority.bundle(named)
    assert bundle.count(BEGIN) == without.count(BEGIN) + 1
    assert len(set(bundle.split(BEGIN))) == bundle.count(BEGIN) + 1
    ssl.create_default_context(cadata=bundle)


async def served_certificate(authority: Authority, trusted: str) -> dict[str, object]:
    async def say_bye(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")

    context = ssl.create_default_context(cadata=trusted)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    async with listening(say_bye, tls=authority.server_context()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=HOST)
        certificate: dict[str, object] = writer.get_extra_info("peercert")
        assert await reader.read() == b"bye"
        writer.close()
        await writer.wait_closed()
    return certificate


@pytest.mark.usefixtures("unguarded")
async def test_a_strict_verifier_takes_the_emulator_for_the_gateway() -> None:
    authority = Authority()
    certificate = await served_certificate(authority, authority.bundle({}))
    assert certificate["subjectAltName"] == (("DNS", HOST),)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    assert ends - datetime.now(UTC) < timedelta(days=366)
