"""Lists in pages that stay right while items come and go, and the opaque cursors that lead from page to page.

Every listed thing has a whole number that never changes and grows with each addition. A cursor is the number of the
last item seen, sealed with its owner and the list's name: a made-up one, one of another list or sandbox, is noticed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from heapq import merge
from itertools import islice
from typing import Generic, TypeVar

from .errors import InvalidRequest

T = TypeVar("T")


class PagedIndex(Generic[T]):
    """Things by ascending number. Adding, discarding and reading a page cost O(log n) and the page's length."""

    def __init__(self, items: Iterable[tuple[int, T]] = ()) -> None:
        self.items = dict(items)
        self._numbers = list(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def add(self, number: int, item: T) -> None:
        """Add a thing under a number larger than all before."""
        self.items[number] = item
        self._numbers.append(number)

    def discard(self, number: int) -> None:
        """Remove a number if it is there."""
        if self.items.pop(number, None) is not None and len(self._numbers) > 2 * len(self.items) + 1000:
            self._numbers = list(self.items)

    def join(self, other: "PagedIndex[T]") -> None:
        """Take in the things of another index, whose numbers are others."""
        items = self.items | other.items
        self._numbers = sorted(items)
        self.items = {number: items[number] for number in self._numbers}

    def following(self, after: int | None, *, newest_first: bool = False) -> Iterator[tuple[int, T]]:
        """Yield what follows the number `after`, with its number; None starts at the beginning."""
        step, index = (-1, len(self._numbers) - 1) if newest_first else (1, 0)
        if after is not None:
            index = bisect_left(self._numbers, after) - 1 if newest_first else bisect_right(self._numbers, after)
        while 0 <= index < len(self._numbers):
            number = self._numbers[index]
            if number in self.items:
                yield number, self.items[number]
            index += step


def page(
    indexes: Sequence[PagedIndex[T]], after: int | None, limit: int | None, *, newest_first: bool = False
) -> tuple[list[T], int | None]:
    """Return up to `limit` things of several indexes that follow a number, and the last one's number if more follow.

    `after` None starts at the beginning, `limit` None takes all. No two things have the same number.
    """
    following = (index.following(after, newest_first=newest_first) for index in indexes)
    merged = merge(*following, key=_number, reverse=newest_first)
    found = list(merged if limit is None else islice(merged, limit + 1))
    if limit is None or len(found) <= limit:
        return [item for _, item in found], None
    return [item for _, item in found[:limit]], found[limit - 1][0]


def _number(numbered: tuple[int, T]) -> int:
    return numbered[0]


def seal(owner: str, list_name: str, number: int) -> str:
    """Return the cursor that stands for a position in a list of an owner."""
    mark = blake2b(f"{owner} {list_name} {number}".encode(), digest_size=9).hexdigest()
    return f"{number:x}.{mark}"


def unseal(owner: str, list_name: str, cursor: str) -> int:
    """Return the position that a cursor stands for; InvalidRequest when it was not made for this list."""
    text = cursor.partition(".")[0]
    if 0 < len(text) <= 16 and all(letter in "0123456789abcdef" for letter in text):
        number = int(text, 16)
        if cursor == seal(owner, list_name, number):
            return number
    raise InvalidRequest(
        "must be the next_cursor of an earlier page of this list, got another text", parameter="cursor"
    )
