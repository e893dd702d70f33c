"""The figures of the crawler, printed: ``make bench``. The bars are those that we promise.

Servers run in a process of their own, so their CPU time is not ours. Times are of CPU where it
says so: the wall clock belongs to everybody on the machine.
"""

import resource
import sys
import time

import pytest

from crawler.dedupe import find_duplicates
from tests.load_crawl import run
from tests.load_server import outlets
from tests.planted import planted

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(sys.platform != "linux", reason="needs many loopback addresses"),
]
NIGHTS = [f"2026-01-{day}T22:30:00+00:00" for day in (29, 30, 31)]


def test_five_hundred_feeds_beside_a_bare_loop(tmp_path):
    """A first crawl, two repeats with nothing new (304, equal body), and fetch + feedparser."""
    database = tmp_path / "feeds.db"
    with outlets() as port:
        run("loop", port, 500, "feed")  # the server makes its bodies
        loop = run("loop", port, 500, "feed")
        first = run("crawl", port, 500, "feed", database, NIGHTS[0])
        repeat = run("crawl", port, 500, "feed", database, NIGHTS[1])
        run("crawl", port, 500, "bare", tmp_path / "bare.db", NIGHTS[0])
        equal = run("crawl", port, 500, "bare", tmp_path / "bare.db", NIGHTS[1])
    for name, figures in {
        "fetch + feedparser": loop, "first crawl": first, "repeat, 304": repeat,
        "repeat, same bodies": equal,
    }.items():  # fmt: skip
        print(
            f"\n500 feeds of 25 items, {name}: {figures['wall_s']:.2f} s,"
            f" CPU {figures['cpu_s']:.2f} s, {figures['memory_mib']:.0f} MiB",
            end="",
        )
    print(
        f"\nfirst / loop: CPU {first['cpu_s'] / loop['cpu_s']:.2f};"
        f" first / repeat: wall {first['wall_s'] / repeat['wall_s']:.1f},"
        f" CPU {first['cpu_s'] / repeat['cpu_s']:.1f}"
    )
    assert loop["entries"] == first["new"] == 12_500
    assert repeat["new"] == equal["new"] == 0
    assert first["cpu_s"] <= 1.5 * loop["cpu_s"]
    assert repeat["cpu_s"] <= first["cpu_s"] / 10
    assert repeat["wall_s"] <= first["wall_s"] / 10
    assert max(first["memory_mib"], repeat["memory_mib"]) < 500


def test_a_tenth_of_a_large_night_costs_the_same_for_each_item(tmp_path):
    """200 feeds of ten teasers with the 2,000 pages behind them; a quarter of that beside it."""
    cost: dict[int, float] = {}
    with outlets() as port:
        for feeds in (200, 50, 200):  # the first makes the bodies
            database = tmp_path / f"{feeds}-{len(cost)}.db"
            figures = run("crawl", port, feeds, "teasers", database, NIGHTS[0])
            assert figures["new"] == 10 * feeds
            assert figures["failures"] == 0
            cost[feeds] = figures["cpu_s"] / figures["new"]
            print(
                f"\n{feeds} feeds, {10 * feeds} pages: {figures['wall_s']:.1f} s,"
                f" CPU {figures['cpu_s']:.1f} s, {1000 * cost[feeds]:.1f} ms an item,"
                f" {figures['memory_mib']:.0f} MiB",
                end="",
            )
    nightly = cost[200] * 20_000 / 2
    print(f"\n2,000 feeds, 20,000 pages at that cost on 2 cores: {nightly / 60:.1f} min")
    assert cost[200] <= 1.2 * cost[50]
    assert nightly < 3600


def test_a_night_does_not_grow_with_history(tmp_path):
    """The same new items on an empty database, and on one that holds months of other nights."""
    with outlets() as port:
        run("crawl", port, 100, "feed", tmp_path / "warm.db", NIGHTS[0])
        fresh = run("crawl", port, 100, "feed", tmp_path / "fresh.db", NIGHTS[0])
        old = tmp_path / "old.db"
        run("fill", port, 100, "feed", old, NIGHTS[0])
        full = run("crawl", port, 100, "feed", old, NIGHTS[0])
    print(
        f"\n100 feeds, CPU: {fresh['cpu_s']:.2f} s on an empty database,"
        f" {full['cpu_s']:.2f} s beside {full['stored']:,} older documents"
    )
    assert fresh["new"] == full["new"] == 2_500
    assert full["cpu_s"] <= 1.25 * fresh["cpu_s"]


@pytest.mark.parametrize(("originals", "copies"), [(10_000, 0), (6_667, 3_333)])
def test_ten_thousand_documents_are_compared_in_two_seconds(originals, copies):
    rows, truth = planted(originals, copies)
    find_duplicates(rows[:100])  # imports
    started, cpu = time.perf_counter(), time.process_time()
    found = find_duplicates(rows)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    right = len(found.items() & truth.items())
    recall, precision = right / max(len(truth), 1), right / max(len(found), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n10,000 documents with {copies:,} copies: {seconds:.2f} s, CPU {cpu:.2f} s,"
        f" recall {recall:.4f}, precision {precision:.4f}, {peak:.0f} MiB"
    )
    assert seconds < 2
    assert recall >= 0.99 or not truth
    assert precision >= 0.99 or not found
    assert bool(found) == bool(truth)
