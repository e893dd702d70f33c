"""An index of speeches on a loopback server, and the nights on which it is crawled."""

from datetime import UTC, datetime, timedelta

from crawler.run import crawl
from store import Store
from store.records import Source
from tests.server import Answer, LocalServer

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
HTML = {"Content-Type": "text/html; charset=utf-8"}
WORDS = (
    "The committee kept the policy rate where it was and said that inflation had eased, while"
    " the balance sheet will go on to shrink at the pace that was set out in the summer."
)


def html(body: str, head: str = "") -> Answer:
    page = f"<!doctype html><html lang='en-GB'><head>{head}</head><body>{body}</body></html>"
    return Answer(200, page.encode(), HTML)


def index(*names: str) -> Answer:
    cards = "".join(
        f'<li><h3><a href="/s/{name}">Speech {name} on the outlook</a></h3><p>29 Jan</p></li>'
        for name in names
    )
    return html(
        "<header><a href='/home/of/site'>Welcome to our own home</a></header>"
        "<nav><a href='/nav'>All of the bank's departments</a></nav>"
        f"<main><h1>Speeches</h1><ul>{cards}</ul></main>"
        "<footer><a href='/legal'>Terms of use and privacy</a></footer>"
    )


def article(name: str, day: str | None = "2026-01-29") -> Answer:
    head = f'<meta property="article:published_time" content="{day}T09:00:00Z">' if day else ""
    text = f"<p>{WORDS}</p><p>In speech {name} the governor spoke of {name} and of funding.</p>"
    return html(f"<article><h1>Speech {name}</h1>{text}</article>", head)


def show(server: LocalServer, *names: str, day: str | None = "2026-01-29") -> None:
    server.answers["/speeches"] = index(*names)
    for name in names:
        server.answers.setdefault(f"/s/{name}", article(name, day))


def night(store: Store, server: LocalServer, nights: int = 0, **changes) -> dict[str, int]:
    source = Source(id="bank", kind="page", url=f"{server.url}/speeches", **changes)
    now = NOW + nights * NIGHT
    report = crawl(store, [source], now=now, settings=server.settings(), only_due=False)
    return {**report.counts, "failures": report.failures}


def rows(store, sql):
    return store.db.execute(sql).fetchall()
