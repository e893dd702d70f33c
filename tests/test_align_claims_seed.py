"""The commentary that the project starts from, against real prices."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from align.claim_tape import Tape
from align.claims import check_claim
from align.inputs import with_derived
from crawler.prices.guess import guess_asset
from crawler.prices.publication import publication
from nlp.claims import find_claims
from tests.worlds.claims import until

SHARED = Path(__file__).parents[1].parent / "shared"
ARTICLE = SHARED / "seed" / "article.txt"
pytestmark = pytest.mark.skipif(
    not ARTICLE.exists(), reason="needs shared/seed and shared/data beside the repository"
)
DAYS = ((date(2026, 1, 29), 1), (date(2026, 1, 30), 1), (date(2026, 2, 5), 5))
FIRST = "1999-01-01"


@pytest.fixture(scope="module")
def checked():
    """Return the checked claims by day."""
    closes = pd.read_parquet(SHARED / "data" / "prices" / "closes.parquet")
    fred = pd.read_parquet(SHARED / "data" / "prices" / "fred.parquet")
    table = pd.concat(
        [
            closes[["asset", "date", "close"]].rename(columns={"asset": "asset_id"}),
            fred.rename(columns={"series": "asset_id", "value": "close"}),
        ]
    ).dropna()
    claims = find_claims(ARTICLE.read_text(encoding="utf-8"))
    wanted = {
        name
        for claim in claims
        for subject in (*claim.subjects, *claim.others)
        for name in (*subject.assets, *subject.proxies)
    }
    wanted |= {"SPY", "QQQ", "SMH", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT", "BTC"}
    wanted |= {"ETH", "SOFR", "IORB"}
    inside = (table["date"] >= FIRST) & (table["date"] <= "2026-02-06")
    table = table[table["asset_id"].isin(wanted) & inside]
    table = table.assign(date=pd.to_datetime(table["date"], format="%Y-%m-%d"))
    assets = [guess_asset(name) for name in sorted(set(table["asset_id"]))]
    by_id = {asset.id: asset for asset in assets}
    stamps = [
        publication(by_id[name], day.date())
        for name, day in zip(table["asset_id"], table["date"], strict=True)
    ]
    table = table.assign(
        as_of=pd.to_datetime([as_of for as_of, _ in stamps], utc=True),
        known_at=pd.to_datetime([known_at for _, known_at in stamps], utc=True),
    )
    found = {}
    for day, sessions in DAYS:
        tape = Tape(until(table, day), with_derived(assets))
        found[day] = [check_claim(claim, tape, day, sessions) for claim in claims]
    return found


def of(checked, day, kind, name, **what):
    """Return the verdict of the one claim of a kind that names a series."""
    found = [
        one
        for one in checked[day]
        if one.claim.kind == kind
        and (name in [subject.name for subject in one.claim.subjects] or one.claim.group == name)
        and all(getattr(one.claim, key) == value for key, value in what.items())
    ]
    assert found, (kind, name)
    return found[0]


@pytest.mark.parametrize(("day", "sessions"), DAYS)
def test_at_least_twelve_claims_are_adjudicated_with_their_figures(checked, day, sessions):
    done = [one for one in checked[day] if one.verdict != "not checkable"]
    assert len(done) >= 12
    assert all(one.figures for one in done)
    assert sum(one.verdict == "contradicted" for one in done) >= 2


RECORD = "a record of what is stored"
# Rows of the reference table that a price can decide: kind, series, verdict and qualifier.
ON_30_JANUARY = [
    pytest.param("breadth", "all assets", "contradicted", "", id="1-almost-all-assets"),
    pytest.param("extreme", "gold", "supported", RECORD, id="2-gold-high"),
    pytest.param("extreme", "silver", "supported", RECORD, id="2-silver-high"),
    pytest.param("extreme", "the dollar index", "contradicted", "understates", id="6-two-year-low"),
    pytest.param("change", "gold", "supported", "", id="8-gold-fell"),
    pytest.param("change", "MAG7", "not checkable", "", id="9-forward-pe"),
    pytest.param("range", "the Nasdaq", "supported", "", id="10-consolidating"),
    pytest.param("relative", "chip makers", "supported", "", id="11-focus-moved"),
    pytest.param("level", "bank reserves", "supported", "depends on the window", id="12-reserves"),
    pytest.param("level", "SOFR over IORB", "supported", "", id="13-not-loose"),
    pytest.param("change", "long-term yields", "supported", "weak", id="16-long-yields"),
    pytest.param("relative", "risk assets", "contradicted", "half", id="17-to-the-dollar"),
    pytest.param("change", "bitcoin", "contradicted", "depends on definition", id="18-312"),
    pytest.param("confined", "crypto", "supported", "", id="19-519"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "verdict", "qualifier"), ON_30_JANUARY)
def test_the_verdicts_of_the_reference(checked, kind, name, verdict, qualifier):
    found = of(checked, date(2026, 1, 30), kind, name)
    assert (found.verdict, found.qualifier) == (verdict, qualifier), found.statement


def test_the_figures_of_the_reference(checked):
    day = date(2026, 1, 30)
    dollar = of(checked, day, "extreme", "the dollar index").figures
    assert dollar[0].date == date(2026, 1, 27)
    assert dollar[1].date.year == 2022
    reserves = of(checked, day, "level", "bank reserves").figures
    assert reserves[0].date == date(2026, 1, 28)
    assert reserves[1].value == pytest.approx(0.03, abs=0.01)
    bitcoin = of(checked, day, "change", "bitcoin").figures
    assert bitcoin[0].value == pytest.approx(-0.372, abs=0.005)
    gold = next(one for one in of(checked, day, "change", "gold").figures if one.unit == "sigma")
    assert gold.value < -7


def test_the_spread_of_30_january_was_not_public_on_30_january(checked):
    figure = of(checked, date(2026, 1, 30), "level", "SOFR over IORB").figures[0]
    assert (figure.date, figure.value) == (date(2026, 1, 29), 0.0)
