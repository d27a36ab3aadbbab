"""Recordings of every number of the format are read, whole or cut off; what is none is named with its line."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sched_emulator.recording.errors import RecordingError
from sched_emulator.recording.lines import FORMAT, Entry
from sched_emulator.recording.reader import Recording
from tests.recording.samples import DATA, ENTRIES, HEADER

FORMAT_1 = (DATA / "recordings" / "format-1.jsonl").read_bytes()
FIRST = FORMAT_1.partition(b"\n")[0]


def read(path: Path) -> tuple[list[Entry], bool]:
    with Recording(path) as recording:
        return list(recording), recording.cut_off


def test_one_file_of_each_number_of_the_format_is_kept_and_read() -> None:
    kept = sorted(path.name for path in (DATA / "recordings").iterdir())
    kinds = "emulator", "format"  # an emulator's own, which tests of the replay play, and one with all that there is
    assert kept == [f"{kind}-{number}.jsonl" for kind in kinds for number in range(1, FORMAT + 1)]
    with Recording(DATA / "recordings" / "format-1.jsonl") as recording:
        assert recording.header == HEADER
        assert list(recording) == ENTRIES
        assert (recording.cut_off, recording.done_bytes) == (False, recording.size_bytes)


@settings(max_examples=200, deadline=None)
@given(st.integers(len(FIRST), len(FORMAT_1)))
def test_a_file_cut_off_at_any_byte_is_read_to_its_last_whole_line(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "session.jsonl"
    path.write_bytes(FORMAT_1[:cut])
    ends = [at for at in range(len(FIRST), len(FORMAT_1)) if FORMAT_1[at : at + 1] == b"\n"]  # of whole lines
    whole = sum(end <= cut for end in ends)
    entries, cut_off = read(path)
    assert entries == ENTRIES[: whole - 1]
    assert cut_off == (cut not in {*ends, *(end + 1 for end in ends)})


@pytest.mark.parametrize("cut", range(0, len(FIRST), 10))
def test_a_file_cut_off_within_its_first_line_says_so(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(FIRST[:cut])
    with pytest.raises(RecordingError, match="is empty" if cut == 0 else "cut off before its first line ended"):
        Recording(path)


def line(text: str) -> bytes:
    return FIRST + b"\n" + text.encode() + b"\n" + FORMAT_1.splitlines()[1] + b"\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"recording": 7}\n',
            "FILE is a recording of format 7, and this version reads none above 1; it takes a newer",
        ),
        (b'{"recording": "1"}\n', 'FILE, line 1: `recording` is "1"; expected the number of a format'),
        (b'{"recording": true}\n', "FILE, line 1: `recording` is true; expected the number of a format"),
        (b'{"recording": 1}\n', "FILE, line 1: there is no `target`; expected a text"),
        (b"a,b\n1,2\n", "FILE is no recording; expected JSON Lines that begin with `recording`, or HAR"),
        (b'{"snapshot": 1}', "FILE is no recording; expected JSON Lines"),
        (b"\x00\x01", "FILE is no recording, cut off before its first line ended; expected JSON Lines"),
        (b"\x1f\x8b\x08\x00\x00", "FILE is compressed; expected a recording as it was written, or HAR, in UTF-8"),
        ("{}".encode("utf-16"), "FILE is UTF-16; expected a recording as it was written, or HAR, in UTF-8"),
        (
            FORMAT_1 + FORMAT_1,
            f"FILE, line {1 + len(FORMAT_1.splitlines())}: another recording begins here; a file holds",
        ),
        (line('{"seq":1,"acc'), "FILE, line 2: this is no JSON object, and not the last line"),
        (line("[1]"), "FILE, line 2: this is no JSON object, and not the last line"),
        (line('{"seq":1}'), "FILE, line 2: this is neither an exchange, nor a delivery, nor a command"),
        (line('{"seq":1,"method":"GET"}'), "FILE, line 2: there is neither a `status` nor an `error`"),
        (line('{"seq":1,"method":"GET","status":"x"}'), 'FILE, line 2: `status` is "x"; expected a whole number'),
        (line('{"seq":1,"url":"/","at":"noon"}'), 'FILE, line 2: `at` is "noon"; expected an instant such as 2026'),
        (
            line('{"seq":1,"url":"/","at":"2026-01-01T00:00Z","headers":{"a":1}}'),
            '"a" in `headers` is 1; expected a text',
        ),
        (line('{"seq":1.5,"url":"/","at":"2026-01-01T00:00Z"}'), "`seq` is 1.5; expected a whole number"),
        (line('{"seq":1,"url":"/","at":"2026-01-01T00:00Z","body_base64":"é"}'), "`body_base64` is no base64"),
    ],
)
def test_what_is_no_recording_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "FILE"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        read(path)
    assert said in str(caught.value).replace(str(path), "FILE")


def test_what_an_editor_adds_to_a_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "edited.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + FORMAT_1.replace(b"\n", b"\r\n\r\n") + b"\n")
    assert read(path) == read(DATA / "recordings" / "format-1.jsonl")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no file that cannot be read")
def test_a_file_that_cannot_be_read_is_said() -> None:
    with pytest.raises(RecordingError, match=r"/proc/self/mem cannot be read: .* error"):
        Recording(Path("/proc/self/mem"))


def test_a_folder_and_a_missing_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is a folder; expected a recording, a file"):
        Recording(tmp_path)
    with pytest.raises(RecordingError, match=r"there is no file .*; expected a recording"):
        Recording(tmp_path / "none")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    har_entry = (
        b'{"startedDateTime":"2026-01-01T00:00:00Z","time":1,"request":{"method":"GET","url":"https://a/b"},'
        b'"response":{"status":200,"content":{"text":"' + b"x" * 1000 + b'"}}}'
    )
    files = {
        "long.jsonl": FORMAT_1 + 4000 * (FORMAT_1.splitlines()[2] + b"\n"),
        "long.har": b'{"log":{"entries":[' + b",".join(2500 * [har_entry]) + b"]}}",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        tracemalloc.start()
        with Recording(tmp_path / name) as recording:
            count = sum(1 for _ in recording)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count in {2500, 4000 + len(ENTRIES)}
        assert peak < 1_000_000 < len(content)
