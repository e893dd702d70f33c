"""The pages of a real snapshot in a browser, light and dark, with pictures to look at.

``TAPESTORY_REAL=night.site.db TAPESTORY_SHOTS=folder pytest -m benchmark -s
tests/test_benchmarks_looks.py``; skipped without a snapshot.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.browser import DESK, PHONE
from tests.looks import KINDS, assert_fine, look_over


@pytest.mark.benchmark
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("kind", KINDS)
def test_a_real_page_is_calm_fits_and_reads(chromium, real_site, kind, width):
    folder = os.environ.get("TAPESTORY_SHOTS")

    def look(page: Any) -> Any:
        found = look_over(width)(page)
        for scheme in ("dark", "light") if folder else ():
            page.emulate_media(color_scheme=scheme)
            target = Path(str(folder)) / f"{kind}-{width}-{scheme}.png"
            page.screenshot(path=target, full_page=True)
        height = page.evaluate("() => document.documentElement.scrollHeight")
        return {**found, "height": height}

    began = time.perf_counter()
    visit = chromium.visit(real_site.origin + real_site.pages[kind], look, width=width)
    seconds = time.perf_counter() - began
    print(
        f"{kind:10} {width:5} px wide {visit.found['height']:6} px high {seconds:5.1f} s looked at"
    )
    assert_fine(visit, real_site, kind, width)
