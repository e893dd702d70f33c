"""Every kind of page in a real browser: nothing runs, nothing leaves, nothing sticks out."""

import pytest

from tests.browser import DESK, PHONE
from tests.looks import KINDS, assert_fine, look_over


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_calm_fits_and_reads(chromium, site, kind, width):
    visit = chromium.visit(site.origin + site.pages[kind], look_over(width), width=width)
    assert_fine(visit, site, kind, width)
