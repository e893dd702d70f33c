"""The page on crawling names what exists: tests, outcomes, statuses."""

import re
from pathlib import Path
from typing import get_args

from store.records import Outcome, SourceStatus

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "crawling.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `?(\w+)`? \|", section(title), flags=re.MULTILINE)[1:]


def test_every_row_is_there_and_every_test_of_it_exists():
    table = section("What is done about what servers and feeds do")
    rows = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", table, flags=re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 24))
    written = "".join(path.read_text() for path in TESTS.glob("test_crawler_behaviour*.py"))
    defined = set(re.findall(r"^def (test_row_\w+)\(", written, flags=re.MULTILINE))
    named = set()
    for number, cell in rows:
        names = re.findall(r"`(test_row_\w+)`", cell)
        assert names, number
        assert all(f"_{int(number):02}_" in name.split("row")[1] for name in names), number
        named.update(names)
    assert named == defined


def test_every_outcome_and_every_status_is_explained():
    assert first_cells("What came of a request") == list(get_args(Outcome))
    assert sorted(first_cells("What a status means")) == sorted(get_args(SourceStatus))


def test_nothing_is_claimed_of_others_that_was_not_checked():
    assert "unverified" not in PAGE
