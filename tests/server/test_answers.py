"""Each answer comes whole, and byte by byte: what is made of it must not depend on packets."""

import asyncio
from typing import NamedTuple

import pytest

from sched_emulator.core.targets import KEPT_BYTES
from sched_emulator.server.answers import HEAD_BYTES
from sched_emulator.server.sender import Receipt
from tests.receivers import Behaviour, for_ever, rude_receiver
from tests.server.test_sender import SHORT, outcome_of, post, sender

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MANY_BYTES = 2000  # from here on an answer is cut into pieces of 997 bytes instead of single ones


class Counted(NamedTuple):
    """What counts of an answer; with `open` the connection stays open behind it, and must not be waited for."""

    answer: bytes
    status: int
    body: bytes = b""
    open: bool = True


COUNTED = {
    "204, chunked, with an end of chunks": Counted(
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 204
    ),
    "204 with a length and a body": Counted(b"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nhi", 204),
    "204 with a length and no body": Counted(b"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n", 204),
    "204 with a body": Counted(b"HTTP/1.1 204 x\r\n\r\nhi there", 204),
    "304 with a length": Counted(b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 304),
    "bytes behind the announced length": Counted(OK + b"Content-Length: 2\r\n\r\nhi there", 200, b"hi"),
    "an answer behind the answer": Counted(OK + b"Content-Length: 2\r\n\r\nhiHTTP/1.1 500 x\r\n\r\n", 200, b"hi"),
    "bytes behind the last chunk": Counted(CHUNKED + b"2\r\nhi\r\n0\r\n\r\nmore", 200, b"hi"),
    "a header of 8,189 bytes": Counted(OK + b"X-A: " + b"a" * 8189 + b"\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "a header of 100 kB": Counted(OK + b"X-A: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "200 headers": Counted(OK + b"X-A: a\r\n" * 200 + b"Content-Length: 2\r\n\r\nhi", 200, b"hi"),
    "a reason of 9,000 bytes": Counted(b"HTTP/1.1 200 " + b"r" * 9000 + b"\r\nContent-Length: 0\r\n\r\n", 200),
    "a reason that is no text": Counted(b"HTTP/1.1 200 \xff\x01\r\nContent-Length: 0\r\n\r\n", 200),
    "no reason": Counted(b"HTTP/1.1 201\r\nContent-Length: 0\r\n\r\n", 201),
    "an empty reason": Counted(b"HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n", 201),
    "interim answers": Counted(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\nContent-Length: 9\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\nhi",
        200,
        b"hi",
    ),
    "101": Counted(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x00\x01", 101),
    "HTTP/1.0 without a length": Counted(b"HTTP/1.0 200 OK\r\n\r\nhi", 200, b"hi", open=False),
    "no header at all": Counted(OK + b"\r\n", 200, open=False),
    "lower case": Counted(b"http/1.1 200 ok\r\ncontent-length: 2\r\n\r\nhi", 200, b"hi"),
    "lines that end in LF alone": Counted(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi"),
    "a folded header": Counted(OK + b"X-A: a\r\n  b\r\nContent-Length:\r\n 2\r\n\r\nhi", 200, b"hi"),
    "lines that are no headers": Counted(OK + b" x: y\r\nnonsense\r\n: b\r\nContent-Length : 2\r\n\r\nhi", 200, b"hi"),
    "chunks with extensions and trailers": Counted(
        CHUNKED + b"1;a=b\r\nh\r\n001 \r\ni\r\n0;x\r\nTrailer: a\r\n\r\n", 200, b"hi"
    ),
    "chunks in capitals, compressed": Counted(
        OK + b"TRANSFER-ENCODING: gzip, CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, b"hi"
    ),
    "chunks and a length": Counted(
        OK + b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, b"hi"
    ),
    "a chunk of nonsense": Counted(CHUNKED + b"2\r\nhi\r\nzz\r\nhi", 200, b"hi"),
    "a chunk longer than it says": Counted(CHUNKED + b"2\r\nhi there\r\n0\r\n\r\n", 200, b"hi"),
    "one length twice": Counted(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "one length twice in one": Counted(OK + b"Content-Length: 2, 2\r\n\r\nhi", 200, b"hi"),
    "two lengths": Counted(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "a length beyond all numbers": Counted(
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhi", 200, b"hi", open=False
    ),
    "a length that is no number": Counted(OK + b"Content-Length: some\r\n\r\nhi", 200, b"hi", open=False),
    "gzip that is none": Counted(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "an end before the length": Counted(OK + b"Content-Length: 9\r\n\r\nhi", 200, b"hi", open=False),
    "an end in the middle of a chunk": Counted(CHUNKED + b"9\r\nhi", 200, b"hi", open=False),
    "an end before the last chunk": Counted(CHUNKED + b"2\r\nhi\r\n", 200, b"hi", open=False),
    "an end in the middle of a header": Counted(OK + b"Content-", 200, open=False),
    "an end behind the status": Counted(b"HTTP/1.1 503 x\r\n", 503, open=False),
    "a long body": Counted(OK + b"\r\n" + b"x" * (KEPT_BYTES + 1), 200, b"x" * KEPT_BYTES),
    "long chunks": Counted(CHUNKED + b"fff\r\n" + b"x" * 0xFFF + b"\r\nffffff\r\nyz", 200, b"x" * 0xFFF + b"y"),
}

NOT_COUNTED = {
    b"SSH-2.0-OpenSSH_9.6\r\nmore": "the answer is not HTTP, it starts with 'SSH-2.0-OpenSSH_9.6'",
    b"\r\nHTTP/1.1 200 OK\r\n\r\n": "the answer is not HTTP, it starts with ''",
    b"\x15\x03\x01\x00\x02\x02\x46": r"the answer is not HTTP, it starts with '\x15\x03\x01\x00\x02\x02F'",
    b"\x1b[31m'\xc3\xbc\"" + b"x" * 60: "the answer is not HTTP, it starts with "
    rf"""'\x1b[31m\'\xc3\xbc"{"x" * 31}…'""",
    b"HTTP/1.1 OK\r\n\r\n": "the answer is not HTTP, it starts with 'HTTP/1.1 OK'",
    b"HTTP/1.1 000 x\r\n\r\n": "the answer is not HTTP, it starts with 'HTTP/1.1 000 x'",
    b"HTTP/1.1 2000 x\r\n\r\n": "the answer is not HTTP, it starts with 'HTTP/1.1 2000 x'",
    b"HTTP/1.2 200 x\r\n\r\n": "the answer is not HTTP, it starts with 'HTTP/1.2 200 x'",
    b"HTTP/1.1 100 Continue\r\n\r\nnonsense": "the answer is not HTTP, it starts with 'nonsense'",
    b"": "the connection was closed before an answer",
    b"HTTP/1.1 200 OK": "the connection was closed before an answer",
    b"HTTP/1.1 100 Continue\r\n\r\n": "the connection was closed before an answer",
    OK + b"X-A: " + b"a" * HEAD_BYTES: "the answer's headers are longer than 300 KiB",
    OK + b"X-A: " + b"a" * HEAD_BYTES + b"\r\n\r\n": "the answer's headers are longer than 300 KiB",
    b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_BYTES // 25 + 1): "the answer's headers are longer than 300 KiB",
}


def in_pieces(answer: bytes) -> Behaviour:
    size = 1 if len(answer) < MANY_BYTES else 997

    async def behaviour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(answer), size):
            writer.write(answer[start : start + size])
            await asyncio.sleep(0)  # a turn for the sender, which takes this piece alone

    return behaviour


def left_open(answer: bytes) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await for_ever(reader, writer)

    return behaviour


@pytest.mark.parametrize("case", COUNTED.values(), ids=COUNTED.keys())
async def test_an_answer_counts_by_its_status_in_whatever_packets_it_comes(case: Counted) -> None:
    receipts = [await outcome_of(case.answer), await outcome_of(in_pieces(case.answer))]
    if case.open:
        receipts.append(await outcome_of(left_open(case.answer)))
    first = receipts[0]
    assert receipts == [first] * len(receipts)
    assert (first.kind, first.status, first.body_excerpt) == ("response", case.status, case.body)
    assert sum(len(name) + len(value) for name, value in first.headers.items()) <= KEPT_BYTES


@pytest.mark.parametrize(("answer", "error"), NOT_COUNTED.items(), ids=range(len(NOT_COUNTED)))
async def test_what_is_no_answer_is_told_by_what_came_in_whatever_packets_it_comes(answer: bytes, error: str) -> None:
    receipts = [await outcome_of(answer), await outcome_of(in_pieces(answer))]
    assert receipts == [Receipt("failed", error=error)] * 2


async def test_what_began_as_no_http_and_does_not_end_is_told_by_what_came() -> None:
    receipt = await outcome_of(left_open(b"5.7.42\x00"), limit=SHORT)
    assert receipt == Receipt("failed", error=r"the answer is not HTTP, it starts with '5.7.42\x00'")


async def test_header_lines_are_kept_as_they_were_meant() -> None:
    lines = b"X-A: a\r\n\t b\r\nX-B:c \r\nX-B: d\r\nx-b : \xc3\xbc\xff\r\nX-C:\r\n"
    receipt = await outcome_of(OK + lines + b"Content-Length: 0\r\n\r\n")
    assert receipt.headers == {"X-A": "a b", "X-B": "c, d", "x-b": "ü?", "X-C": "", "Content-Length": "0"}


async def test_an_answer_counts_though_the_connection_is_reset_behind_it_and_the_request_was_not_read() -> None:
    async def answer_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\n")

    async with rude_receiver(answer_at_once, read=False) as target, sender() as sending:
        receipt = await post(sending, target.url, body="x" * 1_000_000)
    assert (receipt.kind, receipt.status) == ("response", 413)
