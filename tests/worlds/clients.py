"""A server in a process of its own, and readers that ask it for one page after the other."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import numpy as np

_PATIENCE_S = 300.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what kind of page, its address, the status, and how long it took."""

    kind: str
    path: str
    status: int
    ms: float
    size: int


class Server:
    """``python ARGUMENTS --port N`` until the end of the block.

    Parameters
    ----------
    arguments
        What follows ``python``; ``--port N`` is added.
    environment
        Set beside what this process has.
    """

    def __init__(self, arguments: Sequence[str], **environment: str) -> None:
        self.port = free_port()
        self._command = [sys.executable, *arguments, "--port", str(self.port)]
        self._environment = {**os.environ, "PYTHONPATH": str(_ROOT), **environment}

    def __enter__(self) -> "Server":
        started = time.perf_counter()
        self._process = subprocess.Popen(
            self._command, env=self._environment, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while self.ask("/-/versions.json").status != 200:
            if self._process.poll() is not None or time.perf_counter() - started > _PATIENCE_S:
                self._process.kill()
                raise RuntimeError(f"{' '.join(self._command)} does not answer")
            time.sleep(0.05)
        self.started_s = time.perf_counter() - started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(30)

    def ask(self, path: str, kind: str = "") -> Asked:
        """Ask once, on a connection of its own; status 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        started = time.perf_counter()
        try:
            connection.request("GET", quote(path, safe="/?&=+%:"))
            response = connection.getresponse()
            body = response.read()
        except OSError:
            return Asked(kind, path, 0, 1000 * (time.perf_counter() - started), 0)
        finally:
            connection.close()
        return Asked(kind, path, response.status, 1000 * (time.perf_counter() - started), len(body))

    def cpu_s(self) -> float:
        """Return the seconds of CPU that the server's processes have used."""
        ticks = 0
        for pid in self._processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> dict[str, float]:
        """Return what the processes hold of their own, and with the pages of the file."""
        found = dict.fromkeys(("VmHWM", "VmRSS", "RssAnon"), 0.0)
        for pid in self._processes():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            said = dict(line.split(":", 1) for line in lines)
            for key in found:
                found[key] += int(said[key].split()[0]) / 1024
        return found

    def _processes(self) -> list[int]:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def told(self, asked: Sequence[Asked]) -> str:
        """Word the load of the machine and the memory of the server after some requests."""
        memory = self.memory_mb()
        return (
            f"{len(asked)} pages; memory {memory['RssAnon']:.0f} MB of its own,"
            f" {memory['VmRSS']:.0f} MB with mapped files, peak {memory['VmHWM']:.0f} MB;"
            f" load average {os.getloadavg()[0]:.1f}"
        )


def free_port() -> int:
    """Return a port on loopback that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run_clients(server: Server, wanted: Sequence[tuple[str, str]], *, clients: int) -> list[Asked]:
    """Ask for every ``(kind, path)``: each client its next as soon as it has the last.

    Prints the pace and the CPU that the server spent on a page.
    """
    place = count()

    def client(_: int) -> list[Asked]:
        found = []
        while (nth := next(place)) < len(wanted):
            kind, path = wanted[nth]
            found.append(server.ask(path, kind))
        return found

    for kind, path in {kind: (kind, path) for kind, path in wanted[-40:]}.values():
        server.ask(f"{path}{'&' if '?' in path else '?'}_warm=1", kind)
    started, cpu = time.perf_counter(), server.cpu_s()
    with ThreadPoolExecutor(clients) as pool:
        asked = [one for found in pool.map(client, range(clients)) for one in found]
    seconds, spent = time.perf_counter() - started, server.cpu_s() - cpu
    print(
        f"\n{clients} clients: {len(asked) / seconds:.1f} pages/s,"
        f" {1000 * spent / len(asked):.0f} ms of CPU a page"
    )
    return asked


def table(asked: Sequence[Asked], what: str) -> str:
    """Return a Markdown table of the times by kind."""
    lines = [
        f"| {what} | n | p50 ms | p95 ms | max ms | kB | status |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in sorted({one.kind for one in asked}):
        mine = [one for one in asked if one.kind == kind]
        p50, p95, most = np.percentile([one.ms for one in mine], [50, 95, 100])
        statuses = ", ".join(
            f"{status}: {n}" for status, n in Counter(o.status for o in mine).items()
        )
        size = np.mean([one.size for one in mine]) / 1024
        times = " | ".join(f"{ms:.0f}" for ms in (p50, p95, most))
        lines.append(f"| {kind} | {len(mine)} | {times} | {size:.0f} | {statuses} |")
    return "\n".join(lines)
