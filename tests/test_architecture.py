"""The shape of the house: layers, names, sizes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("crawler", "nlp", "store", "align", "api")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# A file above this is split, or says in its docstring why it is not.
MAX_LINES = 450


def test_the_import_contracts_hold():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_no_grab_bag(path):
    assert path.stem not in {"utils", "helpers", "common", "misc", "manager", "base"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_old_httpx_is_imported_nowhere():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            assert not any(name.split(".")[0] == "httpx" for name in names), path


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_package_says_what_it_promises(folder):
    docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text("utf-8")))
    assert docstring is not None
    assert len(docstring.splitlines()) >= 3


def test_the_command_line_loads_nothing_heavy():
    heavy = ["torch", "transformers", "spacy", "pandas", "scipy", "datasette", "trafilatura"]
    script = f"import sys, api.cli;print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
