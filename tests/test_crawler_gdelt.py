"""GDELT's bulk files, against a server that behaves as GDELT's storage does."""

import base64
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from crawler import gdelt
from crawler.errors import FeedParseError
from crawler.gdelt import newest_of, runs_of
from crawler.gkg import parse_records, wanted_of
from crawler.run import crawl
from store.records import Source
from tests.server import Answer, LocalServer, serve

NEWEST = datetime(2026, 1, 30, 20, 30, tzinfo=UTC)
NOW = NEWEST + timedelta(minutes=10)
QUARTER = timedelta(minutes=15)
NIGHT = timedelta(days=1)
HANDLE = "ECON_CENTRALBANK,ECON_DEBT treasury 黄金"
NAME = "/20260130203000.gkg.csv.zip"


def record(number: int, at: datetime = NEWEST, **changes: str) -> list[str]:
    """Return a row of 27 columns about a central bank."""
    columns = [""] * 27
    columns[0] = f"{at:%Y%m%d%H%M%S}-{number}"
    columns[1] = f"{at:%Y%m%d%H%M%S}"
    columns[2] = "1"
    columns[3] = "desk.example"
    columns[4] = f"https://desk.example/{at:%H%M}/{number}"
    columns[7] = "TAX_FNCACT;ECON_CENTRALBANK;"
    columns[26] = f"<PAGE_TITLE>The Fed&#x2019;s day {number}</PAGE_TITLE>"
    for place, value in changes.items():
        columns[int(place.removeprefix("c"))] = value
    return columns


def packed(*rows: list[str], members: int = 1) -> bytes:
    table = "".join("\t".join(row) + "\n" for row in rows).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.gkg.csv", table)
    return made.getvalue()


def stored(body: bytes) -> Answer:
    """Return a file as Google's storage serves it."""
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    return Answer(200, body, {"x-goog-hash": f"crc32c=AAAAAA==, md5={digest}"})


def name(at: datetime, kind: str = ".gkg") -> str:
    return f"/{at:%Y%m%d%H%M%S}{kind}.csv.zip"


class Bulk:
    """Two records in every quarter of an hour; the list is of the newest."""

    def __init__(self, server: LocalServer, newest: datetime = NEWEST, files: int = 8) -> None:
        self.server = server
        for back in range(files):
            at = newest - back * QUARTER
            server.answers[name(at)] = stored(packed(record(0, at), record(1, at)))
        self.list(newest)

    def list(self, newest: datetime, digest: str | None = None, kind: str = ".gkg") -> None:
        file = self.server.answers[name(newest, kind)]
        assert isinstance(file, Answer)
        digest = digest or hashlib.md5(file.body, usedforsecurity=False).hexdigest()
        base = f"http://elsewhere.example/gdeltv2/{newest:%Y%m%d%H%M%S}"
        lines = f"61143 {'0' * 32} {base}.export.CSV.zip\n5123456 {digest} {base}{kind}.csv.zip\n"
        suffix = "-translation" if "translation" in kind else ""
        self.server.answers[f"/lastupdate{suffix}.txt"] = Answer(200, lines.encode(), {})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(gdelt, "FIRST_SIGHT", 8)
    monkeypatch.setattr(gdelt, "MAX_FILES", 12)
    with serve() as running:
        yield running


def night(store, server, now=NOW, **changes):
    source = Source(id="gdelt", kind="gdelt", url=server.url, handle=HANDLE)
    source = Source(**{**{n: getattr(source, n) for n in source.__slots__}, **changes})
    report = crawl(store, [source], now=now, settings=server.settings(), only_due=False)
    return {**report.counts, "failures": report.failures}


def rows(store, sql):
    return store.db.execute(sql).fetchall()


def files_asked(server):
    return [path for path, _ in server.requests if path.endswith(".zip")]


def cursor(store):
    return store.sources.states()["gdelt"].cursor


def test_the_first_night_reads_the_last_day_in_order(store, server):
    Bulk(server)
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (16, 0)
    assert files_asked(server) == [name(NEWEST - back * QUARTER) for back in range(7, -1, -1)]
    assert cursor(store) == "20260130203000"
    (found,) = rows(
        store,
        "SELECT guid, title, text, author, language, published_at, is_partial, url FROM documents"
        " WHERE guid = '20260130203000-1'",
    )
    assert found[1:7] == ("The Fed’s day 1", "", "desk.example", "en", "2026-01-30T20:30:00Z", 1)
    assert found[7] == "https://desk.example/2030/1"


def test_the_next_night_goes_on_and_a_repeated_run_changes_nothing(store, server):
    Bulk(server)
    night(store, server)
    server.requests.clear()
    assert night(store, server)["new"] == 0
    assert files_asked(server) == []
    Bulk(server, NEWEST + 2 * QUARTER, files=2)
    assert night(store, server, NOW + 2 * QUARTER)["new"] == 4
    assert len(files_asked(server)) == 2


def test_a_missing_file_is_a_hole_that_is_recorded_and_not_asked_for_again(store, server):
    Bulk(server)
    for back in (5, 6):
        del server.answers[name(NEWEST - back * QUARTER)]
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (12, 0)
    assert rows(store, "SELECT item, kind FROM failures") == [
        ("gdelt: 2026-01-30 19:00 to 2026-01-30 19:15 UTC", "gap")
    ]
    server.requests.clear()
    night(store, server)
    assert files_asked(server) == []


def test_a_late_file_is_waited_for(store, server):
    bulk = Bulk(server)
    late = name(NEWEST - QUARTER)
    body = server.answers.pop(late)
    assert night(store, server)["new"] == 12
    assert cursor(store) == "20260130200000"
    assert rows(store, "SELECT * FROM failures") == []
    server.answers[late] = body
    bulk.list(NEWEST)
    assert night(store, server, NOW + NIGHT / 2)["new"] == 4


def test_a_run_that_ends_while_it_writes_loses_nothing(store, server, monkeypatch):
    Bulk(server)

    class KilledError(Exception):
        pass

    def die(state):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(store.sources, "save_state", die)
        with pytest.raises(KilledError):
            night(store, server)
    assert store.documents.count() == 0
    assert cursor(store) is None
    assert night(store, server)["new"] == 16


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (packed(record(0))[:-30], "decode"),
        (packed(record(0)).replace(b"PK\x01\x02", b"PK\x09\x09"), "decode"),
        (b"<html>no zip</html>", "decode"),
        (packed(record(0), members=2), "not_a_feed"),
        (packed(["one", "two"], ["three"]), "not_a_feed"),
    ],
    ids=["short", "directory", "page", "members", "columns"],
)
def test_a_damaged_file_is_a_row_and_the_others_are_read(store, server, body, kind):
    Bulk(server)
    broken = name(NEWEST - 7 * QUARTER)
    server.answers[broken] = stored(body)
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (14, 1)
    assert rows(store, "SELECT item, kind FROM failures") == [(server.url + broken, kind)]


def test_a_bomb_is_refused(store, server):
    Bulk(server)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", bytes(48 * 2**20))
    server.answers[name(NEWEST - 7 * QUARTER)] = stored(made.getvalue())
    assert night(store, server)["new"] == 14
    assert rows(store, "SELECT kind FROM failures") == [("too_large",)]


def test_a_file_that_differs_from_its_sum_is_not_read(store, server):
    Bulk(server)
    old = server.answers[name(NEWEST - 7 * QUARTER)]
    assert isinstance(old, Answer)
    old.body = packed(record(7))
    assert night(store, server)["new"] == 14
    ((kind, message),) = rows(store, "SELECT kind, message FROM failures")
    assert kind == "decode"
    assert "MD5" in message


def test_a_newest_file_that_differs_from_the_list_is_read_later(store, server):
    bulk = Bulk(server)
    bulk.list(NEWEST, digest="f" * 32)
    assert night(store, server)["new"] == 14
    assert cursor(store) == "20260130201500"
    bulk.list(NEWEST)
    assert night(store, server)["new"] == 2


def test_a_server_in_trouble_keeps_what_came_and_is_gone_on_with(store, server):
    Bulk(server)
    broken = name(NEWEST - 3 * QUARTER)
    whole = server.answers[broken]
    server.answers[broken] = Answer(500)
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (8, 1)
    state = store.sources.states()["gdelt"]
    assert (state.cursor, state.errors) == ("20260130193000", 1)
    server.answers[broken] = whole
    assert night(store, server)["new"] == 8


def test_a_pause_is_obeyed(store, server):
    Bulk(server)
    asked = {"Retry-After": "7200"}
    server.answers[name(NEWEST - 3 * QUARTER)] = Answer(429, b"", asked)
    night(store, server)
    state = store.sources.states()["gdelt"]
    assert (state.status, state.next_due_at) == ("paused", NOW + timedelta(hours=2))


def test_more_files_than_are_read_at_once_are_passed_over_and_said(store, server):
    Bulk(server)
    night(store, server)
    Bulk(server, NEWEST + 20 * QUARTER, files=20)
    counts = night(store, server, NOW + 20 * QUARTER)
    assert (counts["new"], counts["failures"]) == (24, 1)
    assert rows(store, "SELECT item, kind FROM failures") == [
        ("gdelt: 2026-01-30 20:45 to 2026-01-30 22:30 UTC", "gap")
    ]


def test_too_many_records_wait_for_the_next_run(store, server, monkeypatch):
    monkeypatch.setattr(gdelt, "MAX_ITEMS", 5)
    Bulk(server)
    assert night(store, server)["new"] == 6
    assert night(store, server)["new"] == 6


def test_a_day_without_files_is_said_to_be_missing(store, server):
    Bulk(server)
    night(store, server)
    assert night(store, server, NOW + NIGHT)["failures"] == 0
    ((kind, message),) = rows(store, "SELECT kind, message FROM failures")
    assert kind == "gap"
    assert "nothing since 2026-01-30 20:30" in message


def test_another_language_is_read_from_the_translated_files(store, server):
    rows_of = [
        record(0, c25="srclc:zho;eng:Moses", c26="<PAGE_TITLE>黄金大跌</PAGE_TITLE>", c7=""),
        record(1, c25="srclc:fra;eng:Moses"),
    ]
    rows_of[0][0] = "20260130203000-T0"
    kind = ".translation.gkg"
    bulk = Bulk(server, files=1)
    for back in range(1, 8):
        server.answers[name(NEWEST - back * QUARTER, kind)] = stored(packed(record(3)))
    server.answers[name(NEWEST, kind)] = stored(packed(*rows_of))
    bulk.list(NEWEST, kind=kind)
    assert night(store, server, language="zh")["new"] == 1
    assert rows(store, "SELECT title, language FROM documents") == [("黄金大跌", "zh")]
    assert server.hits["/lastupdate.txt"] == 0


def test_a_source_without_a_handle_is_told_what_to_write(store, server):
    night(store, server, handle=None)
    ((kind, message),) = rows(store, "SELECT kind, message FROM failures")
    assert kind == "SourceError"
    assert "handle" in message
    assert not server.requests


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"1 " + b"a" * 32 + b" http://a.example/20260130203000.export.CSV.zip",
        b"1 " + b"a" * 32 + b" http://a.example/20270130203000.gkg.csv.zip",
        b"1 " + b"a" * 32 + b" http://a.example/20260130203100.gkg.csv.zip",
        b"1 " + b"a" * 32 + b" http://a.example/20260230203000.gkg.csv.zip",
    ],
)
def test_what_is_no_list_is_refused(body):
    with pytest.raises(FeedParseError):
        newest_of(body, NOW)


# -- the table ------------------------------------------------------------------------


def titles(*rows_of: list[str], wanted: str = f"en {HANDLE}") -> list[str]:
    feed = parse_records(packed(*rows_of), url=f"http://a.example{NAME}", wanted=wanted)
    return [item.title for item in feed.items]


def test_a_record_passes_by_theme_or_by_a_whole_word_of_its_title():
    def titled(text: str, themes: str = "") -> list[str]:
        return record(0, c7=themes, c26=f"<PAGE_TITLE>{text}</PAGE_TITLE>")

    assert titles(
        titled("Rates", "ECON_CENTRALBANK"),
        titled("Rates", "ECON_CENTRALBANKING"),
        titled("TREASURY sells"),
        titled("Treasuryman's day"),
        titled("今日黄金价格"),
        titled("Nothing"),
    ) == ["Rates", "TREASURY sells", "今日黄金价格"]
    placed = record(0, c7="", c8="ECON_DEBT,120;TAX_X,4")
    assert titles(placed) == ["The Fed’s day 0"]


def test_hostile_fields_are_cleaned_or_left_out():
    feed = parse_records(
        packed(
            record(0, c26="<PAGE_TITLE><script>x()</script>Gold\u202e up</PAGE_TITLE>"),
            record(1, c4="javascript:alert(1)"),
            record(2, c26="<PAGE_TITLE></PAGE_TITLE>"),
            record(3, c3="<b>desk</b>.example"),
            record(4, c0="' OR 1=1"),
            record(5, c2="2", c4="A citation"),
        ),
        url=f"http://a.example{NAME}",
        wanted=f"en {HANDLE}",
    )
    assert [item.title for item in feed.items] == ["Gold up", "The Fed’s day 3"]
    assert feed.items[1].author == "desk.example"
    assert list(feed.notes) == [
        "1 rows are damaged",
        "2 records that are asked for have no title or no address",
    ]


def test_rows_and_their_length_are_capped(monkeypatch):
    monkeypatch.setattr("crawler.gkg.MAX_ROWS", 3)
    with pytest.raises(FeedParseError, match="rows"):
        titles(*[record(number) for number in range(4)])
    monkeypatch.setattr("crawler.gkg._MAX_ROW", 2000)
    monkeypatch.setattr("crawler.gkg._CHUNK", 1000)
    with pytest.raises(FeedParseError, match="longer"):
        titles(record(0, c17="x" * 4000 + "".join(map(str, range(900)))))


def test_a_handle_names_themes_in_capitals_and_words():
    wanted = wanted_of("ECON_DEBT, fed  GOLD;c++")
    assert wanted.themes == {"ECON_DEBT", "GOLD"}
    assert wanted.words is not None
    assert wanted.words.search("On C++ today")
    assert not wanted.words.search("federal")


def test_stretches_of_missing_files_are_joined():
    times = [NEWEST, NEWEST + QUARTER, NEWEST + 5 * QUARTER]
    assert [len(run) for run in runs_of(times)] == [2, 1]
