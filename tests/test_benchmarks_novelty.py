"""The search for the nearest earlier story at the size of a real archive, printed."""

import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from nlp.novelty import nearest_earlier
from nlp.space import pack
from store.records import StoryVector

pytestmark = pytest.mark.benchmark
WIDTH = 768


@pytest.mark.parametrize(("count", "days"), [(47_000, 210), (47_000, 30)])
def test_an_archive_of_headlines_is_searched_in_a_minute(count, days):
    rng = np.random.default_rng(1)
    start = datetime(2025, 7, 15, tzinfo=UTC)
    stories = [
        StoryVector(
            document_id=f"{number:06d}",
            effective_at=start + timedelta(days=days * number / count),
            vector=pack([rng.normal(size=WIDTH)]),
            nearest=None,
        )
        for number in range(count)
    ]
    tracemalloc.start()
    began = time.process_time()
    found = sum(1 for _ in nearest_earlier(stories))
    seconds = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"\n{count:,} stories over {days} days: {seconds:.1f} s of CPU, {peak:.0f} MiB")
    assert found == count
    assert seconds < 120  # 60 s of two cores
    assert peak < 200
