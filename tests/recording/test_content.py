"""Bodies are text where they can be, and looked through before they are recorded."""

import gzip
import zlib

import pytest

from sched_emulator.recording import content
from sched_emulator.recording.content import readable
from sched_emulator.recording.lines import LeftOut

TEXT = "größe" * 100


def zipped(plain: bytes) -> bytes:
    return gzip.compress(plain, mtime=0)  # the time of making would be part of the test's name


BARE = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        ("", TEXT.encode()),
        ("identity", TEXT.encode()),
        ("gzip", zipped(TEXT.encode())),
        ("X-GZIP", zipped(TEXT.encode())),
        ("deflate", zlib.compress(TEXT.encode())),
        ("deflate", BARE.compress(TEXT.encode()) + BARE.flush()),
        ("deflate, gzip", zipped(zlib.compress(TEXT.encode()))),
    ],
)
def test_what_a_coding_did_is_undone(coding: str, raw: bytes) -> None:
    assert readable(raw, (("content-encoding", coding),)) == TEXT


def test_of_a_body_that_broke_off_what_came_is_read() -> None:
    broken = readable(zipped(bytes(range(32, 126)) * 50)[:-12], (("Content-Encoding", "gzip"),))
    assert isinstance(broken, str)
    assert broken.startswith(" !")


def test_what_is_no_utf_8_stays_bytes() -> None:
    assert readable(b"\xff\xfe", ()) == b"\xff\xfe"
    assert readable(b"", (("Content-Encoding", "gzip"),)) == ""


@pytest.mark.parametrize(
    ("coding", "raw", "why"),
    [
        ("vendor", b"abc", "its Content-Encoding, vendor, cannot be undone here"),
        ("gzip", b"abc", "it is no gzip"),
        ("deflate", b"\xff", "it is no deflate"),
        ("gzip", zipped(bytes(2000)), "it has more than 1000 bytes"),
        ("", bytes(1001), "it has more than 1000 bytes"),
    ],
)
def test_what_cannot_be_looked_at_is_left_out(
    monkeypatch: pytest.MonkeyPatch, coding: str, raw: bytes, why: str
) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 1000)
    assert readable(raw, (("Content-Encoding", coding),)) == LeftOut(why)
