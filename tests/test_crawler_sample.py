import csv
import itertools
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from crawler.run import crawl, fetch_prices
from crawler.sample import serve_sample
from crawler.sample.outlets import PAGE, outlets
from store import Store


def test_the_sample_is_as_large_and_as_varied_as_promised():
    pieces = [piece for outlet in outlets() for piece in outlet.pieces]
    assert len(outlets()) >= 12
    assert len(pieces) >= 150
    assert {outlet.format for outlet in outlets()} == {
        "rss",
        "atom",
        "jsonfeed",
        "mastodon",
        "bluesky",
    }
    assert {piece.language for piece in pieces} == {"en", "zh"}
    assert len({piece.guid for piece in pieces}) == len(pieces)


def test_no_night_brings_more_than_a_page():
    """Else the replay would lose what scrolled off, as a real nightly crawl would."""
    with serve_sample() as sample:
        nights = sample.nights
    for outlet in outlets():
        for before, night in itertools.pairwise(nights):
            fresh = [piece for piece in outlet.pieces if before < piece.published_at <= night]
            assert len(fresh) <= PAGE


def test_closes_are_there_for_every_asset():
    with serve_sample() as sample:
        with (sample.base_dir / "closes.csv").open() as handle:
            rows = list(csv.DictReader(handle))
        assets = [asset for asset in sample.assets if asset.source.startswith("csv:")]
    assert len(assets) >= 14
    for asset in assets:
        days = [row["date"] for row in rows if row["asset"] == asset.id]
        assert len(days) > 270
        assert days == sorted(set(days))
        assert min(days) <= "2025-01-02"


def test_nothing_later_than_the_night_is_shown():
    with serve_sample() as sample:
        sample.show_until(sample.nights[3])
        with urlopen(f"{sample.base_url}/plumbline/feed.json") as answer:
            early = answer.read()
            assert answer.headers["ETag"]
        sample.show_until(sample.nights[-1])
        with urlopen(f"{sample.base_url}/plumbline/feed.json") as answer:
            assert len(answer.read()) > len(early)


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    """Three nights around 30 January, and the last one of all."""
    path = tmp_path_factory.mktemp("sample") / "t.db"
    with serve_sample() as sample, Store.open(path, create=True) as store:
        reports = []
        for night in (*sample.nights[10:13], sample.nights[-1]):
            sample.show_until(night)
            reports.append(crawl(store, sample.sources, now=night, settings=sample.settings))
        yield sample, store, reports


def test_every_format_comes_through_the_real_crawl(replay):
    _, store, reports = replay
    assert sum(report.failures for report in reports) == 0
    counts = dict(store.db.execute("SELECT source_id, count(*) FROM documents GROUP BY source_id"))
    assert counts.keys() == {outlet.id for outlet in outlets()}
    assert store.db.execute("SELECT count(*) FROM documents WHERE text = ''").fetchone() == (0,)
    by_guid = {piece.guid: piece for outlet in outlets() for piece in outlet.pieces}
    shown = store.db.execute("SELECT guid, title, text, published_at FROM documents").fetchall()
    for guid, title, text, published_at in shown:
        piece = by_guid[guid.rpartition("/")[2].rpartition(":")[2]]
        assert (title, " ".join(text.split())) == (piece.title, " ".join(piece.text.split()))
        assert published_at == f"{piece.published_at:%Y-%m-%dT%H:%M:%SZ}"


def test_syndicated_pieces_are_found(replay):
    _, store, _ = replay
    copies = store.db.execute(
        "SELECT DISTINCT source_id FROM documents WHERE duplicate_of IS NOT NULL"
    ).fetchall()
    assert ("coastal-tribune",) in copies


def test_the_last_night_again_asks_nobody(replay):
    sample, store, _ = replay
    hits = sample.hits
    report = crawl(store, sample.sources, now=sample.nights[-1], settings=sample.settings)
    assert sample.hits == hits
    assert set(report.counts.values()) == {0}


def test_prices_of_the_sample_know_nothing_of_the_future(replay):
    sample, store, _ = replay
    night = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
    how = {"settings": sample.settings, "base_dir": sample.base_dir}
    first = fetch_prices(store, sample.assets, now=night, **how)
    assert first.failures == 0
    last = dict(store.db.execute("SELECT asset_id, max(date) FROM prices GROUP BY asset_id"))
    assert last["SPY"] == "2026-01-30"
    assert last["BTC"] == "2026-01-29"  # its bar of the 30th ends at midnight UTC
    assert last["SOFR"] == "2026-01-29"  # printed the next business morning
    assert last["DGS10"] == "2026-01-29"  # out at 18:00 New York, half an hour later
    again = fetch_prices(store, sample.assets, now=night, **how)
    assert again.counts == {"new": 0, "revised": 0}
    later = fetch_prices(store, sample.assets, now=sample.nights[-1], **how)
    assert later.counts["new"] > 0
    assert later.counts["revised"] == 0
