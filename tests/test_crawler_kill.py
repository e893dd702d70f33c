"""A crawl that is killed at any moment, then run again, ends where an undisturbed one ends."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.run import crawl, import_documents, import_prices
from store import Store
from store.records import Source
from tests.load_server import address, outlets
from tests.server import Answer, rss, serve

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
FEEDS = 60
AS_OF = "2026-01-30T22:30:00Z"
ROOT = Path(__file__).parents[1]
# What two runs do not share: under which run a row was written, how long the network took, and
# the order in which sources answered, which is all that `number` says (it keys the search index).
_ALIKE = """
UPDATE documents SET run_id = 'run', number = -number;
UPDATE documents SET number = (SELECT count(*) FROM documents o WHERE o.id <= documents.id);
UPDATE fetches SET run_id = 'run', seconds = 0;
UPDATE failures SET run_id = 'run';
DELETE FROM runs;
"""


@dataclass(frozen=True)
class World:
    """A settings file for a server that runs, and what a crawl of it leaves behind."""

    settings: Path
    dump: str
    seconds: float


def settings_for(port: int) -> str:
    sources = "".join(
        f'[[source]]\nid = "outlet-{number:02d}"\nkind = "feed"\nfull_text = false\n'
        f'url = "http://{address(number)}:{port}/mixed/{number}.xml"\n'
        for number in range(FEEDS)
    )
    return f'[crawler]\nallow_addresses = ["127.0.0.0/8"]\nhost_interval_s = 0.0\n{sources}'


def start(world: Path, database: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "api", "crawl", str(database), "--config", str(world)]
    return subprocess.Popen(
        [*command, "--as-of", AS_OF],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def to_the_end(world: Path, database: Path) -> None:
    with start(world, database) as process:
        _, errors = process.communicate(timeout=120)
    # 3: a few of the outlets fail, as they are meant to.
    assert process.returncode in {0, 3}, errors.decode()


def kill_at(world: Path, database: Path, asked: int, seconds: float) -> None:
    """Kill a crawl some time after it stored what so many sources answered.

    Counted in sources, not from the start: how long a start takes depends on the machine.
    """
    with start(world, database) as process:
        while asked and progress_of(database)[0] < asked and process.poll() is None:
            time.sleep(0.002)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()


def what_is_stored(database: Path) -> str:
    """Return the dump of a copy in which the few columns that must differ are alike."""
    with closing(sqlite3.connect(database)) as stored, closing(sqlite3.connect(":memory:")) as copy:
        stored.backup(copy)
        for trigger in ("ai", "ad", "au"):
            copy.execute(f"DROP TRIGGER documents_{trigger}")
        copy.execute("DROP TABLE documents_fts")
        copy.executescript(_ALIKE)
        # In the order of keys: that in which sources answered is no part of what is known.
        return "\n".join(
            [
                row[0]
                for row in copy.execute("SELECT sql FROM sqlite_master ORDER BY name")
                if row[0]
            ]
            + [
                f"{table}: {row}"
                for (table,) in copy.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE"
                    " 'sqlite%' AND name NOT LIKE '%migrations' ORDER BY name"
                ).fetchall()
                for row in sorted(map(repr, copy.execute(f"SELECT * FROM {table}")))
            ]
        )


def progress_of(database: Path) -> tuple[int, list[str]]:
    """Return how many sources were asked, and how the crawls ended."""
    if not database.exists():
        return 0, []
    # A killed writer leaves a hot journal, which a reader must be allowed to roll back.
    with closing(sqlite3.connect(database)) as db:
        try:
            (asked,) = db.execute("SELECT count(DISTINCT source_id) FROM fetches").fetchone()
            return asked, [row[0] for row in db.execute("SELECT status FROM runs ORDER BY rowid")]
        except sqlite3.OperationalError:  # killed before the schema was there
            return 0, []


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    with outlets() as port:
        settings = folder / "tapestory.toml"
        settings.write_text(settings_for(port), encoding="utf-8")
        to_the_end(settings, folder / "first.db")  # the server makes its bodies
        started = time.perf_counter()
        to_the_end(settings, folder / "whole.db")
        seconds = time.perf_counter() - started
        dump = what_is_stored(folder / "whole.db")
        assert dump == what_is_stored(folder / "first.db")
        assert dump.count("\ndocuments: ") > 9 * FEEDS * 0.9
        yield World(settings, dump, seconds)


def kill_and_resume(world: World, folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill crawls at moments drawn at random, resume each, and count what the kills hit.

    Every fourth comes before the first source, the others after a number of sources that is
    drawn; both a little later, by a time that is drawn, too. One that came after the end is no
    kill.
    """
    chance = random.Random(seed)
    hit = {"before": 0, "during": 0, "copies": 0, "after": 0}
    while (done := sum(hit.values()) - hit["after"]) < kills:
        database = folder / f"{seed}-{sum(hit.values())}.db"
        asked = chance.randrange(1, FEEDS + 1) if done % 4 else 0
        delay = chance.uniform(0.0, 0.05 if asked else 0.3) * world.seconds
        kill_at(world.settings, database, asked, delay)
        stored, statuses = progress_of(database)
        ended = statuses == ["done"]
        where = (
            "after" if ended else "copies" if stored == FEEDS else "during" if stored else "before"
        )
        hit[where] += 1
        assert hit["after"] <= 2 * kills
        if where == "after":
            continue
        to_the_end(world.settings, database)
        with Store.open(database) as store:
            assert store.check() == []
        assert what_is_stored(database) == world.dump, f"kill after {asked} + {delay:.3f} s"
        _, statuses = progress_of(database)
        assert statuses in (["done"], ["crashed", "done"])
        database.unlink()
    return hit


def test_a_killed_crawl_resumes_to_the_same_database(world, tmp_path):
    hit = kill_and_resume(world, tmp_path, kills=8, seed=1)
    assert hit["during"] >= 2


@pytest.mark.benchmark
def test_forty_kills_at_random_moments(world, tmp_path):
    hit = kill_and_resume(world, tmp_path, kills=40, seed=2)
    print(f"\n40 kills of a crawl of {FEEDS} feeds, each resumed to the same dump: {hit}")
    assert hit["during"] >= 15


class KilledError(BaseException):
    """Ends a run where it stands, as a signal would: nothing catches it."""


def killed(*_: object) -> None:
    raise KilledError


def test_copies_that_a_killed_crawl_did_not_look_for_are_found_by_the_next(tmp_path, monkeypatch):
    now = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
    text = " ".join(f"word{number}" for number in range(60))
    pages = {f"/{name}": Answer(200, rss((name, f"title of {name}", text))) for name in "ab"}
    with serve(pages) as server, Store.open(tmp_path / "t.db", create=True) as store:
        sources = [
            Source(id=n, kind="feed", url=f"{server.url}/{n}", full_text=False) for n in "ab"
        ]
        monkeypatch.setattr("crawler.run.mark_duplicates", killed)
        with pytest.raises(KilledError):
            crawl(store, sources, now=now, settings=server.settings())
        monkeypatch.undo()
        later = now + timedelta(minutes=1)
        report = crawl(store, sources, now=later, settings=server.settings())
        assert report.counts == {
            "asked": 0,
            "new": 0,
            "revised": 0,
            "withdrawn": 0,
            "duplicates": 1,
        }
        statuses = "SELECT status FROM runs ORDER BY rowid"
        assert [row[0] for row in store.db.execute(statuses)] == ["crashed", "done"]
        crawl(store, sources, now=later, settings=server.settings())
        assert len(store.db.execute(statuses).fetchall()) == 2


@pytest.mark.parametrize("is_between", [False, True], ids=["at once", "prices in between"])
def test_copies_that_a_killed_import_did_not_look_for_are_found_by_the_next(
    tmp_path, monkeypatch, is_between
):
    now = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
    text = " ".join(f"word{number}" for number in range(60))
    path = tmp_path / "archive.jsonl"
    rows = [
        {"title": f"title {n}", "text": text, "url": f"https://{n}.example/", "source": n,
         "published_at": f"2024-01-0{day}"}
        for day, n in enumerate("ab", start=1)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with Store.open(tmp_path / "t.db", create=True) as store:
        monkeypatch.setattr("crawler.archives.run.mark_duplicates", killed)
        with pytest.raises(KilledError):
            import_documents(store, [path], now=now)
        monkeypatch.undo()
        if is_between:
            prices = tmp_path / "closes.csv"
            prices.write_text("asset,date,close\nSPY,2026-01-30,691.97\n", encoding="utf-8")
            report = import_prices(store, [prices], now=now)
            assert (report.stage, report.counts["new"]) == ("prices", 1)
        assert import_documents(store, [path], now=now).counts["duplicates"] == 1
        assert import_documents(store, [path], now=now).counts["duplicates"] == 0
