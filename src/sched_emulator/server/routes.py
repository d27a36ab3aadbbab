"""Which operation a request asks for: a table of methods and paths, made from the spec.

A path is matched after its percent-encoding is undone, all but that of `/` and `%`, so that a parameter may hold them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from yarl import URL

from .http_errors import MethodNotAllowed, UnknownPath

SHOWN_CHARS = 80
_PARAMETER = re.compile(r"\{([_a-zA-Z][_a-zA-Z0-9]*)\}")


class Route(NamedTuple):
    """A method and a path, with its parameters in braces, and the id of the operation that is found there."""

    method: str
    path: str
    operation_id: str


class Matched(NamedTuple):
    """The operation that a request asks for, and the values in its path and its query, decoded."""

    operation_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]


class _Pattern(NamedTuple):
    path: re.Pattern[str]
    operations: dict[str, str]


class Routes:
    """A table of routes. Paths without parameters, the usual ones, are found by one look.

    `index` is the path under which a user finds what is served; `beside` is said of a path that begins as these do
    (`/v1`) and then leads to something that none of them has (`/v1/kv`).
    """

    def __init__(self, routes: Iterable[Route], *, index: str, beside: str = "") -> None:
        self._index, self._beside = index, beside
        self._parts: dict[str, set[str]] = {}  # the first part of each path, and what may follow it
        self._plain: dict[str, dict[str, Matched]] = {}
        self._patterns: dict[str, dict[str, _Pattern]] = {}  # by what stands before the first parameter, then by path
        for method, path, operation_id in routes:
            first, second = _first_two(path)
            self._parts.setdefault(first, set()).add(second)
            before, brace, _ = path.partition("/{")
            if brace:
                pattern = _Pattern(re.compile(_expression(path)), {})
                pattern = self._patterns.setdefault(before, {}).setdefault(path, pattern)
                pattern.operations[method] = operation_id
            else:
                self._plain.setdefault(path, {})[method] = Matched(operation_id, {}, {})

    def match(self, method: str, target: str) -> Matched:
        """Return what a request for a target, path and query as sent, asks for: HEAD for what GET does.

        UnknownPath or MethodNotAllowed.
        """
        if method == "HEAD":
            method = "GET"
        plain = self._plain.get(target)
        if plain is not None and method in plain:
            return plain[method]
        url = _url(target)
        allowed: set[str] = set()
        for operations, values in self._found(url.path_safe):
            if method in operations:
                return Matched(operations[method], values, url.query)
            allowed |= operations.keys()
        if allowed:
            raise MethodNotAllowed(method, url.path, ", ".join(sorted(allowed)))
        first, second = _first_two(url.path)
        why = self._beside if first and second and second not in self._parts.get(first, {second}) else ""
        raise UnknownPath(f"the path '{url.path[:SHOWN_CHARS]}' was not found{why}", self._index)

    def _found(self, path: str) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
        """Yield the operations at a path, by method, with the values in it: the route with most fixed parts first."""
        yield {method: matched.operation_id for method, matched in self._plain.get(path, {}).items()}, {}
        before = path
        while before:
            before = before.rpartition("/")[0]
            for pattern in self._patterns.get(before, {}).values():
                match = pattern.path.fullmatch(path)
                if match is not None:
                    yield pattern.operations, {name: _unquoted(value) for name, value in match.groupdict().items()}


def _first_two(path: str) -> tuple[str, str]:
    """Return the first two parts of a path, empty where there are none."""
    first, _, rest = path.removeprefix("/").partition("/")
    return first, rest.partition("/")[0]


def _expression(path: str) -> str:
    """Return the regular expression of a path: a parameter takes all of its part."""
    fixed_and_names = _PARAMETER.split(path)
    return "".join(
        f"(?P<{part}>[^{{}}/]+)" if number % 2 else re.escape(part) for number, part in enumerate(fixed_and_names)
    )


def _unquoted(value: str) -> str:
    return value.replace("%2F", "/").replace("%25", "%") if "%" in value else value


def path_of(target: str) -> str:
    """Return the path of a target, decoded."""
    return _url(target).path if "%" in target else target.partition("?")[0].partition("#")[0]


def _url(target: str) -> URL:
    """Return a target taken apart, without its fragment, which belongs to no request."""
    path, mark, query = target.partition("?")
    if mark:
        query = query.partition("#")[0]
    else:
        path = path.partition("#")[0]
    return URL.build(path=path, query_string=query, encoded=True)
