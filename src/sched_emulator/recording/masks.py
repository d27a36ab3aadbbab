"""What must not stand in a recording, and what stands there instead.

A secret becomes a keyed hash of its form and length: letters stay letters, digits digits, `Bearer ` and the beginning
of a key stay. A field to redact becomes a keyed hash that keeps equality. The key of the hash is drawn for each
recording and is kept nowhere: equal values can be seen to be equal within a recording, and nothing can be tried out.

Texts are changed only where a secret stands, so that what is left is as it was sent; they need not be whole, or JSON.
A secret is found by its name, and from then on wherever else it stands if it is not likely to be a word.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable
from urllib.parse import quote, unquote_plus

from .lines import Body, Headers, LeftOut
from .names import SCHEMES, is_secret, may_name_a_secret

KEY_BEGINNING = "ifr_"
BEGINNINGS = (KEY_BEGINNING, "whsec_")
MOST_KNOWN = 256
MOST_HEADERS = 1024
LIKELY_NO_WORD_CHARS = 8

_STRING = r'"(?:[^"\\]|\\.)*"?'
_NAMES = re.compile(rf"({_STRING})(\s*:)?", re.DOTALL)
_TOKENS = re.compile(rf'{_STRING}|[{{}}\[\],:]|[^\s"{{}}\[\],:]+', re.DOTALL)
_NAME = r"""[^=&#?"'\s\\]++"""
# A parameter with its value; or, passed over at one stroke, what might be its name and is none.
_PARAMETERS = re.compile(rf"""((?:^|[?&;#"']|\\u0026)({_NAME})=)([^&#"'\s\\]+)|[?&;#"']{_NAME}""")
_HEAD = re.compile(r"(?:(?!\r?\n)[^\n]++(?:\n|\Z))++(\r?\n)?")  # lines of a part of a form, and a blank one after
_NAME_OF_PART = re.compile(r"""name="?([^"\r\n;]+)""")
_END_OF_PART = re.compile(r"\r?\n--|\Z")
_KEYS = re.compile(r"(?<![A-Za-z0-9])ifr_[A-Za-z0-9_-]+")
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SIGNS = re.compile(rf"{_PAIR}|\\u[0-9a-fA-F]{{4}}|\\.|.", re.DOTALL)
_USER = re.compile(r"""(://[^/\s"'@:]*:)([^/\s"'@]+)(?=@)""")
_DIGITS = re.compile("[0-9]+")
_LEADING_ZERO = re.compile("^(-?)0(?=[0-9])")
_BEFORE_JSON = " \t\r\n\ufeff"
_FORM = re.compile(r"[^=&\s]+=[^&\s]*(?:&[^=&\s]+=[^&\s]*)*")


class Masks:
    """The masks of one recording; `redact` names the fields that are redacted besides."""

    def __init__(self, redact: Collection[str] = ()) -> None:
        self._redact = frozenset(redact)
        self._key = os.urandom(32)
        self._known: dict[str, str] = {}
        self.learnt = 0  # how many secrets so far
        self._others: list[str] = []  # of those known, that are no keys
        self._headers: dict[tuple[str, str], tuple[str, str]] = {}  # those that came, as they are written

    def secret(self, text: str) -> str:
        """Return what stands for a secret."""
        known = self._known.get(text)
        if known is not None:
            return known
        beginning = next(filter(text.startswith, BEGINNINGS), "")
        rest = text[len(beginning) :]
        stream = hashlib.shake_256(self._key + rest.encode(errors="surrogatepass")).digest(2 * len(rest))
        pairs = zip(rest, zip(stream[::2], stream[1::2], strict=True), strict=True)
        mask = beginning + "".join(_alike(sign, 256 * high + low) for sign, (high, low) in pairs)
        if text.startswith(KEY_BEGINNING) or _likely_no_word(text):
            self._know(text, mask)
        return mask

    def knows(self, text: str) -> bool:
        """Say whether a secret is known wherever it stands."""
        return text in self._known

    def has_nothing_in(self, texts: Iterable[bytes]) -> bool:
        """Say, quickly, that nothing in texts of JSON is to be hidden; False where that takes a closer look."""
        text = b"\n".join(texts)
        if self._redact or b"=" in text or b"@" in text or b"ifr_" in text or may_name_a_secret(text):
            return False
        return text.isascii() and not (self._others and any(secret.encode() in text for secret in self._others))

    def credentials(self, text: str) -> str:
        """Return what stands for a secret that may follow a scheme, as in an Authorization header."""
        scheme, space, rest = text.partition(" ")
        return scheme + space + self.secret(rest) if rest and scheme.lower() in SCHEMES else self.secret(text)

    def headers(self, headers: Headers) -> Headers:
        """Return headers without secrets, also such as one of them gives away."""
        learnt = self.learnt
        found = tuple([self._headers.get(header) or self._header(header) for header in headers])
        if learnt != self.learnt:
            found = tuple(map(self._header, headers))
        return found

    def url(self, url: str) -> str:
        """Return a URL, or a path with its query, without secrets."""
        return self._literal(self._in_urls(url))

    def body(self, body: Body) -> Body:
        """Return a body without secrets and redacted fields."""
        if isinstance(body, str):
            return self.text(body)
        if isinstance(body, LeftOut) or not body:
            return body
        if self._redact:
            return self._redacted(base64.b64encode(body).decode())
        text = body.decode("latin-1")  # so that names, which are ASCII, can be told in whatever it is
        for secret, mask in self._known.items():
            text = text.replace(_as_latin(secret), _as_latin(mask))
        return self.text(text).encode("latin-1", errors="backslashreplace")

    def text(self, text: str) -> str:
        """Return a text, JSON or whatever, without secrets and redacted fields."""
        told_apart = text.lstrip(_BEFORE_JSON)[:1] in {"{", "[", '"'} or _FORM.fullmatch(text) is not None
        if self._redact and text and not told_apart:
            return self._redacted(text)
        if '"' in text:  # JSON, or something with JSON in it
            text = self._in_json(text)
        return self._literal(self._in_urls(text))

    def _header(self, header: tuple[str, str]) -> tuple[str, str]:
        """Return a header without secrets, and know it: most come again and again."""
        name, value = header
        masked = self.credentials(value) if is_secret(name) else self._literal(self._in_urls(value))
        if len(self._headers) >= MOST_HEADERS:
            self._headers.clear()
        self._headers[header] = name, masked
        return name, masked

    # By name

    def _in_json(self, text: str) -> str:
        if not self._is_of_interest(text):
            return text
        tokens = list(_TOKENS.finditer(text))
        parts, done, at = [], 0, 0
        while at < len(tokens):
            end = at + 1
            start, written = tokens[at].start(), None
            if _is_name(tokens, at):
                end, written = self._member(text, tokens, at)
                start = tokens[min(at + 2, len(tokens) - 1)].start()
            elif '\\"' in tokens[at][0]:
                written = self._nested(tokens[at][0])
            if written is not None:
                parts += [text[done:start], written]
                done = tokens[end - 1].end()
            at = end
        return "".join([*parts, text[done:]])

    def _is_of_interest(self, text: str) -> bool:
        if not (self._redact or may_name_a_secret(text.lower().encode(errors="replace"))):
            return False
        names = (literal for literal, colon in _NAMES.findall(text) if colon)
        return '\\"' in text or any(self._hides(_said(literal)) for literal in names)

    def _hides(self, name: str) -> bool:
        return name in self._redact or is_secret(name)

    def _member(self, text: str, tokens: "list[re.Match[str]]", at: int) -> tuple[int, str | None]:
        """Return where a member's value ends, and what stands for it; None, after the colon, when it stays."""
        name = _said(tokens[at][0])
        if not self._hides(name) or at + 2 >= len(tokens):
            return at + 2, None
        end, depth = at + 2, 0
        while end < len(tokens):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(tokens[end][0], 0)
            end += 1
            if depth <= 0:
                break
        value = text[tokens[at + 2].start() : tokens[end - 1].end()]
        return end, json.dumps(self._redacted(value)) if name in self._redact else self._without(value)

    def _without(self, value: str) -> str:
        """Return a JSON value of which all texts and numbers are secrets."""
        tokens = list(_TOKENS.finditer(value))
        parts, done = [], 0
        for at, token in enumerate(tokens):
            said = token[0]
            if said in {"true", "false", "null"} or said in "{}[],:" or _is_name(tokens, at):
                continue
            is_text = said[0] == '"'
            masked = self._in_place(said) if is_text else self._number(said)
            parts += [value[done : token.start()], masked]
            done = token.end()
        return "".join([*parts, value[done:]])

    def _in_place(self, literal: str) -> str:
        """Return a JSON text that is a secret, each sign written as it was: what was wrong in it stays wrong."""
        signs = _SIGNS.findall(literal[1:])
        ends = signs.pop() if signs and signs[-1] == '"' else ""
        said = [_meant(sign) for sign in signs]
        masked = self.credentials("".join(meant or sign[-1] for meant, sign in zip(said, signs, strict=True)))
        found = [
            sign if meant in {None, other} else other if len(sign) == 1 else f"\\u{ord(other):04x}"
            for sign, meant, other in zip(signs, said, masked, strict=True)
        ]
        return "".join(['"', *found, ends])

    def _number(self, text: str) -> str:
        """Return another number of the same form."""
        return _LEADING_ZERO.sub(r"\g<1>1", _DIGITS.sub(lambda match: self.secret(match[0]), text))

    def _nested(self, literal: str) -> str | None:
        """Return a text of JSON within JSON without secrets, None where there are none."""
        inner = _said(literal)
        if inner.lstrip()[:1] not in {"{", "["}:
            return None
        masked = self._in_json(inner)
        return None if masked == inner else _written(masked, literal)

    def _redacted(self, value: str) -> str:
        with contextlib.suppress(ValueError, RecursionError):
            value = json.dumps(json.loads(value), sort_keys=True)
        hashed = hashlib.shake_256(self._key + b"redact" + value.encode(errors="surrogatepass"))
        return f"redacted:{hashed.hexdigest(16)}"

    # In URLs and forms

    def _in_urls(self, text: str) -> str:
        if "=" in text:
            text = _PARAMETERS.sub(self._parameter, text)
        if "form-data" in text:
            text = self._in_parts(text)
        return _USER.sub(lambda match: match[1] + self.secret(match[2]), text) if "://" in text else text

    def _parameter(self, match: "re.Match[str]") -> str:
        return match[0] if match[2] is None else match[1] + self._value(match[2], match[3])

    def _in_parts(self, text: str) -> str:
        """Return a form of several parts without the values of secrets."""
        found: list[str] = []
        done = at = 0
        while (head := _HEAD.search(text, at)) is not None:
            named, at = _NAME_OF_PART.search(head[0]), head.end()
            if named is not None and head[1]:
                ends = _END_OF_PART.search(text, at)
                assert ends is not None  # the end of the text is one
                found += [text[done:at], self._value(named[1], text[at : ends.start()])]
                done = at = ends.start()
        return "".join([*found, text[done:]])

    def _value(self, name: str, value: str) -> str:
        """Return what stands for the value of a parameter."""
        name = unquote_plus(name)
        if name in self._redact:
            return quote(self._redacted(unquote_plus(value)), safe=":")
        return self.secret(value) if is_secret(name) else value

    # Wherever a known one stands

    def _know(self, secret: str, mask: str) -> None:
        forms: tuple[Callable[[str], str], ...] = (str, lambda text: json.dumps(text, ensure_ascii=False)[1:-1], quote)
        for form in forms:
            self._known[form(secret)] = form(mask)
        self._headers.clear()
        self.learnt += 1
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._others = [each for each in self._known if not each.startswith(KEY_BEGINNING)]

    def _literal(self, text: str) -> str:
        for secret, mask in self._known.items():
            if secret in text:
                text = text.replace(secret, mask)
        return _KEYS.sub(self._other_key, text) if KEY_BEGINNING in text else text

    def _other_key(self, match: "re.Match[str]") -> str:
        """Return what stands for a key that nobody has sent; what stands for one already stays."""
        found = match[0]
        return found if any(mask.startswith(found) for mask in self._known.values()) else self.secret(found)


class Forms(Masks):
    """Masks that leave of a secret its form alone: texts that differ in nothing but secrets become equal.

    What is not like a sign of the same kind is not changed by any mask.
    """

    def secret(self, text: str) -> str:
        """Return the form of a secret."""
        return "".join("x" if sign.isalnum() or not sign.isascii() else sign for sign in text)


def _alike(sign: str, number: int) -> str:
    """Return another sign of the same kind: punctuation stays, letters that are not ASCII become such."""
    for first, count in (("a", 26), ("A", 26), ("0", 10)):
        place = ord(sign) - ord(first)
        if 0 <= place < count:
            return chr(ord(first) + (place + 1 + number % (count - 1)) % count)
    return sign if sign.isascii() else chr(ord("a") + number % 26)


def _likely_no_word(text: str) -> bool:
    return len(text) >= LIKELY_NO_WORD_CHARS and (not text.isalpha() or len(text) >= 2 * LIKELY_NO_WORD_CHARS)


def _is_name(tokens: "list[re.Match[str]]", at: int) -> bool:
    """Say whether a token is the name of a member."""
    return tokens[at][0][0] == '"' and at + 1 < len(tokens) and tokens[at + 1][0] == ":"


def _meant(sign: str) -> str | None:
    """Return the sign that is written so in a JSON text, None where that is wrong, or half of one."""
    if len(sign) == 1:
        return sign
    try:
        meant: str = json.loads(f'"{sign}"')
    except ValueError:
        return None
    return None if "\ud800" <= meant <= "\udfff" else meant


def _as_latin(text: str) -> str:
    """Return a text as it looks in bytes of UTF-8 that are read as Latin-1."""
    return text.encode(errors="surrogatepass").decode("latin-1")


def _said(literal: str) -> str:
    """Return the text that a JSON literal says; of one that is cut off or wrong, what stands there."""
    if "\\" not in literal:
        return literal.strip('"')
    try:
        text: str = json.loads(literal, strict=False)
    except ValueError:
        return literal.strip('"')
    return text


def _written(text: str, like: str) -> str:
    """Return the JSON literal of a text, cut off where the other is."""
    literal = json.dumps(text, ensure_ascii=False)
    return literal if len(like) > 1 and like.endswith('"') else literal[:-1]
