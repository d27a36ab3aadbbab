"""How fast requests leave, and which is next: those that something on the target is due for go ahead of the others.

Twelve checks that share five requests a second wait two seconds for each; a lease of two seconds is over by then. So
each check has a lane, which says by when its next answer has to be in, and keeps when its last request really left.
"""

import heapq
import itertools
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

ANY_TIME = math.inf
ROUND_TRIPS_KEPT = 20
NOT_YET_SECONDS = 0.005
A_HAIR_SECONDS = 1e-6


@dataclass(slots=True)
class Lane:
    """The requests of one check. Instants are those of the gate's clock, in seconds.

    `due` is when the answer to the next request has to be in, `left` when the last one left, `arrived` when its answer
    was there.
    """

    due: float = ANY_TIME
    left: float = 0.0
    arrived: float = 0.0


class Pace:
    """Lets requests leave so many seconds apart, the most urgent first and else as they came."""

    def __init__(self, seconds_apart: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.seconds_apart = seconds_apart
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int]] = []
        self._next_at = 0.0
        self._round_trips: deque[float] = deque(maxlen=ROUND_TRIPS_KEPT)

    def wait(self, lane: Lane, is_over: Callable[[], bool]) -> bool:
        """Wait for a lane's turn; say whether it came before nothing is sent any more."""
        with self._lock:
            mine = (lane.due, next(self._numbers))
            heapq.heappush(self._waiting, mine)
        while not is_over():
            with self._lock:
                now = self._clock()
                pause = self._next_at - now
                if pause <= A_HAIR_SECONDS and self._waiting[0] == mine:
                    heapq.heappop(self._waiting)
                    self._next_at = max(now, self._next_at) + self.seconds_apart
                    return True
            self._sleep(max(pause, NOT_YET_SECONDS))
        with self._lock:
            self._waiting.remove(mine)
            heapq.heapify(self._waiting)
        return False

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so long, as the target asks."""
        with self._lock:
            self._next_at = max(self._next_at, self._clock() + seconds)

    def note(self, lane: Lane) -> None:
        """Learn from an exchange how long a round trip takes."""
        with self._lock:
            self._round_trips.append(lane.arrived - lane.left)

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        with self._lock:
            return len(self._waiting)

    @property
    def round_trip(self) -> float:
        """The longest of the last round trips, in seconds."""
        with self._lock:
            return max(self._round_trips, default=0.0)
