"""Snapshots: a sandbox's whole state as one JSON document, sealed so that a changed one is noticed."""

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from .encoding import exact_number
from .errors import InvalidRequest
from .records import VERSION, Settings, State

_MARK_BYTES = 16
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(State, float_hook=exact_number)
_plain_decoder = msgspec.json.Decoder(float_hook=exact_number)


class _Head(msgspec.Struct):
    seal: str
    version: int


def seal(state: State) -> bytes:
    """Return the document of a state."""
    content = _encoder.encode(state)
    return b'{"seal":"' + _mark(content).encode() + b'",' + content[1:]


def unseal(document: bytes, *, may_be_changed: bool = False) -> State:
    """Return the state in a document; InvalidRequest when it is none, of another form, or has been changed.

    Fields that an earlier writer did not know are completed with their defaults. One that `may_be_changed` is that of a
    recording, in which secrets are replaced.
    """
    try:
        head = msgspec.json.decode(document, type=_Head)
        state = _decoder.decode(document) if head.version == VERSION else None
        unchanged = may_be_changed or head.seal == _mark_as_written(document) or head.seal == _mark(_content(document))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"this is no snapshot of this version: {error}") from None
    if state is None:
        raise InvalidRequest(f"this is no snapshot of this version: its form is {head.version}, expected {VERSION}")
    if not unchanged:
        raise InvalidRequest("the snapshot must be unchanged: its seal does not fit its content")
    return state


def _mark_as_written(document: bytes) -> str:
    """Return the mark of a document that is as the sandbox writes it, without a copy of it."""
    marking = blake2b(b"{", digest_size=_MARK_BYTES)
    marking.update(memoryview(document)[document.find(b",") + 1 :])
    return marking.hexdigest()


def _content(document: bytes) -> bytes:
    """Return the content of a document, whatever spaces it was written with."""
    written = _plain_decoder.decode(document)
    return _encoder.encode({name: value for name, value in written.items() if name != "seal"})


def _mark(content: bytes) -> str:
    return blake2b(content, digest_size=_MARK_BYTES).hexdigest()


def at_home(state: State, settings: Settings) -> State:
    """Return a snapshot's state in which deliveries may go where these settings say, and calls cost what they say."""
    own = replace(
        state.settings,
        deliver=settings.deliver,
        uncovered=settings.uncovered,
        strict_urls=settings.strict_urls,
        prices=settings.prices,
    )
    return replace(state, settings=own)
