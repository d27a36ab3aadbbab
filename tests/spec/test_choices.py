"""The choices: named apart from the open questions, each with its reasons."""

import re

from sched_emulator.spec import assumptions, choices


def test_no_choice_has_the_name_of_a_question() -> None:
    assert choices.catalogue().keys() & assumptions.catalogue().keys() == set()


def test_every_choice_says_what_is_done_and_why_in_sentences() -> None:
    for choice in choices.catalogue().values():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", choice.id)
        assert [text for text in (choice.does, choice.place, choice.why) if not text.endswith(".")] == [], choice.id
