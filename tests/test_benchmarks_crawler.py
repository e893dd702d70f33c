"""The figures of the crawler, printed: ``make bench``. The bars are those that we promise.

Servers run in a process of their own, so their CPU time is not ours. What is compared runs in
turn, and ratios are taken pair by pair: a shared machine can be half as fast a minute later.
Figures are medians, with the least and the most in brackets.
"""

import sys
import time
from statistics import median
from typing import Any

import pytest

from crawler.dedupe import find_duplicates
from tests.load_crawl import run
from tests.load_server import outlets
from tests.planted import planted

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(sys.platform != "linux", reason="needs many loopback addresses"),
]
ROUNDS = 3
ROUND = ("fetch + feedparser", "first crawl", "repeat, 304", "repeat, same bodies")
NIGHTS = [f"2026-01-{day}T22:30:00+00:00" for day in (29, 30, 31)]


def test_five_hundred_feeds_beside_a_bare_loop(tmp_path):
    """Fetch + feedparser, a first crawl, and repeats with nothing new: 304, or an equal body."""
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in ROUND}
    with outlets() as port:
        run("loop", port, 500, "feed")  # the server makes its bodies
        for number in range(ROUNDS):
            feeds, bare = tmp_path / f"feeds-{number}.db", tmp_path / f"bare-{number}.db"
            rounds["fetch + feedparser"].append(run("loop", port, 500, "feed"))
            rounds["first crawl"].append(run("crawl", port, 500, "feed", feeds, NIGHTS[0]))
            rounds["repeat, 304"].append(run("crawl", port, 500, "feed", feeds, NIGHTS[1]))
            run("crawl", port, 500, "bare", bare, NIGHTS[0])
            rounds["repeat, same bodies"].append(run("crawl", port, 500, "bare", bare, NIGHTS[1]))
    loop, first, repeat, equal = rounds.values()
    for name, runs in rounds.items():
        print(
            f"\n500 feeds of 25 items, {name}: {middle(runs, 'wall_s'):.2f} s,"
            f" CPU {middle(runs, 'cpu_s'):.2f} s, {middle(runs, 'memory_mib'):.0f} MiB",
            end="",
        )
    cost = ratios(first, loop, "cpu_s")
    faster = {name: ratios(first, repeat, name) for name in ("wall_s", "cpu_s")}
    print(
        f"\nfirst / loop, CPU: {shown(cost)}; first / repeat, wall: {shown(faster['wall_s'])},"
        f" CPU: {shown(faster['cpu_s'])}"
    )
    assert all(one["entries"] == 12_500 for one in loop)
    assert all(one["new"] == 12_500 for one in first)
    assert all(one["new"] == 0 for one in [*repeat, *equal])
    assert median(cost) <= 1.5
    assert min(map(median, faster.values())) >= 10
    assert max(one["memory_mib"] for one in [*first, *repeat]) < 500


def test_a_tenth_of_a_large_night_costs_the_same_for_each_item(tmp_path):
    """200 feeds of ten teasers with the 2,000 pages behind them; a quarter of that beside it."""
    small: list[dict[str, Any]] = []
    large: list[dict[str, Any]] = []
    with outlets() as port:
        run("crawl", port, 200, "teasers", tmp_path / "warm.db", NIGHTS[0])  # makes the bodies
        for number in range(ROUNDS):
            for feeds, runs in ((50, small), (200, large)):
                database = tmp_path / f"{feeds}-{number}.db"
                figures = run("crawl", port, feeds, "teasers", database, NIGHTS[0])
                assert figures["new"] == 10 * feeds
                assert figures["failures"] == 0
                runs.append({**figures, "item_ms": 1000 * figures["cpu_s"] / figures["new"]})
    for feeds, runs in ((50, small), (200, large)):
        print(
            f"\n{feeds} feeds, {10 * feeds} pages: {middle(runs, 'wall_s'):.1f} s,"
            f" CPU {middle(runs, 'cpu_s'):.1f} s, {middle(runs, 'item_ms'):.1f} ms an item,"
            f" {middle(runs, 'memory_mib'):.0f} MiB",
            end="",
        )
    growth = ratios(large, small, "item_ms")
    nightly_s = middle(large, "item_ms") / 1000 * 20_000 / 2
    print(f"\nan item of the larger night costs {shown(growth)} times as much; 2,000 feeds and")
    print(f"20,000 pages at that cost on 2 cores: {nightly_s / 60:.1f} min")
    assert median(growth) <= 1.2
    assert nightly_s < 3600


def test_a_night_does_not_grow_with_history(tmp_path):
    """The same new items on an empty database, and on one that holds months of other nights."""
    fresh: list[dict[str, Any]] = []
    full: list[dict[str, Any]] = []
    with outlets() as port:
        run("crawl", port, 100, "feed", tmp_path / "warm.db", NIGHTS[0])
        for number in range(ROUNDS):
            old = tmp_path / f"old-{number}.db"
            run("fill", port, 100, "feed", old, NIGHTS[0])
            database = tmp_path / f"fresh-{number}.db"
            fresh.append(run("crawl", port, 100, "feed", database, NIGHTS[0]))
            full.append(run("crawl", port, 100, "feed", old, NIGHTS[0]))
    growth = ratios(full, fresh, "cpu_s")
    print(
        f"\n100 feeds, CPU: {middle(fresh, 'cpu_s'):.2f} s on an empty database,"
        f" {middle(full, 'cpu_s'):.2f} s beside {full[0]['stored'] - 2500:,} older documents:"
        f" {shown(growth)}"
    )
    assert all(one["new"] == 2_500 for one in [*fresh, *full])
    assert median(growth) <= 1.25


@pytest.mark.parametrize(("originals", "copies"), [(10_000, 0), (6_667, 3_333)])
def test_ten_thousand_documents_are_compared_in_two_seconds(originals, copies):
    rows, truth = planted(originals, copies)
    find_duplicates(rows[:100])  # imports
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        found = find_duplicates(rows)
        seconds.append(time.perf_counter() - started)
    right = len(found.items() & truth.items())
    recall, precision = right / max(len(truth), 1), right / max(len(found), 1)
    quality = f"recall {recall:.4f}, precision {precision:.4f}" if truth else f"{len(found)} found"
    print(f"\n10,000 documents with {copies:,} copies: {shown(seconds)} s, {quality}")
    assert median(seconds) < 2
    assert not found if not truth else min(recall, precision) >= 0.99


def ratios(runs: list[dict[str, Any]], others: list[dict[str, Any]], name: str) -> list[float]:
    """Return the ratios of figures that were measured one after the other."""
    return [one[name] / other[name] for one, other in zip(runs, others, strict=True)]


def middle(runs: list[dict[str, Any]], name: str) -> float:
    return float(median(one[name] for one in runs))


def shown(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
