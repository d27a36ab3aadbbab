import asyncio
import sys
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from aiohttp import web
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from sched_emulator import Emulator, Sandbox
from sched_emulator.client.receiver import Received, Receiver
from sched_emulator.follow import BackwardError, follow
from tests.receivers import receiver as receiver_on_the_loop

START = datetime(2026, 3, 1, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def followed(box: Sandbox) -> Iterator[Sandbox]:
    with follow(box):
        yield box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
    listening.raise_errors()


class Moves:
    """The two libraries, moved alike."""

    def __init__(self, freeze: Callable[[datetime], AbstractContextManager[Any]], shift: str) -> None:
        self.freeze = freeze
        self._shift = shift

    def shift(self, frozen: Any, **span: float) -> None:
        getattr(frozen, self._shift)(timedelta(**span))


@pytest.fixture(params=["freezegun", "time-machine"])
def library(request: pytest.FixtureRequest) -> Moves:
    if request.param == "freezegun":
        return Moves(freeze_time, "tick")
    return Moves(lambda instant: time_machine.travel(instant, tick=False), "shift")


def create_cron(box: Sandbox, url: str = "https://api.acme.com/weekly", expression: str = "0 9 * * 1") -> None:
    body = {"cron_expr": expression, "task_type": "http_url", "task_url": url}
    box.client.request("POST", "/v1/scheduling/cron/create", body)


def fired(box: Sandbox) -> list[str]:
    return [entry["at"] for entry in box.deliveries()]


# --- Entering, moving, leaving.


def test_entering_a_freeze_sets_the_clock_of_an_untouched_sandbox(followed: Sandbox, library: Moves) -> None:
    for instant in (START, datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)):
        with library.freeze(instant):
            assert (followed.clock.now, followed.clock.mode) == (instant, "frozen")
        assert followed.clock.now == instant


def test_a_freeze_entered_before_is_taken_up(box: Sandbox, library: Moves) -> None:
    with library.freeze(START), follow(box):
        assert box.clock.now == START


def test_moving_makes_everything_due_on_the_way_happen(followed: Sandbox, library: Moves) -> None:
    with library.freeze(START) as frozen:
        create_cron(followed)
        library.shift(frozen, days=1, hours=8, minutes=59)
        assert fired(followed) == []
        library.shift(frozen, minutes=1)
        assert fired(followed) == ["2026-03-02T09:00:00.000Z"]
        frozen.move_to(datetime(2026, 3, 31, tzinfo=UTC))
        assert fired(followed) == [f"2026-03-{day:02}T09:00:00.000Z" for day in (2, 9, 16, 23, 30)]
        assert followed.clock.now == datetime(2026, 3, 31, tzinfo=UTC)


def test_the_test_s_own_time_keeps_its_microseconds(followed: Sandbox, library: Moves) -> None:
    instant = START + timedelta(microseconds=1_234_567)
    with library.freeze(instant) as frozen:
        create_cron(followed)
        library.shift(frozen, weeks=1)
        assert datetime.now(UTC) == instant + timedelta(weeks=1)
        assert followed.clock.now == START + timedelta(weeks=1, milliseconds=1234)


def test_leaving_changes_nothing_and_a_later_freeze_goes_on(followed: Sandbox, library: Moves) -> None:
    with library.freeze(START):
        create_cron(followed)
    assert followed.clock.now == START
    with library.freeze(MONDAY):
        assert fired(followed) == ["2026-03-02T09:00:00.000Z"]


def test_going_back_is_a_clear_error_and_undone(followed: Sandbox, library: Moves) -> None:
    with library.freeze(MONDAY) as frozen:
        create_cron(followed)
        complaint = (
            r"^the test's time went back: the clock is at 2026-03-02T09:00:00\.000Z and cannot go back to"
            r" 2026-03-02T08:59:59\.000Z; use a fresh sandbox$"
        )
        with pytest.raises(BackwardError, match=complaint):
            library.shift(frozen, seconds=-1)
        assert datetime.now(UTC) == MONDAY
    before = time.time()
    with pytest.raises(BackwardError), library.freeze(START):
        pytest.fail("the freeze was entered though it goes back")
    assert time.time() >= before
    assert followed.clock.now == MONDAY


def test_freezes_nest(followed: Sandbox, library: Moves) -> None:
    with library.freeze(START) as outer:
        create_cron(followed)
        with library.freeze(MONDAY) as inner:
            assert len(fired(followed)) == 1
            library.shift(outer, hours=1)
            assert followed.clock.now == MONDAY
            library.shift(inner, days=7)
        assert followed.clock.now == MONDAY + timedelta(days=7)
        assert len(fired(followed)) == 2


def test_nobody_is_followed_after_the_end(box: Sandbox, library: Moves) -> None:
    methods = [vars(FrozenDateTimeFactory)["tick"], vars(time_machine.Traveller)["shift"]]
    with follow(box):
        assert methods != [vars(FrozenDateTimeFactory)["tick"], vars(time_machine.Traveller)["shift"]]
    assert methods == [vars(FrozenDateTimeFactory)["tick"], vars(time_machine.Traveller)["shift"]]
    with library.freeze(START):
        assert box.clock.now == datetime(2026, 1, 1, tzinfo=UTC)


def test_several_sandboxes_follow(emulator: Emulator, followed: Sandbox, library: Moves) -> None:
    with emulator.sandbox() as other, library.freeze(START) as frozen:
        with follow(other):
            library.shift(frozen, hours=1)
            assert followed.clock.now == other.clock.now == START + timedelta(hours=1)
        library.shift(frozen, hours=1)
        assert (followed.clock.now, other.clock.now) == (START + timedelta(hours=2), START + timedelta(hours=1))


def test_without_a_library_there_is_nothing_to_follow(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    for name in ("freezegun", "time_machine"):
        monkeypatch.delitem(sys.modules, name)
    sys.path_importer_cache.clear()
    with pytest.raises(RuntimeError, match=r"^there is no frozen time to follow: install freezegun or time-machine$"):
        follow(box).__enter__()


# --- What receivers in the test's process see.


def test_a_receiver_sees_the_instant_of_its_event(followed: Sandbox, library: Moves, receiver: Receiver) -> None:
    seen: list[tuple[datetime, datetime]] = []

    def answer(_request: Received) -> int:
        create_cron(followed)
        seen.append((datetime.now(UTC), followed.clock.now))
        return 200

    receiver.respond(answer)
    with library.freeze(START) as frozen:
        create_cron(followed, receiver.url)
        library.shift(frozen, weeks=2)
        assert datetime.now(UTC) == START + timedelta(weeks=2)
    assert seen == [(MONDAY, MONDAY), (MONDAY + timedelta(weeks=1), MONDAY + timedelta(weeks=1))]
    assert len(followed.deliveries("*acme*")) == 1


def test_beyond_a_bound_it_sees_the_end_of_the_move(
    followed: Sandbox, library: Moves, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sched_emulator.follow.STEPS", 2)
    seen: list[int] = []

    def answer(_request: Received) -> int:
        seen.append(datetime.now(UTC).minute)
        return 200

    receiver.respond(answer)
    with library.freeze(START) as frozen:
        create_cron(followed, receiver.url, "* * * * *")
        library.shift(frozen, minutes=4, seconds=30)
    assert seen == [1, 2, 4, 4]
    assert len(fired(followed)) == 4


def test_a_receiver_that_moves_time_is_told_that_it_cannot(
    followed: Sandbox, library: Moves, receiver: Receiver
) -> None:
    said: list[str] = []

    def answer(_request: Received) -> int:
        with pytest.raises(RuntimeError) as caught:
            library.shift(frozen, hours=1)
        said.append(str(caught.value))
        return 200

    receiver.respond(answer)
    with library.freeze(START) as frozen:
        create_cron(followed, receiver.url)
        library.shift(frozen, weeks=1)
    assert said == ["time cannot be moved while deliveries of an earlier move are under way"]


async def test_a_move_in_a_thread_is_served_by_the_loop(followed: Sandbox, library: Moves) -> None:
    seen: list[datetime] = []

    async def look(_request: web.Request) -> int:
        seen.append(datetime.now(UTC))
        return 200

    async with receiver_on_the_loop(look) as target:
        with library.freeze(START) as frozen:
            await asyncio.to_thread(create_cron, followed, target.url)
            await asyncio.to_thread(library.shift, frozen, weeks=1)
    assert seen == [MONDAY]


async def test_a_move_on_the_loop_that_serves_the_receiver_says_how_to_do_it(followed: Sandbox, library: Moves) -> None:
    async with receiver_on_the_loop() as target:
        with library.freeze(START) as frozen:
            await asyncio.to_thread(create_cron, followed, target.url)
            with pytest.raises(RuntimeError) as caught:
                library.shift(frozen, weeks=1)
    assert str(caught.value) == (
        f"the move waits for {target.url}, served by an event loop that stands still meanwhile:"
        " move time with `await asyncio.to_thread(frozen.tick, ...)`"
    )


async def test_a_long_move_on_a_loop_that_serves_nothing_is_followed(
    followed: Sandbox, library: Moves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sched_emulator.client.http.LOOK_PAUSES", (0.001, 0.001))
    monkeypatch.setattr("sched_emulator.follow.STEPS", 2)
    with library.freeze(START) as frozen:
        create_cron(followed, expression="* * * * *")
        library.shift(frozen, days=10)
        assert followed.clock.now == START + timedelta(days=10)
    log = followed.deliveries(kept=True)
    assert len(log) + log.dropped == 14_400


# --- The sandbox's clock, moved by hand.


MOVES: list[Callable[[Sandbox], Any]] = [
    lambda box: box.clock.advance(hours=1),
    lambda box: box.clock.advance(events=1),
    lambda box: box.clock.advance(until="2026-03-02"),
    lambda box: box.clock.set("2026-03-02"),
    lambda box: box.clock.resume(),
    lambda box: asyncio.run(box.aio.clock.advance(hours=1)),
]


@pytest.mark.parametrize("move", MOVES)
def test_by_hand_it_would_leave_the_frozen_time_behind(
    followed: Sandbox, library: Moves, move: Callable[[Sandbox], Any]
) -> None:
    with library.freeze(START) as frozen:
        with pytest.raises(RuntimeError, match="follows the test's frozen time: move that"):
            move(followed)
        followed.clock.settle()
        library.shift(frozen, hours=1)
        assert followed.clock.now == START + timedelta(hours=1)


def test_by_hand_it_moves_while_time_is_real_and_after_the_end(box: Sandbox) -> None:
    with follow(box):
        box.clock.advance(hours=1)
    with freeze_time(START):
        assert box.clock.advance(hours=1)["now"] == "2026-01-01T02:00:00.000Z"


def test_moved_by_somebody_else_it_is_not_the_test_s_time_that_went_back(
    emulator: Emulator, followed: Sandbox, library: Moves
) -> None:
    with library.freeze(START) as frozen:
        create_cron(followed)
        emulator.sandbox(followed.api_key).clock.advance(days=1)
        with pytest.raises(BackwardError) as caught:
            library.shift(frozen, hours=1)
    assert str(caught.value).startswith(
        "the sandbox's clock stands at 2026-03-02T00:00:00.000Z, where the test's time did not lead it: "
    )


# --- Clocks that run.


@pytest.mark.parametrize("freeze", [lambda: freeze_time(START, tick=True), lambda: time_machine.travel(START)])
def test_a_running_clock_is_followed_at_each_move(
    followed: Sandbox, freeze: Callable[[], AbstractContextManager[Any]]
) -> None:
    with freeze() as running:
        create_cron(followed)
        assert followed.clock.mode == "wall"
        running.move_to(MONDAY)
        assert fired(followed) == ["2026-03-02T09:00:00.000Z"]
        assert followed.clock.now >= MONDAY
        running.move_to(MONDAY)
        with pytest.raises(BackwardError):
            running.move_to(START)
    with freeze_time(datetime(2026, 4, 1, tzinfo=UTC)):
        assert (followed.clock.now, followed.clock.mode) == (datetime(2026, 4, 1, tzinfo=UTC), "frozen")


def test_only_explicit_moves_of_an_auto_ticking_clock_are_followed(followed: Sandbox) -> None:
    with freeze_time(START, auto_tick_seconds=60) as frozen:
        create_cron(followed)
        assert datetime.now(UTC) < datetime.now(UTC)
        assert followed.clock.now == START
        frozen.move_to(MONDAY)
        assert (followed.clock.now, len(fired(followed))) == (MONDAY, 1)


def test_an_offset_moves_local_time_and_not_the_sandbox(followed: Sandbox) -> None:
    with freeze_time(START, tz_offset=-4) as frozen:
        frozen.tick(1.5)
        assert followed.clock.now == START + timedelta(seconds=1.5)


# --- As decorators, fixtures, markers.


@pytest.fixture
def later(followed: Sandbox) -> Sandbox:
    with freeze_time(MONDAY):
        return followed


@freeze_time(START)
def test_a_decorated_function(followed: Sandbox) -> None:
    assert followed.clock.now == START


@time_machine.travel(START, tick=False)
def test_a_travelling_function(followed: Sandbox) -> None:
    assert followed.clock.now == START


@freeze_time(START)
async def test_a_decorated_coroutine(followed: Sandbox) -> None:
    assert await followed.aio.clock.now == START


@time_machine.travel(START, tick=False)
async def test_a_travelling_coroutine(followed: Sandbox) -> None:
    assert await followed.aio.clock.now == START


def test_a_fixture_that_freezes_for_a_moment(later: Sandbox) -> None:
    assert later.clock.now == MONDAY


@freeze_time(START)
class TestDecoratedClass:
    def test_its_methods(self, followed: Sandbox) -> None:
        assert followed.clock.now == START


@time_machine.travel(START, tick=False)
class TestTravellingUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _take_box(self, followed: Sandbox) -> None:
        self.box = followed

    def test_its_methods(self) -> None:
        assert self.box.clock.now == START


def test_the_fixture_of_time_machine(followed: Sandbox, time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    create_cron(followed)
    time_machine.shift(timedelta(weeks=1))
    assert fired(followed) == ["2026-03-02T09:00:00.000Z"]


@pytest.mark.time_machine(START, tick=False)
def test_the_marker_of_time_machine(followed: Sandbox) -> None:
    assert followed.clock.now == START


def test_the_time_zone_travelled_to_is_kept(followed: Sandbox, receiver: Receiver) -> None:
    names: list[str] = []

    def answer(_request: Received) -> int:
        names.append(time.tzname[0])
        return 200

    receiver.respond(answer)
    with time_machine.travel(datetime(2026, 3, 1, tzinfo=ZoneInfo("Asia/Tokyo")), tick=False) as traveller:
        create_cron(followed, receiver.url)
        traveller.shift(timedelta(weeks=1))
    assert names == ["JST"]
