"""Lists in pages that stay right while items come and go, and the opaque cursors that lead from page to page.

Every listed thing has a whole number that never changes and grows with each addition. A cursor is the number of the
last item seen, sealed with the sandbox's seed and the list's name: a made-up one, or one of another list, is noticed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from hashlib import blake2b

from .errors import InvalidRequest


class PagedIndex:
    """Ids by ascending number. Adding, discarding and reading a page cost O(log n) and the page's length."""

    def __init__(self, items: Iterable[tuple[int, str]] = ()) -> None:
        self.ids = dict(items)
        self._numbers = list(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, number: int, item_id: str) -> None:
        """Add an id under a number larger than all before."""
        self.ids[number] = item_id
        self._numbers.append(number)

    def discard(self, number: int) -> None:
        """Remove a number if it is there."""
        if self.ids.pop(number, None) is not None and len(self._numbers) > 2 * len(self.ids) + 1000:
            self._numbers = list(self.ids)

    def page(self, after: int | None, limit: int | None, *, newest_first: bool = False) -> tuple[list[str], int | None]:
        """Return up to `limit` ids that follow the number `after`, and the last one's number if more follow.

        `after` None starts at the beginning, `limit` None takes all.
        """
        step, index = (-1, len(self._numbers) - 1) if newest_first else (1, 0)
        if after is not None:
            index = bisect_left(self._numbers, after) - 1 if newest_first else bisect_right(self._numbers, after)
        found: list[int] = []
        while 0 <= index < len(self._numbers):
            number = self._numbers[index]
            if number in self.ids:
                if limit is not None and len(found) == limit:
                    return [self.ids[item] for item in found], found[-1]
                found.append(number)
            index += step
        return [self.ids[item] for item in found], None


def seal(seed: int, list_name: str, number: int) -> str:
    """Return the cursor that stands for a position in a list."""
    mark = blake2b(f"{seed} {list_name} {number}".encode(), digest_size=9).hexdigest()
    return f"{number:x}.{mark}"


def unseal(seed: int, list_name: str, cursor: str) -> int:
    """Return the position that a cursor stands for; InvalidRequest when it was not made for this list."""
    text = cursor.partition(".")[0]
    if 0 < len(text) <= 16 and all(letter in "0123456789abcdef" for letter in text):
        number = int(text, 16)
        if cursor == seal(seed, list_name, number):
            return number
    raise InvalidRequest(
        "`cursor` must be the next_cursor of an earlier page of this list, got another text", parameter="cursor"
    )
