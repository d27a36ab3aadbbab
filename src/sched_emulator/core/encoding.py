"""JSON whose values come back exactly: whole numbers of any size, and fractions digit for digit.

msgspec decodes and encodes. It refuses NaN, Infinity and lone surrogates; a fraction that a binary float cannot give
back as it was written becomes a `Decimal`. Non-finite numbers such as 1e999 are refused.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


def exact_number(text: str) -> float | Decimal:
    """Return the number a JSON fraction stands for, exactly; ValueError when it is beyond all floats."""
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large")
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None
    return number if Decimal(repr(number)) == exact else exact


_encoder = msgspec.json.Encoder(decimal_format="number")
_sorting_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_decoder = msgspec.json.Decoder(float_hook=exact_number)


def encode_bytes(value: Any) -> bytes:
    """Return the compact JSON of a value, keys in the order given."""
    return _encoder.encode(value)


def encode(value: Any) -> str:
    """Return the compact JSON text of a value, keys in the order given."""
    return _encoder.encode(value).decode()


def encode_sorted(value: Any) -> str:
    """Return the compact JSON text of a value, the keys of each object sorted."""
    return _sorting_encoder.encode(value).decode()


def decode(raw: bytes | str) -> Any:
    """Return the value of a JSON text; msgspec.DecodeError, ValueError or RecursionError when it is none."""
    return _decoder.decode(raw)
