import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.globs import matches, refuse_unmet
from tests.soak import examples


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("*", "a\nb", True),
        ("", "", True),
        ("", "a", False),
        ("https://a.example/*", "https://a.example/x/y?z=1", True),
        ("https://a.example/*", "https://a.example", False),
        ("https://a.example/", "https://a.example/x", False),
        ("*weekly*", "https://api.acme.com/weekly", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a?c", "abc", False),
        ("a?c", "a?c", True),
        ("[a-z].+(x)|y", "[a-z].+(x)|y", True),
        ("a.c", "abc", False),
        ("A", "a", False),
        ("queue.**", "queue.publish", True),
    ],
)
def test_a_star_stands_for_anything_and_everything_else_for_itself(pattern: str, text: str, *, fits: bool) -> None:
    assert matches(pattern, text) is fits


@examples(100)
@given(st.lists(st.text(alphabet="ab.?\\", max_size=3), min_size=1, max_size=4), st.data())
def test_any_text_in_place_of_each_star_fits(parts: list[str], data: st.DataObject) -> None:
    text = parts[0]
    for part in parts[1:]:
        text += data.draw(st.text(max_size=3)) + part
    assert matches("*".join(parts), text)


def test_many_stars_take_no_time() -> None:
    assert not matches("a*" * 200 + "b", "a" * 200)
    assert not matches("*" * 1000 + "b", "a" * 5000)
    assert not matches("*" + "a*" * 40 + "b", "https://t.example/" + "a" * 2000)
    assert matches("*" + "a*" * 40 + "b", "a" * 2000 + "b")


@examples(200)
@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab", max_size=6))
def test_it_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, text) == (re.fullmatch(expression, text, re.DOTALL) is not None)


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("queues.consume", "did you mean 'queue.consume'?"),
        ("scheduling.queues.*", "did you mean 'queue.*'?"),
        ("queue.dql.*", "did you mean 'queue.dlq.*'?"),
        ("publish", "did you mean 'queue.publish'?"),
        ("/v1/webhooks", "expected one such as 'queue.publish' or 'cron.*'"),
        ("Queue.Publish", "did you mean 'queue.publish'?"),
    ],
)
def test_a_pattern_that_fits_no_operation_is_refused_with_the_one_most_like_it(pattern: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        refuse_unmet(pattern, OPERATIONS)
    assert caught.value.message == f"`operation` must fit an operation, got '{pattern}'; {hint}"
    for met in ("*", "queue.*", "scheduling.cron.create", "account.*", "*.dlq.*"):
        refuse_unmet(met, OPERATIONS)
