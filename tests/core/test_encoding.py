from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core import encoding
from tests.soak import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@examples(100)
@given(JSON)
def test_any_value_survives_being_written(value: Any) -> None:
    assert encoding.decode(encoding.encode(value)) == value
    assert encoding.encode_bytes(value) == encoding.encode(value).encode()


@examples(100)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**300), max_value=10**300))
def test_a_fraction_comes_back_with_exactly_its_value(number: Decimal) -> None:
    text = f"{number:E}" if "." in f"{number:E}" else f"{number:.1f}"
    assert Decimal(encoding.encode(encoding.decode(text))) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("1.0", "1.0"),
        ("1.10", "1.1"),
        ("1E2", "100.0"),
        ("9007199254740993", "9007199254740993"),
        ("9007199254740993.0", "9007199254740993.0"),
        ("18446744073709551616", "18446744073709551616"),
        ("1" + "0" * 1000, "1" + "0" * 1000),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e-400", "1E-400"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
    ],
)
def test_how_a_number_comes_back(text: str, written: str) -> None:
    assert encoding.encode(encoding.decode(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "1e999",
        "-1e999",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "NaN",
        "Infinity",
        '"\\ud800"',
        '{"\\ud800":1}',
        "",
        "{",
        "[1,]",
        "{'a':1}",
        '{"a":1} x',
        "01",
        "\ufeff{}",
        "1" * 5000,
    ],
)
def test_what_is_no_json_value_is_refused(text: str) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        encoding.decode(text)


@pytest.mark.parametrize("raw", [b'"\xff"', b"\xff\xfe", b'"\xed\xa0\x80"', b"\x00"])
def test_bytes_that_are_no_utf_8_are_refused(raw: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        encoding.decode(raw)


def test_a_depth_beyond_all_reason_is_refused() -> None:
    with pytest.raises(RecursionError):
        encoding.decode("[" * 100_000)


def test_keys_stand_in_the_order_given_or_sorted_at_every_depth() -> None:
    value = {"b": [{"d": 1, "c": "ü"}], "a": None}
    assert encoding.encode(value) == '{"b":[{"d":1,"c":"ü"}],"a":null}'
    assert encoding.encode_sorted(value) == '{"a":null,"b":[{"c":"ü","d":1}]}'
