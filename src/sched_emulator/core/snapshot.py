"""Snapshots: a sandbox's whole state as one JSON document, sealed so that a changed one is noticed."""

from hashlib import blake2b

import msgspec

from .encoding import exact_number
from .errors import InvalidRequest
from .records import State

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(State, float_hook=exact_number)


class _Seal(msgspec.Struct):
    seal: str


def seal(state: State) -> bytes:
    """Return the document of a state."""
    content = _encoder.encode(state)
    return b'{"seal":"' + _mark(content).encode() + b'",' + content[1:]


def unseal(document: bytes) -> State:
    """Return the state in a document; InvalidRequest when it is none, or has been changed."""
    try:
        state = _decoder.decode(document)
        mark = msgspec.json.decode(document, type=_Seal).seal
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"this is no snapshot of this version: {error}") from None
    if mark != _mark(_encoder.encode(state)):
        raise InvalidRequest("the snapshot must be unchanged: its seal does not fit its content")
    return state


def _mark(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
