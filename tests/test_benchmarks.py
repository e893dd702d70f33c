"""The figures of docs/benchmarks.md, printed: ``make bench``. Bounds are those that we promise."""

import random
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from align.run import align, explain
from api.config import load_settings
from api.stages import import_documents, import_prices, run_tag
from crawler.dedupe import Text, find_duplicates
from store import Store

pytestmark = pytest.mark.benchmark
SHARED = Path(__file__).parents[2] / "shared" / "data"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_ten_thousand_documents_are_compared_in_seconds():
    chance = random.Random(7)
    words = [f"word{number}" for number in range(5_000)]
    texts = [
        Text(
            id=f"{number:05d}",
            title="",
            text=" ".join(chance.choices(words, k=400)),
            language="en",
            effective_at=NOW + timedelta(seconds=number),
        )
        for number in range(10_000)
    ]
    started = time.perf_counter()
    assert find_duplicates(texts) == {}
    seconds = time.perf_counter() - started
    print(f"\nnear-duplicates, 10,000 documents of 400 words: {seconds:.1f} s")
    assert seconds < 10


@pytest.mark.skipif(not SHARED.exists(), reason="needs the real archive in ../shared")
def test_a_real_archive_is_done_in_minutes(tmp_path):
    settings = load_settings()
    prices = [SHARED / "prices" / "closes.parquet", SHARED / "prices" / "fred.parquet"]
    started = time.perf_counter()
    with Store.open(tmp_path / "real.db", create=True) as store:
        steps = {
            "import documents": lambda: import_documents(
                store, [SHARED / "text" / "headlines.parquet"], now=NOW
            ),
            "import prices": lambda: import_prices(store, settings, prices, now=NOW),
            "tag": lambda: run_tag(store, settings, now=NOW),
            "align": lambda: align(store, now=NOW),
            "explain": lambda: explain(store, datetime(2026, 1, 30, tzinfo=UTC).date()),
        }
        for name, step in steps.items():
            before = time.perf_counter()
            step()
            print(f"\n{name}: {time.perf_counter() - before:.1f} s")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"all: {seconds:.0f} s, peak {peak:.2f} GiB")
    assert seconds < 600
    assert peak < 3
