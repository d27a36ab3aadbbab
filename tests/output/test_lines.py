"""Lines of what happens: aligned, printable, short, and the same facts as JSON."""

import json

from sched_emulator.output import lines
from sched_emulator.output.lines import Line

AT = "2026-01-05T09:00:00.000Z"
LINES = [
    Line(AT, "ifr_local", "request", "cron.create", "200", "good", detail='{"name":"night"}', seq=1),
    Line(AT, "ifr_lo…", "cron", "https://api.acme.com/" + 40 * "x", "failed 503", "bad", 2.5, "HTTP 503", 2),
    Line("", "", "refused", "GET /v1/nothing", "401", "bad", detail="UNAUTHORIZED: no key"),
    Line("", "ifr_local", "more", "fires of night", "in 1.0 s", many=4310),
]


def test_lines_are_aligned_shortened_and_say_how_many_are_alike() -> None:
    assert [lines.text(line) for line in LINES] == [
        f'{AT}  ifr_local     request   cron.create{30 * " "} 200{20 * " "}{{"name":"night"}}',
        f"{AT}  ifr_lo…       cron      https://api.acme.com/xxxxxxxxxxxxxxxxxx…  failed 503     2.5 s   HTTP 503",
        f"{40 * ' '}refused   GET /v1/nothing{26 * ' '} 401{20 * ' '}UNAUTHORIZED: no key",
        f"{'':24}  ifr_local     … 4,310 fires of night in 1.0 s",
    ]


def test_colours_change_nothing_but_the_colour_and_a_terminal_gets_no_more_than_fits() -> None:
    for line in LINES:
        coloured = lines.text(line, coloured=True)
        assert "\x1b[" in coloured
        for code in ("\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"):
            coloured = coloured.replace(code, "")
        assert coloured.rstrip() == lines.text(line)
        assert len(lines.text(line, width=60)) <= 60


def test_in_a_narrow_terminal_what_happened_and_how_it_went_are_there() -> None:
    assert [lines.text(line, width=80) for line in LINES] == [
        f"01-05 09:00:00  ifr_local     request   cron.create{14 * ' '}  200",
        "01-05 09:00:00  ifr_lo…       cron      https://api.acme.com/xxx…  failed 503",
        f"{30 * ' '}refused   GET /v1/nothing{11 * ' '} 401",
        f"{14 * ' '}  ifr_local     … 4,310 fires of night in 1.0 s",
    ]
    assert [lines.text(line, width=45) for line in LINES] == [
        "09:00:00  request   cron.crea…  200",
        "09:00:00  cron      https://a…  failed 503",
        "          refused   GET /v1/n…  401",
        "          … 4,310 fires of night in 1.0 s",
    ]
    assert all("failed 503" in lines.text(LINES[1], width=width) for width in range(43, 130))
    assert lines.text(LINES[1], width=105) == lines.text(LINES[1])[:105].rstrip()


def test_json_says_the_same_in_an_object_a_line() -> None:
    assert [json.loads(lines.as_json(line)) for line in LINES[1:]] == [
        {
            "at": AT,
            "key": "ifr_lo…",
            "kind": "cron",
            "what": LINES[1].what,
            "outcome": "failed 503",
            "duration_seconds": 2.5,
            "detail": "HTTP 503",
            "seq": 2,
        },
        {"kind": "refused", "what": "GET /v1/nothing", "outcome": "401", "detail": "UNAUTHORIZED: no key"},
        {"key": "ifr_local", "kind": "more", "what": "fires of night", "outcome": "in 1.0 s", "many": 4310},
    ]


def test_nothing_that_a_terminal_obeys_is_in_a_line_and_it_stays_one() -> None:
    hostile = "a\x1b]0;owned\x07\nb\r\u202ec"
    line = Line(AT, hostile, "request", hostile, hostile, detail=hostile)
    for told in (lines.text(line), lines.as_json(line)):
        assert told.isprintable()
    assert json.loads(lines.as_json(line))["what"] == hostile


def test_of_a_large_value_only_the_beginning_is_written() -> None:
    endless: list[object] = []
    endless.append({"a": [1, None, True], "b": endless})
    assert lines.brief(endless, 40) == '[{"a":[1,null,true],"b":[{"a":[1,null,t…'
    assert lines.brief({"text": "x" * 10_000_000}, 20) == '{"text":"xxxxxxxxxx…'
    assert lines.brief({"n": 1.5, "ü": []}) == '{"n":1.5,"ü":[]}'


def test_a_span_is_told_in_its_two_largest_units() -> None:
    told = [lines.span(seconds) for seconds in (0.25, 1, 90, 3600, 86_399, 31_536_061)]
    assert told == ["0.25s", "1s", "1m 30s", "1h", "23h 59m", "365d 1m"]
