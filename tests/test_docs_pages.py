"""The generated pages of the documentation: as committed, complete, and with links that lead somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
from tools import write_docs
from tools.markdown import Row, anchor, field_table, linked, rows, type_of

from sched_emulator import spec
from sched_emulator.spec import assumptions

ROOT = Path(__file__).parents[1]


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("path", write_docs.PAGES)
def test_the_committed_page_is_what_the_specification_makes(path: str) -> None:
    assert page(path) == write_docs.text_of(path), "run `python -m tools.write_docs`"


def test_a_page_that_is_out_of_date_is_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(write_docs, "ROOT", tmp_path)
    assert write_docs.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{path} is out of date: run `python -m tools.write_docs`" for path in write_docs.PAGES
    ]
    assert write_docs.main([]) == 0
    assert write_docs.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"wrote {path}" for path in write_docs.PAGES]


def test_every_question_is_explained_with_all_its_answers() -> None:
    text = page("docs/assumptions.md")
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == sorted(
        assumptions.catalogue(), key=lambda name: list(write_docs.KINDS).index(assumptions.catalogue()[name].kind)
    )
    for name, entry in assumptions.catalogue().items():
        missing = [word for word in entry.answers if f"\n- `{word}`" not in sections[name]]
        assert (missing, f"**{entry.question}**" in sections[name]) == ([], True), name
        assert "*Why:* " in sections[name]
        assert "*Probe:* " in sections[name]


def test_every_operation_and_every_parameter_is_described() -> None:
    text = page("docs/operations.md")
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    for operation in spec.operations(spec.resolve(spec.load("scheduling"), assumptions.defaults())):
        section = sections[operation.short]
        named = {item["name"] for item in operation.parameters if item["in"] != "header"}
        named |= set((operation.body_schema or {}).get("properties", {}))
        assert {name for name in named if f"`{name}`" not in section} == set(), operation.operation_id
        assert f"`{operation.method} {operation.path}`" in section


def test_every_request_of_the_control_api_is_described() -> None:
    described = [f"{item.method} {item.path}" for item in spec.operations(spec.load("emulator"))]
    found = [heading for heading in headings(page("docs/control-api.md")) if "/" in heading]
    assert sorted(found) == sorted(described)


@pytest.mark.parametrize("path", write_docs.PAGES)
def test_every_link_leads_to_a_heading(path: str) -> None:
    broken = []
    for target, fragment in re.findall(r"\]\(([^)#]*)#([^)]*)\)", page(path)):
        leads_to = f"docs/{target}" if target else path
        if fragment not in map(anchor, headings(page(leads_to))):
            broken.append((target, fragment))
    assert broken == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10, "default": 3}, "integer, 1 to 10, default 3"),
        ({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, "integer"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9}, "number, more than 0, at most 9"),
        ({"type": "string", "maxLength": 5}, "string, at most 5 characters"),
        ({"type": ["string", "null"], "format": "date-time"}, "instant or null"),
        ({"type": "string", "format": "uri", "maxLength": 8192}, "URL"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, "array of string, at most 3"),
        ({"type": "array", "items": {}}, "array"),
        ({"type": ["string", "array"], "items": {"type": ["integer", "null"]}}, "string or array of (integer or null)"),
        ({"enum": ["a", "b"]}, "`a` or `b`"),
        ({"const": True}, "true"),
        ({"anyOf": [{"type": "object"}, {"type": "string"}]}, "object or string"),
        ({"not": {}}, "refused"),
        ({}, "any"),
    ],
)
def test_types_are_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words


def test_names_for_the_same_field_stand_in_one_row() -> None:
    schema = {
        "properties": {
            "url": {"type": "string", "description": "Where  to."},
            "task": {"x-alias-of": "url"},
            "kind": {"x-ignored": True},
            "items": {"type": "array", "items": {"properties": {"id": {"type": "string"}}, "required": ["id"]}},
        },
        "allOf": [{"anyOf": [{"required": ["url"]}, {"required": ["task"]}]}],
    }
    assert list(rows(schema)) == [
        Row("url", "string", required=True, description="Where to. Also called `task`."),
        Row("kind", "any", required=False, description="Without effect."),
        Row("items", "array", required=False, description=""),
        Row("items[].id", "string", required=True, description=""),
    ]


def test_ids_of_open_questions_become_links_and_bars_are_escaped() -> None:
    assert linked("see `cron.dst` and `cron.nothing`") == "see [`cron.dst`](assumptions.md#crondst) and `cron.nothing`"
    table = field_table([Row("a", "x | y", required=False, description="b")], requests=False)
    assert table == ["| field | type | meaning |", "| --- | --- | --- |", "| `a`? | x \\| y | b |", ""]
