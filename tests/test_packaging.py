"""Five generic top-level names: this checkout must be who owns them."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("crawler", "nlp", "store", "align", "api")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_imported_from_this_checkout(folder):
    file = importlib.import_module(folder).__file__
    assert file is not None
    assert Path(file).parent == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_other_distribution_brings_the_same_name(folder):
    # An editable install registers no files, so no owner at all is as good as ours.
    assert set(packages_distributions().get(folder, [])) <= {"tapestory"}
