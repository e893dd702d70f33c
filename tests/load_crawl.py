"""One measured process: a crawl, or what a user would write instead. Prints its figures as JSON.

``python -m tests.load_crawl crawl PORT FEEDS PATH DATABASE AS_OF`` and
``python -m tests.load_crawl loop PORT FEEDS PATH``. A process of its own, so that CPU time and
peak memory are those of the work: the parser processes have ended when they are read. The time to
start Python and import is in neither.
"""

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import httpx2

from crawler.run import crawl
from crawler.settings import CrawlSettings
from crawler.worker import close_pools
from store import Store
from store.records import Document, Source
from tests.load_server import address, paragraphs


def url_of(number: int, port: int, path: str) -> str:
    return f"http://{address(number)}:{port}/{path}/{number}.xml"


def sources_of(port: int, feeds: int, path: str) -> list[Source]:
    return [
        Source(
            id=f"outlet-{number:04d}",
            kind="feed",
            url=url_of(number, port, path),
            full_text=path == "teasers",
        )
        for number in range(feeds)
    ]


def crawl_once(port: int, feeds: int, path: str, database: str, as_of: str) -> Any:
    settings = CrawlSettings(allow_addresses=("127.0.0.0/8",), host_interval_s=0.0)
    now = datetime.fromisoformat(as_of)
    with Store.open(Path(database), create=True) as store:
        report = crawl(store, sources_of(port, feeds, path), now=now, settings=settings)
        stored = store.documents.count()
    parsers = sum(map(peak_mib, _children()))
    close_pools()
    counts = {**report.counts, "failures": report.failures, "stored": stored}
    return {**counts, "parsers_mib": parsers}


def fill(port: int, feeds: int, path: str, database: str, as_of: str) -> Any:
    """Store 300 documents of each outlet, one for each of the nights before."""
    now = datetime.fromisoformat(as_of)
    with Store.open(Path(database), create=True) as store:
        store.sources.sync(sources_of(port, feeds, path))
        run_id = store.runs.begin("crawl", now=now - timedelta(days=300)).id
        for number in range(feeds):
            chance = random.Random(number)
            store.documents.add(
                [_older(number, night, now, chance) for night in range(1, 301)], run_id
            )
        store.db.execute("UPDATE runs SET status = 'done'")
        store.db.conn.commit()
    return {}


def _older(number: int, night: int, now: datetime, chance: random.Random) -> Document:
    at = now - timedelta(days=night)
    text = "\n\n".join(paragraphs(chance, 150))
    return Document(
        id=f"{number:08x}{night:08x}",
        source_id=f"outlet-{number:04d}",
        guid=f"old-{night}",
        entry_key=f"old-{night}",
        url=f"https://old.example/{number}/{night}",
        canonical_url=f"https://old.example/{number}/{night}",
        title=f"Night {night} of outlet {number}",
        text=text,
        author=None,
        language="en",
        published_at=at,
        first_seen_at=at,
        effective_at=at,
        date_source="feed",
        content_hash=f"{number:016x}{night:016x}",
    )


def bare_loop(port: int, feeds: int, path: str) -> Any:
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
    memory = peak_mib("self") + found.get("parsers_mib", 0)
    return {**found, "wall_s": seconds, "cpu_s": cpu, "memory_mib": memory}


def peak_mib(process: str) -> float:
    """Return the most memory that a process has held; not what ``getrusage`` says.

    That counts what the process was forked from, too.
    """
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _children() -> list[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return [child for children in lists for child in children.read_text().split()]


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
    modes: dict[str, Callable[..., Any]] = {"crawl": crawl_once, "fill": fill, "loop": bare_loop}
    work = modes[kind]
    print(json.dumps(measured(lambda: work(int(port), int(feeds), *rest))))
