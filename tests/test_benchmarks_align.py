"""Time and memory of the whole stage on years of stories: ``pytest -m benchmark -s``."""

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.worlds import years

pytestmark = pytest.mark.benchmark
ROOT = Path(__file__).parent.parent
# What a run is made of, as `align.run` names it.
PARTS = (
    "_read",
    "digest",
    "build",
    "measure",
    "pair",
    "scan_points",
    "_stamp_checks",
    "confirm",
    "_explanations",
)


def measured(path: Path, now: datetime) -> dict[str, Any]:
    """Run the stage in a process of its own; return seconds of CPU by part, and peak MB."""
    command = [sys.executable, "-m", "tests.test_benchmarks_align", str(path), now.isoformat()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(path: Path, now: datetime) -> None:
    """Align one store and print what it took as JSON."""
    from align import run
    from store import Store

    parts: Counter[str] = Counter()

    def timed(name: str) -> None:
        function = getattr(run, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **options)
            finally:
                parts[name] += time.process_time() - started  # type: ignore[assignment]

        setattr(run, name, wrapper)

    for name in PARTS:
        timed(name)
    before, clock = time.process_time(), time.perf_counter()
    with Store.open(path) as store:
        report = run.align(store, now=now)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parts["rest"] = seconds - sum(parts.values())  # type: ignore[assignment]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "wall": time.perf_counter() - clock,
                "peak": peak,
                "parts": parts,
                "counts": report.counts,
            }
        )
    )


def test_two_years_are_aligned_in_a_minute(tmp_path):
    """12 narratives, 30 assets, 300 stories a day: the first night, and each night after."""
    nights = _nights(tmp_path, {"1 year": 252, "2 years": 504}, per_day=300)
    first = nights["2 years", "first"]
    assert first["counts"]["alignments"] == 12 * 30 * 21
    for found in nights.values():
        assert found["seconds"] < 60
        assert found["peak"] < 1024
    assert nights["2 years", "one more day"]["counts"]["intensity"] == 12
    assert set(nights["2 years", "unchanged"]["counts"].values()) == {0}


def test_a_night_costs_the_same_after_eight_years_as_after_four(tmp_path):
    """The history doubles; a night reads the last three years and a half of it."""
    nights = _nights(tmp_path, {"4 years": 1008, "8 years": 2016}, per_day=100)
    short, long = (nights[label, "one more day"]["seconds"] for label in ("4 years", "8 years"))
    print(f"8 years over 4: {long / short:.2f}")
    assert long < 1.2 * short


def _nights(
    folder: Path, histories: dict[str, int], *, per_day: int
) -> dict[tuple[str, str], dict[str, Any]]:
    """Align stores of some lengths for the first time, a day later, and once more."""
    yesterday = years.NOW - timedelta(days=1)
    nights = {}
    for label, sessions in histories.items():
        path = folder / f"{sessions}.db"
        years.build(path, sessions=sessions, per_day=per_day)
        nights[label, "first"] = measured(path, yesterday)
        nights[label, "one more day"] = measured(path, years.NOW)
        nights[label, "unchanged"] = measured(path, years.NOW)
    print(f"\n{'':<24}{'CPU s':>8}{'wall s':>8}{'MB':>7}  {'  '.join(PARTS)}  rest")
    for (label, night), found in nights.items():
        shown = "  ".join(
            f"{found['parts'].get(name, 0.0):>{len(name)}.1f}" for name in (*PARTS, "rest")
        )
        print(
            f"{label}, {night:<15}{found['seconds']:>8.1f}{found['wall']:>8.1f}"
            f"{found['peak']:>7.0f}  {shown}"
        )
    return nights


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
