import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core import ids
from tests.core.harness import START_MS
from tests.soak import examples


def test_ids_count_up_by_kind_and_go_on_from_their_counters() -> None:
    counters = {"msg": 999_998}
    kept = ids.Ids(counters)
    assert [kept.next("msg"), kept.next("msg"), kept.next("cron"), kept.number("arrival")] == [
        "msg_999999",
        "msg_1000000",
        "cron_000001",
        1,
    ]
    assert counters == {"msg": 1_000_000, "cron": 1, "arrival": 1}


@examples(100)
@given(st.integers(-(2**70), 2**70), st.text())
def test_a_fraction_lies_from_0_to_below_1_and_depends_on_nothing_else(seed: int, purpose: str) -> None:
    fraction = ids.fraction(seed, purpose)
    assert 0 <= fraction < 1
    assert ids.fraction(seed, purpose) == fraction


def test_fractions_of_other_seeds_and_purposes_are_others() -> None:
    assert len({ids.fraction(seed, f"jitter {number}") for seed in range(30) for number in range(30)}) == 900


@examples(100)
@given(st.integers(0, 2**64), st.integers(0, 2**48 - 1), st.integers(1, 2**40))
def test_a_request_id_is_a_uuid_of_version_7_at_its_instant(seed: int, now_ms: int, number: int) -> None:
    text = ids.request_id(seed, now_ms, number)
    parsed = uuid.UUID(text)
    assert (str(parsed), parsed.version, parsed.variant) == (text, 7, uuid.RFC_4122)
    assert parsed.int >> 80 == now_ms
    assert ids.request_id(seed, now_ms, number) == text


@pytest.mark.parametrize("seed", [0, 1])
def test_request_ids_never_repeat(seed: int) -> None:
    assert len({ids.request_id(seed, START_MS, number) for number in range(1000)}) == 1000


def test_a_golden_request_id() -> None:
    assert ids.request_id(0, START_MS, 1) == "019b76da-a800-7376-99d1-0a9357666f61"
