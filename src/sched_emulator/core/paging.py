"""Lists in pages that stay right while items come and go, and the opaque cursors that lead from page to page.

Every listed thing has a whole number that never changes and grows with each addition. A cursor is the number of the
last item seen, sealed with the sandbox's seed and the list's name: a made-up one, or one of another list, is noticed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from .errors import InvalidRequest

if TYPE_CHECKING:
    from .sandbox import Sandbox

DEFAULT_LIMIT = 0  # stands for the constant `page.default_limit`


class PagedIndex:
    """Ids by ascending number. Adding, discarding and reading a page cost O(log n) and the page's length."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}
        self._numbers: list[int] = []

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


def listing(
    sandbox: "Sandbox",
    name: str,
    index: PagedIndex,
    view: Callable[[str], dict[str, Any]],
    *,
    cursor: str | None,
    limit: int | None,
    newest_first: bool = False,
) -> dict[str, Any]:
    """Return one page of a list: `items`, and `next_cursor` when there is more. A `limit` of None takes all."""
    seed = sandbox.settings.seed
    after = None if cursor is None else unseal(seed, name, cursor)
    if limit is not None:
        limit = limit or sandbox.answers.constant("page.default_limit")
        limit = min(limit, sandbox.answers.constant("page.max_limit"))
    ids, last = index.page(after, limit, newest_first=newest_first)
    page: dict[str, Any] = {"items": [view(item_id) for item_id in ids]}
    if last is not None:
        page["next_cursor"] = seal(seed, name, last)
    return page


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
