"""Long work is done to its end, and what it returns is returned."""

from collections.abc import Generator

from sched_emulator.core.work import at_once


def counted(pieces: int, done: list[int]) -> Generator[None, None, str]:
    for number in range(pieces):
        done.append(number)
        yield
    return "the result"


def test_work_is_done_to_its_end_and_its_result_is_returned() -> None:
    for pieces in (0, 3):
        done: list[int] = []
        assert (at_once(counted(pieces, done)), done) == ("the result", list(range(pieces)))
