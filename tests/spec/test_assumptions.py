from typing import Any

import pytest

from sched_emulator.spec import assumptions

# --- What the catalogue holds


@pytest.mark.parametrize("entry", assumptions.catalogue().values(), ids=lambda entry: entry.id)
def test_an_entry_says_all_that_there_is_to_say(entry: assumptions.Assumption) -> None:
    assert entry.kind in {"behaviour", "shape", "constant"}
    assert entry.question.endswith((".", "?", ")"))
    assert entry.lines
    assert all(1 <= line <= 1098 for line in entry.lines)
    assert entry.place.endswith((".", '."'))
    assert all(meaning.endswith(".") for meaning in entry.answers.values())
    assert entry.why.endswith(".")
    assert all(item.strength in {"V", "C", "A"} and item.says.endswith((".", '".')) for item in entry.evidence)
    assert entry.probe.endswith(".")
    assert not any(word in {"yes", "no", "true", "false", "on", "off"} or word.isdecimal() for word in entry.answers)


def test_dialects_are_complete_and_differ_where_programs_differ() -> None:
    documented, observed = assumptions.preset("documented"), assumptions.preset("observed")
    assert documented == assumptions.defaults()
    assert list(documented) == list(observed) == list(assumptions.catalogue())
    assert {name: answer for name, answer in observed.items() if answer != documented[name]} == {
        "queue.consume_unknown": "empty",
        "cron.create.names": "observed",
        "cron.create.id_field": "both",
        "cron.run_at": "accept",
        "queue.consume.result_key": "both",
        "queue.payload_field": "any",
        "queue.batch_message": "any",
        "queue.payload_type": "any_json",
        "push.url_names": "observed",
    }


# --- What a user answers


def test_answers_are_checked_and_numbers_are_read_from_text() -> None:
    assert assumptions.parse_answers(
        {"queue.nack_position": "back", "cron.retries": "10", "limits.name_chars": 1, "cron.timeout_seconds": " 900 "}
    ) == {"queue.nack_position": "back", "cron.retries": 10, "limits.name_chars": 1, "cron.timeout_seconds": 900}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "queue.nack_positon",
            "back",
            "There is no assumption 'queue.nack_positon'; did you mean queue.nack_position?",
        ),
        ("colour", "red", "There is no assumption 'colour'; `sched-emulator assumptions list` shows them all."),
        ("queue.nack_position", "middle", "queue.nack_position cannot be 'middle'; possible: one of front, back."),
        ("queue.nack_position", True, "queue.nack_position cannot be True; possible: one of front, back."),
        ("queue.nack_position", 1, "queue.nack_position cannot be 1; possible: one of front, back."),
        ("queue.nack_position", ["back"], "queue.nack_position cannot be ['back']; possible: one of front, back."),
        ("cron.retries", 11, "cron.retries cannot be 11; possible: a whole number from 0 to 10."),
        ("cron.retries", "-1", "cron.retries cannot be '-1'; possible: a whole number from 0 to 10."),
        ("cron.retries", "3.5", "cron.retries cannot be '3.5'; possible: a whole number from 0 to 10."),
        ("cron.retries", 3.0, "cron.retries cannot be 3.0; possible: a whole number from 0 to 10."),
        ("cron.retries", True, "cron.retries cannot be True; possible: a whole number from 0 to 10."),
        ("cron.retries", None, "cron.retries cannot be None; possible: a whole number from 0 to 10."),
        ("limits.name_chars", 0, "limits.name_chars cannot be 0; possible: a whole number from 1 up."),
        (
            "limits.name_chars",
            "9" * 99,
            f"limits.name_chars cannot be '{'9' * 56}...; possible: a whole number from 1 up.",
        ),
    ],
)
def test_a_wrong_answer_is_refused_with_what_is_possible(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        assumptions.parse_answers({name: value})
    assert str(caught.value) == sentence


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^There is no dialect 'spoken'; possible: documented, observed\.$"):
        assumptions.preset("spoken")


@pytest.mark.parametrize(
    "text",
    [
        '[queue]\nnack_position = "back"\n[cron]\nretries = 5\n[queue.consume]\nresult_key = "items"',
        '"queue.nack_position" = "back"\n"cron.retries" = 5\n"queue.consume.result_key" = "items"',
        '[queue]\nnack_position = "back"\n"consume.result_key" = "items"\n[cron]\nretries = "5"',
    ],
)
def test_tables_and_dotted_names_of_a_toml_file_mean_the_same(text: str) -> None:
    assert assumptions.parse_answers_toml(text, "answers.toml") == {
        "queue.nack_position": "back",
        "cron.retries": 5,
        "queue.consume.result_key": "items",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('"queue.nack_position" = "back"\n[queue]\nnack_position = "front"', "{} answers queue.nack_position twice."),
        ('[queue]\nnack_position = "middle"', "queue.nack_position cannot be 'middle'; possible: one of front, back."),
        ("nonsense", "{} is not TOML: Expected '=' after a key in a key/value pair (at end of document)."),
    ],
)
def test_a_toml_file_that_cannot_be_used_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        assumptions.parse_answers_toml(text, "answers.toml")
    assert str(caught.value) == sentence.format("answers.toml")
