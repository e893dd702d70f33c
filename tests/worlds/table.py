"""The table of the simulations: a world, what was asked, what was measured, and the naive way.

Every benchmark that simulates adds its rows and prints them with ``markdown``.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    world, statistic : str
        What was made up (with its id in the reference, such as N1), and what was counted.
    measured, naive : float
        The figure of the shipped method, and of the method that fails in the same world.
    target : pair of float or None
        Both ends are inside; None for a figure that nobody asked for.
    runs : int
        Simulated worlds behind the row.
    percent : bool
        Print as percentages.
    accepted : str
        Why a miss is known and let stand; it is printed as a miss all the same.
    """

    world: str
    statistic: str
    measured: float
    runs: int
    target: tuple[float, float] | None = None
    naive: float | None = None
    naive_name: str = ""
    percent: bool = True
    accepted: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met; a row without one always is."""
        return self.target is None or self.target[0] <= self.measured <= self.target[1]


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as one Markdown table."""
    lines = [
        "| world | statistic | target | measured | naive | runs |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        naive = "" if row.naive is None else f"{_number(row.naive, row)} ({row.naive_name})"
        miss = " (missed)" if not row.accepted else f" (missed: {row.accepted})"
        measured = f"**{_number(row.measured, row)}**" + ("" if row.met else miss)
        cells = (row.world, row.statistic, _target(row), measured, naive, f"{row.runs:,}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def missed(rows: Iterable[Row]) -> list[str]:
    """Return the rows whose target is not met and whose miss is not accepted, in words."""
    return [
        f"{row.world}, {row.statistic}: {_number(row.measured, row)}, asked for {_target(row)}"
        for row in rows
        if not row.met and not row.accepted
    ]


def in_two_processes(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """Return ``work`` of every task, in their order; each task carries its own seed."""
    with (
        _one_thread(),
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
    ):
        return list(pool.map(work, tasks, chunksize=max(1, min(20, len(tasks) // 4))))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let the processes' matrix products keep to one thread each: there are two of them."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    low, high = row.target
    if high == float("inf") or (row.percent and high >= 1):
        return f"≥ {_number(low, row)}"
    if low == float("-inf") or (row.percent and low <= 0):
        return f"≤ {_number(high, row)}"
    return f"{_number(low, row)} to {_number(high, row)}"


def _number(value: float, row: Row) -> str:
    return f"{100 * value:.1f} %" if row.percent else f"{value:.3g}"
