"""Bodies: as bytes on the wire, as text in a recording.

What `Content-Encoding` did to a body is undone, so that it can be read and searched for secrets. One that cannot be
undone here is left out: nobody could tell what is in it.
"""

import importlib
import zlib
from collections.abc import Callable

from .lines import Body, Headers, LeftOut

MOST_BYTES = 64 * 1024 * 1024  # of a body, encoded or not: what is longer is left out


def readable(raw: bytes, headers: Headers) -> Body:
    """Return a body as it is recorded: text where it is UTF-8, else bytes; left out where it cannot be looked at."""
    if len(raw) > MOST_BYTES:
        return LeftOut(f"it has more than {MOST_BYTES} bytes")
    codings = [value for name, value in headers if name.lower() == "content-encoding"] if raw else []
    if codings:
        for coding in reversed([each.strip().lower() for each in ",".join(codings).split(",")]):
            try:
                raw = _decoded(raw, coding)
            except _CannotDecode as error:
                return LeftOut(str(error))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


class _CannotDecode(Exception):
    """Why a coding cannot be undone."""


def _decoded(raw: bytes, coding: str) -> bytes:
    if coding in {"", "identity"}:
        return raw
    if coding in {"gzip", "x-gzip", "deflate"}:
        return _inflated(raw, coding)
    decompress = _from_elsewhere(coding)
    if decompress is None:
        raise _CannotDecode(f"its Content-Encoding, {coding[:40]}, cannot be undone here")
    try:
        return decompress(raw)
    except Exception as error:  # noqa: BLE001 - each of these libraries has its own errors
        raise _CannotDecode(f"it is no {coding}: {error}") from None


def _inflated(raw: bytes, coding: str) -> bytes:
    """Undo gzip or deflate, which some send without zlib's frame; of what broke off, return what was there."""
    bare = coding == "deflate" and (raw[0] & 0x0F != 8 or int.from_bytes(raw[:2].ljust(2, b"\0")) % 31)
    decompressor = zlib.decompressobj(-15 if bare else 47)
    try:
        plain = decompressor.decompress(raw, MOST_BYTES + 1)
    except zlib.error:
        raise _CannotDecode(f"it is no {coding}") from None
    if len(plain) > MOST_BYTES:
        raise _CannotDecode(f"it has more than {MOST_BYTES} bytes")
    return plain


def _from_elsewhere(coding: str) -> Callable[[bytes], bytes] | None:
    """Return what undoes a coding with a library that happens to be there: Python's own knows no br, and zstd late."""
    for module in {"br": ("brotli", "brotlicffi"), "zstd": ("compression.zstd",)}.get(coding, ()):
        try:
            found: Callable[[bytes], bytes] = importlib.import_module(module).decompress
        except ImportError:
            continue
        return found
    return None
