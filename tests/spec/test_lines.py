"""What a line of the documentation promises, in our words."""

from sched_emulator.contract import catalogue
from sched_emulator.spec.lines import promise


def test_a_line_that_the_spec_names_is_told_in_its_words() -> None:
    assert promise(102) == "queue.publish `delay_seconds`: How long to hold the message back, in seconds."


def test_another_line_is_told_by_the_operation_that_it_belongs_to() -> None:
    assert (promise(106), promise(3)) == ("Belongs to queue.publish.", "Belongs to the introduction.")


def test_every_line_that_a_check_rests_on_is_told_in_a_sentence() -> None:
    lines = {line for check in catalogue.load().scenarios.values() for line in check.lines}
    assert [line for line in sorted(lines) if not promise(line).endswith((".", ")", "`"))] == []
