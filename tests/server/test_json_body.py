"""Reading or refusing a body costs about what decoding it costs, however it nests and however long its texts are."""

from typing import Any

import pytest

from sched_emulator.core.encoding import decode, encode_bytes
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.server import json_body
from sched_emulator.server.binding import bind
from sched_emulator.server.http_errors import MalformedBody
from sched_emulator.spec import assumptions
from tests.costs import cheaper

LONG = {
    "a batch of long texts": {"messages": [{"payload": {"text": "y" * 40_000, "items": [1]}} for _ in range(100)]},
    "one long text": {"queue": "orders", "ignored": "x" * (1 << 22)},
    "texts full of brackets": ["[{" * 500_000, '"[\\"' * 500_000],
    "many lists": [[] for _ in range(50_000)],
}
REFUSED = {
    "a text": ("x" * (1 << 22), 'must have at most 256 characters, got "' + "x" * 59 + "…"),
    "numbers": ([1] * (1 << 20), "must be a string, got an array"),
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_reading_a_long_body_costs_a_few_times_what_decoding_it_costs(value: Any) -> None:
    raw = encode_bytes(value)
    assert json_body.parse(raw) == value
    assert cheaper(lambda: json_body.parse(raw), lambda: decode(raw), times=8)


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
def test_refusing_a_long_value_costs_less_than_decoding_it(value: Any, told: str) -> None:
    publish = bind(assumptions.defaults()).operations["scheduling.queue.publish"]
    body = {"queue": value, "payload": {}}

    def refused() -> str:
        with pytest.raises(InvalidRequest) as raised:
            publish.check_body(body)
        return str(raised.value)

    assert refused() == f"`queue` {told}"
    raw = encode_bytes(body)
    assert cheaper(refused, lambda: decode(raw))


def test_what_is_wrong_beyond_what_is_looked_at_first_is_told_all_the_same() -> None:
    publish = bind(assumptions.defaults() | {"limits.batch_messages": 5000}).operations[
        "scheduling.queue.publish_batch"
    ]
    messages: list[dict[str, object]] = [{"payload": {}} for _ in range(3000)]
    messages.append({"payload": {}, "delay_seconds": "soon"})
    with pytest.raises(InvalidRequest, match=r"^`messages\[3000\].delay_seconds` must be a number, got \"soon\"$"):
        publish.check_body({"queue": "orders", "messages": messages})


@pytest.mark.parametrize("levels", [200, 201, 900, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"[":', "}")])
def test_a_body_may_nest_two_hundred_levels_deep(levels: int, opening: str, closing: str) -> None:
    raw = (opening * levels + "1" + closing * levels).encode()
    if levels <= json_body.MAX_LEVELS:
        assert encode_bytes(json_body.parse(raw)) == raw
    else:
        with pytest.raises(MalformedBody, match=r"^the body must nest at most 200 levels deep$"):
            json_body.parse(raw)
