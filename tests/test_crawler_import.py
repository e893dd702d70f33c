import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.errors import ImportFormatError
from crawler.run import import_documents, import_prices

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
DOCUMENT = {
    "title": "Gold falls",
    "text": "It fell.",
    "url": "https://a.example/1",
    "published_at": "2026-01-30T14:05:00Z",
    "source": "Outlet A",
}
CSV_HEAD = "title,text,url,published_at,source\n"
TABLES = ("documents", "revisions", "sources", "prices", "assets", "failures", "runs")


def rows(store, sql):
    return [tuple(row) for row in store.db.execute(sql)]


def everything(store):
    return {table: rows(store, f"SELECT * FROM {table}") for table in TABLES}


def jsonl(path: Path, *records: object) -> Path:
    lines = (
        line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in records
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def failures(store):
    return rows(store, "SELECT item, kind FROM failures ORDER BY rowid")


def test_an_archive_counts_from_the_stated_date(store, tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {**DOCUMENT, "author": "Ann", "lang": "en-US"},
        {
            **DOCUMENT,
            "url": "https://a.example/2",
            "title": "seen later",
            "first_seen_at": "2026-02-01T09:00:00Z",
        },
        {
            **DOCUMENT,
            "url": "https://a.example/3",
            "title": "a day",
            "published_at": "2026-01-30",
            "lang": "English",
        },
        {
            **DOCUMENT,
            "url": None,
            "text": "",
            "title": "a headline",
            "published_at": "1987-10-19T21:00:00Z",
        },
    )
    report = import_documents(store, [path], now=NOW)
    assert report.counts == {"new": 4, "revised": 0, "duplicates": 0, "sources": 1}
    assert report.failures == 0
    found = rows(
        store,
        "SELECT title, effective_at, date_source, source_id, author, language FROM documents"
        " ORDER BY title",
    )
    assert found == [
        ("Gold falls", "2026-01-30T14:05:00Z", "import", "outlet-a", "Ann", "en"),
        ("a day", "2026-01-30T23:59:59Z", "import", "outlet-a", None, None),
        ("a headline", "1987-10-19T21:00:00Z", "import", "outlet-a", None, None),
        ("seen later", "2026-02-01T09:00:00Z", "import", "outlet-a", None, None),
    ]
    assert rows(store, "SELECT id, kind, name FROM sources") == [("outlet-a", "import", "Outlet A")]


def test_one_address_is_one_document_and_a_new_title_a_revision(store, tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        DOCUMENT,
        {**DOCUMENT, "text": "the same title again", "url": "https://A.example:443/1?utm_source=x"},
        {**DOCUMENT, "title": "Gold collapses"},
        {**DOCUMENT, "title": "Gold collapses", "source": "Aggregator"},
        {**DOCUMENT, "title": "Gold is down"},
    )
    report = import_documents(store, [path], now=NOW)
    assert (report.counts["new"], report.counts["revised"]) == (1, 2)
    assert rows(store, "SELECT title FROM documents") == [("Gold is down",)]
    assert rows(store, "SELECT title FROM revisions ORDER BY seen_at") == [
        ("Gold falls",),
        ("Gold collapses",),
    ]
    before = everything(store)
    report = import_documents(store, [path], now=NOW)
    assert everything(store) == before
    assert set(report.counts.values()) == {0}
    assert any("known already" in note for note in report.notes)


def test_bad_rows_are_named_and_good_rows_kept(store, tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {**DOCUMENT, "published_at": "yesterday"},
        {**DOCUMENT, "published_at": "2026-02-31"},
        {**DOCUMENT, "published_at": "2099-01-01T00:00:00Z"},
        {**DOCUMENT, "published_at": None},
        {**DOCUMENT, "title": "", "text": " "},
        {**DOCUMENT, "text": "x" * 10_000_000},
        '{"title": "cut off',
        "[1, 2]",
        "[" * 100_000,
        {**DOCUMENT, "title": ["a", "list"]},
        DOCUMENT,
    )
    report = import_documents(store, [path], now=NOW)
    assert report.counts["new"] == 1
    assert report.failures == 10
    kinds = ["date"] * 4 + ["missing", "cell_too_large", "json", "json", "json", "type"]
    assert failures(store) == [(f"a.jsonl:{line}", kind) for line, kind in enumerate(kinds, 1)]
    assert rows(store, "SELECT code FROM runs") == [(3,)]
    before = everything(store)
    again = import_documents(store, [path], now=NOW)
    assert everything(store) == before
    assert again.failures == 10


def test_csv(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbfTitle,URL,published_at,source,mood\n"
        b'"Gold, silver\nfall",https://a.example/1,2026-01-30,A,bad\n'
        b"ca\xff\xfe,https://a.example/2,2026-01-30,A,bad\n"
        b"too,https://a.example/3,2026-01-30,A,bad,many\n"
        + b"x"
        * 10_000_000
        + b",https://a.example/4,2026-01-30,A,bad\n"
        b"fine,https://a.example/5,2026-01-30,,bad\n"
    )
    report = import_documents(store, [path], now=NOW)
    assert rows(store, "SELECT title, source_id FROM documents ORDER BY title") == [
        ("Gold, silver fall", "a"),
        ("fine", "a-example"),
    ]
    assert failures(store) == [
        ("a.csv:4", "encoding"),
        ("a.csv:5", "columns"),
        ("a.csv:6", "cell_too_large"),
    ]
    ((message,),) = rows(store, "SELECT message FROM failures WHERE kind = 'encoding'")
    assert message == f"not UTF-8 at byte {path.read_bytes().index(bytes([255]))} of the file"
    assert report.notes[0] == "a.csv: columns not used: mood"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"title,text,url\nx,y,z\n", "no column published_at, source"),
        ("a.jsonl", b'{"title": "x", "url": "y", "published_at": "z"}\n', "no column source"),
        ("a.csv", (CSV_HEAD + "a,b,c,d,e\n").encode("utf-16"), "not UTF-8 at byte 0"),
        ("a.csv", b"title;text;url;published_at;source\n", "separated by commas"),
        (
            "a.csv",
            "t\u00eftle,text,url,published_at,source\n".encode("latin-1"),
            "header is not UTF-8 at byte 1",
        ),
        ("a.csv", b"", "empty"),
        ("a.parquet", b"not parquet at all", "no Parquet file"),
        ("a.xlsx", b"PK", "can be imported"),
        ("a.csv", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(store, tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImportFormatError, match=message):
        import_documents(store, [path], now=NOW)
    assert rows(store, "SELECT count(*) FROM documents") == [(0,)]


def test_copies_in_an_archive_are_one_story(store, tmp_path):
    story = " ".join(f"word{number}" for number in range(60))
    path = jsonl(
        tmp_path / "a.jsonl",
        {**DOCUMENT, "text": story},
        {
            **DOCUMENT,
            "text": f"{story} more",
            "url": "https://b.example/9",
            "title": "Copy",
            "source": "B",
            "published_at": "2026-01-31T10:00:00Z",
        },
        {
            **DOCUMENT,
            "text": story,
            "url": "https://c.example/9",
            "title": "Later",
            "source": "C",
            "published_at": "2026-03-31T10:00:00Z",
        },
    )
    assert import_documents(store, [path], now=NOW).counts["duplicates"] == 1


def test_a_flood_of_bad_rows_is_counted_not_stored(store, tmp_path):
    path = jsonl(tmp_path / "a.jsonl", *[{**DOCUMENT, "published_at": "?"}] * 1200, DOCUMENT)
    report = import_documents(store, [path], now=NOW)
    assert (report.failures, report.counts["new"]) == (1200, 1)
    assert rows(store, "SELECT count(*) FROM failures") == [(1001,)]


def test_names_of_sources_become_ids(store, tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {**DOCUMENT, "source": "www.CNBC.com"},
        {**DOCUMENT, "source": "江岸财经", "url": "https://b.example/2", "title": "b"},
        {**DOCUMENT, "source": "../../etc/passwd", "url": "https://b.example/3", "title": "c"},
    )
    import_documents(store, [path], now=NOW)
    ids = [row[0] for row in rows(store, "SELECT id FROM sources ORDER BY id")]
    assert ids[0] == "etc-passwd"
    assert ids[1].startswith("import-")
    assert ids[2] == "www-cnbc-com"


# -- prices -------------------------------------------------------------------------


def test_prices_in_either_long_form(store, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "fred.csv"
    first.write_text(
        "asset,date,close,volume,as_of,source\nSPY,2026-01-30,691.97,1000,,x\n"
        "BTC,2026-01-30,84128.66,,2026-01-31T00:00:00Z,x\n"
    )
    second.write_text(
        "series,date,value\nDGS10,2026-01-30,4.26\nDGS10,2026-01-31,.\nSOFR,2026-01-30,3.68\n"
    )
    report = import_prices(store, [first, second], now=NOW)
    assert report.counts == {"new": 4, "revised": 0, "assets": 4}
    assert report.failures == 0
    assert rows(
        store, "SELECT asset_id, close, volume, as_of, known_at FROM prices ORDER BY asset_id"
    ) == [
        ("BTC", 84128.66, None, "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        ("DGS10", 4.26, None, "2026-01-30T20:30:00Z", "2026-01-30T23:00:00Z"),
        ("SOFR", 3.68, None, "2026-01-30T21:00:00Z", "2026-02-02T13:00:00Z"),
        ("SPY", 691.97, 1000.0, "2026-01-30T21:00:00Z", "2026-01-30T21:00:00Z"),
    ]
    assert rows(store, "SELECT count(*) FROM assets WHERE listed") == [(0,)]
    assert "guessed for 4 unlisted assets" in " ".join(report.notes)
    before = everything(store)
    import_prices(store, [first, second], now=NOW)
    assert everything(store) == before


def test_bad_prices_are_named_and_good_ones_kept(store, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(
        "asset,date,close\nSPY,2026-01-30,abc\nSPY,30.01.2026,1\nSPY,2030-01-01,1\nSPY,2026-01-29,-5\n"
        "SPY,2026-01-28,1e400\nSPY,2026-01-27,\n,2026-01-27,1\nSPY,2026-01-26,600\nSPY,2026-01-26,601\n"
        "SPY,2026-01-26,600\n"
    )
    report = import_prices(store, [path], now=NOW)
    assert report.counts["new"] == 1
    assert failures(store) == [
        ("p.csv:2", "value"),
        ("p.csv:3", "date"),
        ("p.csv:4", "date"),
        ("p.csv:5", "value"),
        ("p.csv:6", "value"),
        ("p.csv:8", "missing"),
        ("p.csv:10", "conflict"),
    ]
    for table in ("runs", "failures"):
        assert rows(store, f"SELECT DISTINCT stage FROM {table}") == [("prices",)]
    before = everything(store)
    import_prices(store, [path], now=NOW)
    assert everything(store) == before


def test_prices_from_parquet_with_real_dates(store, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table(
        {
            "asset": ["SPY", "SPY"],
            "date": [date(2026, 1, 29), date(2026, 1, 30)],
            "close": [694.04, 691.97],
        }
    )
    parquet.write_table(table, tmp_path / "p.parquet")
    assert import_prices(store, [tmp_path / "p.parquet"], now=NOW).counts["new"] == 2


def test_a_second_file_revises_the_first_from_now_on(store, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("asset,date,close\nSPY,2026-01-30,691.97\n")
    second.write_text("asset,date,close\nSPY,2026-01-30,692.00\nSPY,2020-01-30,300\n")
    import_prices(store, [first], now=NOW)
    assert import_prices(store, [second], now=NOW).counts == {"new": 1, "revised": 1, "assets": 0}
    assert rows(store, "SELECT date, close, known_at FROM prices ORDER BY known_at") == [
        ("2020-01-30", 300.0, "2020-01-30T21:00:00Z"),
        ("2026-01-30", 691.97, "2026-01-30T21:00:00Z"),
        ("2026-01-30", 692.0, "2026-11-22T00:00:00Z"),
    ]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data folder")
def test_the_real_archives(store):
    documents = import_documents(store, [SHARED / "text" / "headlines.parquet"], now=NOW)
    assert documents.counts["new"] > 21_000
    assert documents.seconds < 20
    files = [SHARED / "prices" / "closes.parquet", SHARED / "prices" / "fred.parquet"]
    prices = import_prices(store, files, now=NOW)
    assert prices.counts["new"] == 655_238
    assert prices.seconds < 60
