"""The docs say what the code does."""

import re
import runpy
from pathlib import Path

import pytest

from api.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == PAGES[path], "run 'make docs'"


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_every_link_to_a_file_leads_somewhere(name):
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


def test_every_command_of_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^\$ tapestory (\w+)", text, flags=re.MULTILINE))
    assert verbs
    assert verbs <= set(cli.commands)


def test_the_readme_shows_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make nightly" in text
    assert "make test" in text


def test_no_line_names_a_package_registry_or_a_home_folder():
    for path in [ROOT / "README.md", ROOT / "Makefile", *ROOT.glob("docs/*.md")]:
        assert not re.search(r"pypi\.org|/root/|/home/\w", path.read_text(encoding="utf-8")), path


def test_every_trouble_of_a_source_is_explained():
    from typing import get_args

    from api.source_status import Trouble

    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    for trouble in get_args(Trouble):
        assert f"| `{trouble}` |" in page
