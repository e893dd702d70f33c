"""How many alerts the shipped rules raise on real headlines; docs/benchmarks.md."""

import os
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from api.alerts.run import replay
from api.alerts.settings import parse_alerts
from store import Store

pytestmark = pytest.mark.benchmark
MONTHS = (
    (date(2025, 9, 1), date(2025, 9, 30)),
    (date(2025, 10, 1), date(2025, 10, 31)),
    (date(2025, 11, 1), date(2025, 11, 30)),
    (date(2025, 12, 1), date(2025, 12, 31)),
    (date(2026, 1, 19), date(2026, 2, 6)),
)


@pytest.fixture
def real():
    """Open the database that TAPESTORY_REAL names: headlines from July 2025, labelled, aligned."""
    path = os.environ.get("TAPESTORY_REAL")
    if not path:
        pytest.skip("TAPESTORY_REAL names no database with real headlines")
    with Store.open(Path(path), read_only=True) as store:
        yield store


def test_a_desk_is_told_a_few_things_a_month(real):
    settings = parse_alerts({}, "the shipped settings")
    now = datetime(2026, 12, 31, tzinfo=UTC)
    print("\n| from | to | alerts | updates | CPU s |\n|---|---|---|---|---|")
    found = {}
    for first, last in MONTHS:
        started = time.process_time()
        changes = [
            change
            for _, all_changes in replay(real, settings, [], first, last, now=now)
            for change in all_changes
        ]
        seconds = time.process_time() - started
        found[first] = [change for change in changes if change.is_new]
        print(
            f"| {first} | {last} | {len(found[first])} |"
            f" {len(changes) - len(found[first])} | {seconds:.1f} |"
        )
        for change in found[first]:
            print(f"  {change.alert.id}: {change.alert.title}")
    assert 1 <= len(found[date(2026, 1, 19)]) <= 10
    for change in found[date(2026, 1, 19)]:
        for one in change.findings:
            assert one.numbers
            assert one.rows
            for quote in one.quotes:
                document = real.documents.get(quote.document_id)
                assert quote.quote in document.text or quote.quote in document.title
