"""Every command and code block in the README and in docs/ does what it shows, or says why it is not run."""

import re
from pathlib import Path

import pytest

from tests import document_runner

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
LINKING = sorted({*DOCUMENTS, *ROOT.glob("*.md"), *ROOT.glob("examples/*.md")})
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_what_the_document_shows_is_what_happens(path: Path, tmp_path: Path) -> None:
    runnable = [
        block
        for block in document_runner.blocks(path.read_text())
        if block.reason is None and block.language in document_runner.LANGUAGES_RUN
    ]
    assert document_runner.run(path, tmp_path) == len(runnable)


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_a_block_that_is_not_run_says_why(path: Path) -> None:
    silent = [
        f"{path.name}:{block.line} ({block.language or 'no language'})"
        for block in document_runner.blocks(path.read_text())
        if block.reason is None
        and block.language not in document_runner.LANGUAGES_RUN | document_runner.LANGUAGES_SHOWN
    ]
    assert silent == []


@pytest.mark.parametrize("path", LINKING, ids=[str(path.relative_to(ROOT)) for path in LINKING])
def test_a_link_leads_somewhere(path: Path) -> None:
    for place, heading in LINK.findall(path.read_text()):
        target = path.parent / place if place else path
        assert target.exists(), place
        assert not heading or heading in headings(target.read_text()), f"{place}#{heading}"


def headings(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_runner_notices_another_output(tmp_path: Path) -> None:
    document = tmp_path / "wrong.md"
    document.write_text("```console\n$ echo one\ntwo\n```\n")
    with pytest.raises(AssertionError, match="instead of\ntwo"):
        document_runner.run(document, tmp_path)


def test_the_runner_notices_a_command_that_fails(tmp_path: Path) -> None:
    document = tmp_path / "wrong.md"
    document.write_text("```python\nassert 1 == 2\n```\n")
    with pytest.raises(AssertionError, match=r"wrong.md:1: .* failed"):
        document_runner.run(document, tmp_path)


def test_the_runner_runs_the_tests_of_a_document(tmp_path: Path) -> None:
    document = tmp_path / "wrong.md"
    document.write_text("```python\n# test_wrong.py\ndef test_wrong():\n    assert 1 == 2\n```\n")
    with pytest.raises(AssertionError, match="1 failed"):
        document_runner.run(document, tmp_path)
