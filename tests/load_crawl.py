"""One measured process: a crawl, or what a user would write instead. Prints its figures as JSON.

``python -m tests.load_crawl crawl PORT FEEDS PATH DATABASE AS_OF`` and
``python -m tests.load_crawl loop PORT FEEDS PATH``. A process of its own, so that CPU time and
peak memory are those of the work: the parser processes have ended when they are read.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.load_server import address


def url_of(number: int, port: int, path: str) -> str:
    return f"http://{address(number)}:{port}/{path}/{number}.xml"


def crawl_once(port: int, feeds: int, path: str, database: str, as_of: str) -> Any:
    from crawler.run import crawl
    from crawler.settings import CrawlSettings
    from crawler.worker import close_pools
    from store import Store
    from store.records import Source

    sources = [
        Source(
            id=f"outlet-{number:04d}",
            kind="feed",
            url=url_of(number, port, path),
            full_text=path == "teasers",
        )
        for number in range(feeds)
    ]
    settings = CrawlSettings(allow_addresses=("127.0.0.0/8",), host_interval_s=0.0)
    now = datetime.fromisoformat(as_of)
    with Store.open(Path(database), create=True) as store:
        report = crawl(store, sources, now=now, settings=settings)
    close_pools()
    return {**report.counts, "failures": report.failures}


def bare_loop(port: int, feeds: int, path: str) -> Any:
    import feedparser
    import httpx2

    async def ask() -> int:
        entries = 0
        async with httpx2.AsyncClient(trust_env=False) as client:
            for number in range(feeds):
                answer = await client.get(url_of(number, port, path))
                entries += len(feedparser.parse(answer.content).entries)
        return entries

    return {"entries": asyncio.run(ask())}


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """Return what work gives, with seconds of wall clock and CPU, and MiB of peak memory."""
    started, before = time.perf_counter(), _cpu()
    found = work()
    seconds, cpu = time.perf_counter() - started, _cpu() - before
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # Of the largest parser process; two of them run at once.
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {**found, "wall_s": seconds, "cpu_s": cpu, "memory_mib": own + 2 * child}


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run(*arguments: object) -> dict[str, Any]:
    """Run this module in a process of its own and return its figures."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.load_crawl", *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    figures: dict[str, Any] = json.loads(finished.stdout)
    return figures


if __name__ == "__main__":
    kind, port, feeds, *rest = sys.argv[1:]
    work = crawl_once if kind == "crawl" else bare_loop
    print(json.dumps(measured(lambda: work(int(port), int(feeds), *rest))))
