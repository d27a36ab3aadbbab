"""HAR 1.2, as browsers, mitmproxy and Charles write it, read entry by entry as exchanges.

http://www.softwareishard.com/blog/har-12-spec/ describes the format; where its writers differ, each way is taken:
`time` may be missing or 0 where `timings` say more; unknown ones are -1; cookies may stand beside the headers alone; a
form may stand in `params` alone; content is text or base64; a request without an answer has status 0, or -1.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlencode, urlsplit

from .content import readable
from .errors import RecordingError
from .lines import INSTANT, Body, Exchange, Header, Headers, LeftOut, instant_ms, shown

CHUNK_CHARS = 64 * 1024
LONGEST_ENTRY_CHARS = 256 * 1024 * 1024
_BEGINNING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
_SPACE = " \t\r\n"
_NOT_COUNTED = ("ssl", "comment")  # `connect` has the time of TLS in it
_NO_ANSWER = "no answer came"
_LONGEST_MS = 10 * 365 * 86_400_000  # that an exchange may take


def is_har(beginning: bytes) -> bool:
    """Say whether a file begins like one."""
    return _BEGINNING.match(beginning) is not None


class Har:
    """The entries of a HAR file; `target` of the header is where the first of them went."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._text = _Text(TextIOWrapper(file, encoding="utf-8-sig", newline=""), name)
        self._name = name
        self._accounts: dict[str, int] = {}
        self._seq = 0
        self.cut_off = False
        try:
            creator = self._to_entries()
        except _EndError:
            raise RecordingError(f"{name} is a HAR file that ends before its first entry") from None
        self._first = self._next()
        origin = "" if self._first is None else self._first.origin or ""
        began = 0 if self._first is None else self._first.sent_at_ms
        self.header = Header(origin, began, creator)

    def __iter__(self) -> Iterator[Exchange]:
        entry = self._first
        while entry is not None:
            yield entry
            entry = self._next()

    def _to_entries(self) -> str:
        """Go to the first entry; return what wrote the file."""
        creator = ""
        for sign in '{"':
            self._text.expect(sign, taken=sign == "{")
        self._text.value()
        self._text.expect(":")
        self._text.expect("{")
        while self._text.peek() == '"':
            member = self._text.value()
            self._text.expect(":")
            if member == "entries":
                self._text.expect("[")
                return creator
            value = self._text.value()
            if member == "creator" and isinstance(value, dict):
                creator = f"{value.get('name', '')} {value.get('version', '')}".strip()
            self._text.skip(",")
        raise RecordingError(f"{self._name} has no `entries`; expected those of a HAR file")

    def _next(self) -> Exchange | None:
        if self.cut_off:
            return None
        self._text.skip(",")
        line = self._text.line
        try:
            if self._text.peek() == "]":
                return None
            entry = self._text.value()
        except _EndError:
            self.cut_off = True
            return None
        self._seq += 1
        try:
            return self._exchange(entry)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            wrong = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            wrong = "a part of it has another form" if isinstance(error, TypeError | AttributeError) else wrong
            raise RecordingError(f"{self._name}, line {line}: entry {self._seq} is none of HAR 1.2: {wrong}") from None

    def _exchange(self, entry: Mapping[str, Any]) -> Exchange:
        request, response = entry["request"], entry.get("response") or {}
        url = _url(request["url"])
        sent_at_ms = _began_ms(entry["startedDateTime"])
        headers = _headers(request, "cookie")
        response_headers = _headers(response, "set-cookie")
        status = _status(response.get("status") or 0)
        error = response.get("_error") or entry.get("_error") or (_NO_ANSWER if status <= 0 else None)
        return Exchange(
            sent_at_ms=sent_at_ms,
            received_at_ms=sent_at_ms + _took_ms(entry),
            method=_word(request, "method"),
            path=(url.path or "/") + (f"?{url.query}" if url.query else ""),
            headers=headers,
            body=_posted(request.get("postData") or {}, headers),
            status=status if status > 0 else None,
            response_headers=response_headers,
            response=_content(response.get("content") or {}, response_headers),
            error=None if error is None else str(error),
            account=self._account(headers),
            origin=f"{url.scheme}://{url.netloc}",
            seq=self._seq,
        )

    def _account(self, headers: Headers) -> int | None:
        key = next((value for name, value in headers if name.lower() == "authorization"), None)
        return None if key is None else self._accounts.setdefault(key, len(self._accounts) + 1)


def _word(message: Mapping[str, Any], name: str) -> str:
    if not isinstance(message[name], str):
        raise ValueError(f"`{name}` is {shown(message[name])}; expected a text")  # noqa: TRY004 - of the file
    return str(message[name])


def _url(given: Any) -> SplitResult:
    try:
        url: SplitResult = urlsplit(given)
    except (ValueError, TypeError, AttributeError):
        url = urlsplit("")
    if not (isinstance(given, str) and url.scheme and url.netloc):
        raise ValueError(f"`url` is {shown(given)}; expected one such as https://api.infrai.cc/v1/discovery")
    return url


def _began_ms(given: Any) -> int:
    try:
        return instant_ms(given)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"`startedDateTime` is {shown(given)}; expected {INSTANT}") from None


def _status(given: Any) -> int:
    try:
        return int(given)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"`status` is {shown(given)}; expected a whole number") from None


def _took_ms(entry: Mapping[str, Any]) -> int:
    time = entry.get("time")
    if isinstance(time, int | float) and time > 0:
        if time > _LONGEST_MS:
            raise ValueError(f"`time` is {shown(time)}; expected milliseconds, of ten years at most")
        return round(time)
    timings = {**(entry.get("timings") or {})}
    spans = [span for name, span in timings.items() if name not in _NOT_COUNTED and isinstance(span, int | float)]
    return round(min(sum(span for span in spans if span > 0), _LONGEST_MS))


def _headers(message: Mapping[str, Any], cookie_header: str) -> Headers:
    """Return a message's headers; those of HTTP/2 that are none are left out, cookies that stand apart put in."""
    named = [(str(each["name"]), str(each.get("value") or "")) for each in message.get("headers") or []]
    headers = [(name, value) for name, value in named if not name.startswith(":")]
    cookies = [f"{each['name']}={each.get('value') or ''}" for each in message.get("cookies") or []]
    if cookies and not any(name.lower() == cookie_header for name, _ in headers):
        headers += [(cookie_header, each) for each in (["; ".join(cookies)] if cookie_header == "cookie" else cookies)]
    return tuple(headers)


def _posted(data: Mapping[str, Any], headers: Headers) -> Body:
    if not data.get("text") and data.get("params"):
        return urlencode([(each["name"], each.get("value") or "") for each in data["params"]])
    return _text(data, headers)


def _content(content: Mapping[str, Any], headers: Headers) -> Body:
    if content.get("text") is None and (content.get("size") or 0) > 0:
        return LeftOut("the HAR file does not have it")
    return _text(content, headers)


def _text(content: Mapping[str, Any], headers: Headers) -> Body:
    text = content.get("text") or ""
    if content.get("encoding") != "base64":
        return str(text)
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return LeftOut("its base64 cannot be read")
    try:
        return raw.decode()  # what the wire's coding did is undone in most files
    except UnicodeDecodeError:
        return readable(raw, headers)


class _EndError(Exception):
    """The file ends within a value."""


class _Text:
    """A JSON text, read value by value; `line` is where the next one is."""

    def __init__(self, file: TextIOWrapper, name: str) -> None:
        self._file = file
        self._name = name
        self._decoder = json.JSONDecoder()
        self._here = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def peek(self) -> str:
        """Return the next sign that is no space; _EndError when there is none."""
        while True:
            while self._at < len(self._here):
                if self._here[self._at] not in _SPACE:
                    return self._here[self._at]
                self._take(self._at + 1)
            if not self._more():
                raise _EndError

    def skip(self, sign: str) -> None:
        """Take a sign if it is next."""
        try:
            if self.peek() == sign:
                self._take(self._at + 1)
        except _EndError:
            return

    def expect(self, sign: str, *, taken: bool = True) -> None:
        """Take a sign; RecordingError when another is next."""
        found = self.peek()
        if found != sign:
            raise RecordingError(f"{self._name}, line {self.line}: {found!r} where {sign!r} is expected in a HAR file")
        if taken:
            self._take(self._at + 1)

    def value(self) -> Any:
        """Take a value; _EndError when the file ends within it, RecordingError when it is no JSON."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._here, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if self._more():
                    continue
                if not self._cut(error):
                    raise RecordingError(f"{self._name}, line {self.line}: what begins here is no JSON") from None
                raise _EndError from None
            if end < len(self._here) or not self._more():
                self._take(end)
                return value

    def _cut(self, error: Exception) -> bool:
        """Say whether a value is wrong for nothing but its end: then the mistake is found where the text ends."""
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        return len(self._here) - at <= len("false") or str(error).startswith("Unterminated string")

    def _take(self, end: int) -> None:
        self.line += self._here.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on, as much again as there is; False at the end of the file."""
        if self._ended or len(self._here) - self._at > LONGEST_ENTRY_CHARS:
            return False
        rest = self._here[self._at :]
        try:
            read = self._file.read(max(CHUNK_CHARS, len(rest)))
        except UnicodeDecodeError as error:
            raise RecordingError(f"{self._name} is no UTF-8 after line {self.line}: {error.reason}") from None
        self._ended = not read
        if read:
            self._here, self._at = rest + read, 0
        return not self._ended
