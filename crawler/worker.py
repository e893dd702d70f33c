"""Parser processes with a cap on memory and on time; each is killed and replaced alone.

A process runs ``python -m crawler.worker``, reads jobs on standard input and answers in JSON on
standard output. It inherits no environment but the import path, so it holds no secret, and
what it says is never unpickled: a parser that was taken over can only lie about a feed.
A pool of ``concurrent.futures`` would break as a whole when one process dies.
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from crawler.discover import PageLinks, links_from_json, links_to_json, parse_links
from crawler.errors import FeedParseError
from crawler.parsed import (
    ParsedFeed,
    ParsedPage,
    feed_from_json,
    feed_to_json,
    page_from_json,
    page_to_json,
)
from crawler.settings import Limits

RECYCLE_AFTER = 500
_LENGTHS = struct.Struct("!II")
_LENGTH = struct.Struct("!I")
_MAX_ANSWER = 256 * 2**20


class Worker:
    """One parser process, started when it is first needed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._done = 0

    def call(self, job: dict[str, Any], body: bytes) -> dict[str, Any]:
        """Return the answer to a job.

        Raises
        ------
        FeedParseError
            ``poison`` when the process died or had to be killed over this body.
        """
        if self._done >= RECYCLE_AFTER:
            self.close()
        process = self._process or self._start()
        killer = threading.Timer(self._limits.parse_s, process.kill)
        killer.daemon = True
        killer.start()
        try:
            answer = _exchange(process, job, body)
        except (OSError, EOFError, struct.error, ValueError) as error:
            self._discard(process)
            raise FeedParseError(
                "the parser process died over this body or ran longer than"
                f" {self._limits.parse_s:g} s; it was not read",
                "poison",
            ) from error
        finally:
            killer.cancel()
        self._done += 1
        if answer.get("outcome") == "poison":
            # Out of memory: whatever the process still holds, it is not to be trusted.
            self._discard(process)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parent.parent)
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LANG") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crawler.worker", str(self._limits.parse_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])},
        )
        self._done = 0
        return self._process

    def _discard(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        self._close_pipes(process)
        process.wait()
        self._process = None

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None:
            process, self._process = self._process, None
            self._close_pipes(process)
            try:
                process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @staticmethod
    def _close_pipes(process: subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # bytes that a dead process will not read


class ParserPool:
    """A few parser processes behind one asynchronous method."""

    def __init__(self, limits: Limits, workers: int) -> None:
        self._idle = [Worker(limits) for _ in range(workers)]
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="parse")
        self._lock = threading.Lock()

    async def feed(
        self, parser: str, body: bytes, content_type: str, url: str, wanted: str = ""
    ) -> ParsedFeed:
        """Return the items of a body.

        Parameters
        ----------
        parser : str
            ``feed``, ``index``, ``gdelt``, or the name of a platform in ``crawler/social``.
        wanted : str
            Which records a bulk file is read for; the others ignore it.

        Raises
        ------
        FeedParseError
            When the parser refuses the body, or died over it.
        """
        return feed_from_json(await self._parse(parser, body, content_type, url, wanted))

    async def page(self, body: bytes, content_type: str, url: str) -> ParsedPage:
        """Return the main text of a page; raises as :meth:`feed` does."""
        return page_from_json(await self._parse("page", body, content_type, url))

    async def links(self, body: bytes, content_type: str, url: str) -> PageLinks:
        """Return the feeds that a page links; raises as :meth:`feed` does."""
        return links_from_json(await self._parse("links", body, content_type, url))

    async def _parse(
        self, parser: str, body: bytes, content_type: str, url: str, wanted: str = ""
    ) -> dict[str, Any]:
        import asyncio

        job = {"parser": parser, "content_type": content_type, "url": url, "wanted": wanted}
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._call, job, body
        )
        if "value" not in answer:
            raise FeedParseError(str(answer["message"]), answer["outcome"])
        value: dict[str, Any] = answer["value"]
        return value

    def _call(self, job: dict[str, Any], body: bytes) -> dict[str, Any]:
        with self._lock:
            # As many threads as workers, so one is always idle; the warm one comes first.
            worker = self._idle.pop()
        try:
            return worker.call(job, body)
        finally:
            with self._lock:
                self._idle.append(worker)

    def close(self) -> None:
        """End all processes."""
        self._threads.shutdown()
        for worker in self._idle:
            worker.close()


_POOLS: dict[tuple[Limits, int], ParserPool] = {}


def shared_pool(limits: Limits, workers: int) -> ParserPool:
    """Return a pool that outlives one crawl: starting a process costs more than a feed."""
    key = (limits, workers)
    if key not in _POOLS:
        _POOLS[key] = ParserPool(limits, workers)
    return _POOLS[key]


def close_pools() -> None:
    """End the processes of every shared pool."""
    while _POOLS:
        _POOLS.popitem()[1].close()


atexit.register(close_pools)


def _exchange(process: subprocess.Popen[bytes], job: dict[str, Any], body: bytes) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise EOFError("the process has no pipes")
    head = json.dumps(job).encode()
    process.stdin.write(_LENGTHS.pack(len(head), len(body)) + head + body)
    process.stdin.flush()
    (length,) = _LENGTH.unpack(_read(process.stdout, _LENGTH.size))
    if length > _MAX_ANSWER:
        raise ValueError("the answer is too long")
    answer: dict[str, Any] = json.loads(_read(process.stdout, length))
    return answer


def _read(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


# -- the other side of the pipe ------------------------------------------------------


def parse(job: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the answer to a job: a value, or an outcome and a message."""
    try:
        return {"value": _parse_value(job, body)}
    except FeedParseError as error:
        return {"outcome": error.outcome, "message": str(error)}
    except (MemoryError, RecursionError) as error:
        return {"outcome": "poison", "message": f"the parser ran out of {type(error).__name__}"}
    except Exception as error:  # the border of one item: parsers fail in every way there is
        return {"outcome": "not_a_feed", "message": f"{type(error).__name__}: {error}"[:300]}


def _parse_value(job: dict[str, Any], body: bytes) -> dict[str, Any]:
    content_type, url = job["content_type"], job["url"]
    match job["parser"]:
        case "page":
            from crawler.extract import parse_page

            return page_to_json(parse_page(body, content_type=content_type, url=url))
        case "links":
            return links_to_json(parse_links(body, url=url))
        case "feed":
            from crawler.feeds import parse_feed

            return feed_to_json(parse_feed(body, content_type=content_type, url=url))
        case "index":
            from crawler.indexes import parse_index

            return feed_to_json(parse_index(body, content_type=content_type, url=url))
        case "gdelt":
            from crawler.gkg import parse_records

            return feed_to_json(parse_records(body, url=url, wanted=job["wanted"]))
        case platform:
            from crawler.social import PLATFORMS

            return feed_to_json(PLATFORMS[platform].parse(body, url))


def limit_memory(cap_bytes: int) -> bool:
    """Cap the address space of this process; return whether the system can.

    Where it cannot (Windows, macOS), the time limit alone bounds a hostile body.
    """
    try:
        import resource
    except ImportError:
        return False
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = cap_bytes if hard == resource.RLIM_INFINITY else min(cap_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    """Answer jobs until standard input ends."""
    limit_memory(int(sys.argv[1]))
    # Whatever a library prints must not land among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs = sys.stdin.buffer
    while len(lengths := jobs.read(_LENGTHS.size)) == _LENGTHS.size:
        head, size = _LENGTHS.unpack(lengths)
        job = json.loads(jobs.read(head))
        answer = json.dumps(parse(job, jobs.read(size))).encode()
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
