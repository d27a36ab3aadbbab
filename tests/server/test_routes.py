"""Which operation a request asks for: methods, paths, what stands in them, and what is said when nothing is there."""

import pytest

from sched_emulator.core.errors import SchedulingError
from sched_emulator.server.routes import Route, Routes

ROUTES = Routes(
    [
        Route("GET", "/queue/list", "list"),
        Route("POST", "/queue/list", "change"),
        Route("GET", "/queue/get/{queue}", "get"),
        Route("DELETE", "/queue/get/{queue}", "delete"),
        Route("GET", "/runs/get/{id}/{run_id}", "run"),
        Route("GET", "/runs/{id}/all", "runs"),
        Route("GET", "/", "root"),
    ],
    index="/all",
    beside=": nothing but queues and runs",
)


@pytest.mark.parametrize(
    ("method", "target", "operation_id", "path", "query"),
    [
        ("GET", "/queue/list", "list", {}, []),
        ("POST", "/queue/list", "change", {}, []),
        ("GET", "/", "root", {}, []),
        ("GET", "/queue/list?limit=2&cursor=a%20b+c&limit=3", "list", {}, ["limit=2", "cursor=a b c", "limit=3"]),
        ("GET", "/queue/list?", "list", {}, []),
        ("GET", "/queue/list#anchor", "list", {}, []),
        ("GET", "/queue/list?limit=2#anchor", "list", {}, ["limit=2"]),
        ("GET", "/queue/%6Cist", "list", {}, []),
        ("GET", "/queue/get/orders", "get", {"queue": "orders"}, []),
        ("DELETE", "/queue/get/orders?x", "delete", {"queue": "orders"}, ["x="]),
        ("GET", "/queue/get/no%2Fsuch%20queue", "get", {"queue": "no/such queue"}, []),
        ("GET", "/queue/get/100%25", "get", {"queue": "100%"}, []),
        ("GET", "/queue/get/a+b", "get", {"queue": "a+b"}, []),
        ("GET", "/queue/get/%C3%A9%E5%88%97", "get", {"queue": "é列"}, []),
        ("GET", "/queue/get/.", "get", {"queue": "."}, []),
        ("GET", "/runs/get/c/r", "run", {"id": "c", "run_id": "r"}, []),
        ("GET", "/runs/c/all", "runs", {"id": "c"}, []),
    ],
)
def test_a_request_is_matched_and_its_values_are_decoded(
    method: str, target: str, operation_id: str, path: dict[str, str], query: list[str]
) -> None:
    matched = ROUTES.match(method, target)
    assert (matched.operation_id, dict(matched.path)) == (operation_id, path)
    assert [f"{name}={value}" for name, value in matched.query.items()] == query


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/queue", "/queue"),
        ("/queue/list/", "/queue/list/"),
        ("//queue/list", "//queue/list"),
        ("/Queue/list", "/Queue/list"),
        ("/queue/get/", "/queue/get/"),
        ("/queue/get/a/b", "/queue/get/a/b"),
        ("/queue/get/{queue}", "/queue/get/{queue}"),
        ("/queue/get/%7Bqueue%7D", "/queue/get/{queue}"),
        ("/runs/get/c", "/runs/get/c"),
        ("*", "*"),
        ("", ""),
        ("/%C3%A9?x=1", "/é"),
        ("/" + "x" * 200, "/" + "x" * 79),
    ],
)
def test_what_is_not_there_is_404(target: str, shown: str) -> None:
    with pytest.raises(SchedulingError) as refused:
        ROUTES.match("GET", target)
    assert (refused.value.status, refused.value.message) == (404, f"the path '{shown}' was not found")


def test_what_is_beside_all_that_there_is_says_so_and_where_the_rest_is_listed() -> None:
    with pytest.raises(SchedulingError) as refused:
        ROUTES.match("GET", "/queue/get-or-create/a")
    message = "the path '/queue/get-or-create/a' was not found: nothing but queues and runs"
    assert (refused.value.message, refused.value.hint) == (message, "GET /all lists what is served.")


@pytest.mark.parametrize(
    ("target", "allowed"),
    [("/queue/list", "GET, POST"), ("/queue/list?limit=1", "GET, POST"), ("/queue/get/orders", "DELETE, GET")],
)
def test_another_method_is_405_and_says_which_are_allowed(target: str, allowed: str) -> None:
    with pytest.raises(SchedulingError) as refused:
        ROUTES.match("PUT", target)
    error = refused.value
    assert (error.status, error.hint, dict(error.headers)) == (405, f"Use {allowed}.", {"Allow": allowed})
    assert error.message == f"PUT is not allowed on {target.partition('?')[0]}"
