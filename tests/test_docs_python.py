"""docs/python.md is a session that runs: its outputs are what the sample's database gives."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "python.md"


@pytest.mark.model
def test_the_page_runs_as_it_stands(night, monkeypatch):
    database, _ = night
    monkeypatch.chdir(database.parent)
    text = "\n".join(
        "" if line.startswith("```") else line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
    )
    session = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    result = runner.run(session, out=said.append)
    assert result.attempted > 20
    assert result.failed == 0, "".join(said)
