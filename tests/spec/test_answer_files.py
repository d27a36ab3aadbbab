import pytest

from sched_emulator.spec import answer_files, assumptions


def test_what_bears_the_mark_was_not_measured() -> None:
    text = (
        'cron.dst = "literal"  # assumed\n'
        '"queue.nack_position" = "back"# assumed  \n'
        "queue.max_retries = 7  # assumed at first, then measured\n"
        '# queue.ack_unknown = "accept"\n'
        'queue.ack_expired = "reject"\n'
    )
    assert answer_files.measured_in(text, "a.toml") == {"queue.max_retries": 7, "queue.ack_expired": "reject"}


def test_a_locked_file_gives_back_every_answer_whatever_the_defaults_are() -> None:
    answers = assumptions.preset("observed")
    measured = {"cron.dst", "queue.max_retries"}
    text = answer_files.locked(answers, measured, "of nobody")
    assert assumptions.parse_answers_toml(text, "a.toml") == answers
    assert answer_files.measured_in(text, "a.toml").keys() == measured


def test_what_is_no_file_of_answers_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^There is no assumption 'cron\.dts'; did you mean cron\.dst\?$"):
        answer_files.measured_in('cron.dts = "vixie"  # assumed\n', "a.toml")
