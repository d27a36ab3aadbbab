"""What tests of recordings write and read."""

from pathlib import Path

from sched_emulator.recording.lines import Command, Delivery, Entry, Exchange, Header, LeftOut

DATA = Path(__file__).parents[1] / "data"
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HEADER = Header("https://api.infrai.cc", START_MS, "0.1.0", ("https://api.acme.com",))
ENTRIES: list[Entry] = [
    Command(1, "base", {"version": 1, "now": "2026-01-01T00:00:00.000Z"}, seq=1),
    Exchange(
        START_MS + 1005,
        START_MS + 1042,
        "POST",
        "/v1/scheduling/queue/publish?trace=1",
        (("Host", "api.infrai.cc"), ("Authorization", "Bearer ifr_kqzpa"), ("Accept", "a"), ("Accept", "b")),
        '{"queue": "orders", "payload": {"größe": 1}}',
        200,
        (("Content-Type", "application/json"),),
        '{"ok":true}',
        account=1,
        seq=2,
    ),
    Exchange(
        START_MS + 2000,
        START_MS + 12000,
        "GET",
        "/v1/scheduling/cron/list",
        (),
        "",
        error="the connection was closed before an answer",
        account=1,
        seq=3,
    ),
    Exchange(
        START_MS + 3000,
        START_MS + 3001,
        "POST",
        "/x",
        (),
        b"\xff\xfe",
        200,
        (("Content-Encoding", "br"),),
        LeftOut("its Content-Encoding, br, cannot be undone here"),
        error="the answer broke off",
        seq=4,
    ),
    Delivery(
        START_MS + 9 * 3_600_000, "https://api.acme.com/weekly", (("X-Infrai-Attempt", "1"),), "{}", 1, 200, seq=5
    ),
    Delivery(
        START_MS + 9 * 3_600_000 + 10_000, "https://api.acme.com/weekly", (), "{}", error="connection refused", seq=6
    ),
    Command(1, "poll", {"until": START_MS + 9 * 3_600_000}, seq=7),
]
