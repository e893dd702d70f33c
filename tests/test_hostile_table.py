"""docs/security.md and the tests of the 50 hostile inputs are in step."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"
NUMBERS = range(1, 51)
_ROW = re.compile(r"^\| (\d+) \|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)


def marks(function: ast.FunctionDef) -> Iterator[int]:
    """Yield the numbers of a test's ``hostile`` marks, those of single parameters too."""
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "hostile"
            ):
                yield from (ast.literal_eval(argument) for argument in node.args)


def marked() -> dict[int, set[str]]:
    """Return the tests of every number, as ``test_file.py::test_name``."""
    found = defaultdict(set)
    for path in TESTS.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for number in marks(node):
                    found[number].add(f"{path.name}::{node.name}")
    return found


def table() -> dict[int, tuple[str, str, set[str]]]:
    """Return input, outcome and tests of every row of the page."""
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) == len({number for number, *_ in rows})
    return {
        int(number): (shown.strip(), outcome.strip(), set(re.findall(r"`(test_\w+)`", tests)))
        for number, shown, outcome, tests in rows
    }


MARKED, TABLE = marked(), table()


def test_every_input_has_a_test_and_a_row():
    assert set(MARKED) == set(TABLE) == set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_names_its_tests(number):
    shown, outcome, named = TABLE[number]
    assert shown
    assert outcome
    assert named
    assert named <= {test.partition("::")[2] for test in MARKED[number]}


def test_a_name_stands_for_one_test():
    files = defaultdict(set)
    for test in set().union(*MARKED.values()):
        files[test.partition("::")[2]].add(test)
    assert all(len(where) == 1 for where in files.values())


def test_every_rule_leads_to_a_file():
    text = PAGE.read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:crawler|api|store|nlp)/[\w/]+\.(?:py|toml))`", text))
    assert len(paths) > 10
    assert all((PAGE.parent.parent / path).exists() for path in paths)
