"""The made-up world of the sample store: its sources, narratives, assets and days."""

from datetime import UTC, date, datetime, timedelta

from store.records import (
    Asset,
    ChangeUnit,
    Narrative,
    Source,
    Stance,
)

NOW = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
MODEL = "sample-heads@1"
TAXONOMY = "sample.v1"
HOLIDAY = date(2026, 1, 19)
MISSING = date(2026, 1, 21)
"""The day on which only one source answered: intensity is None, never 0."""
HOSTILE_TITLE = 'Gold <script>alert("x")</script> & "friends"'

SOURCES = (
    Source(id="desk-notes", kind="feed", url="https://desk.example/feed", name="The Desk Notes"),
    Source(
        id="harbour-letter",
        kind="feed",
        url="https://harbour.example/rss",
        name="Harbour Letter",
        weight=2.0,
    ),
    Source(id="tape-talk", kind="mastodon", url="https://social.example/@tape", name="Tape Talk"),
    Source(id="wire-east", kind="feed", url="https://wire.example/feed", name="Wire East"),
)

ASSETS = (
    Asset(id="SPY", name="S&P 500 ETF", asset_class="equity"),
    Asset(id="QQQ", name="Nasdaq 100 ETF", asset_class="equity"),
    Asset(id="GLD", name="Gold ETF", asset_class="metal"),
    Asset(id="SLV", name="Silver ETF", asset_class="metal"),
    Asset(id="DXY", name="Dollar index", asset_class="fx", unit="index"),
    Asset(id="DGS10", name="10-year Treasury yield", asset_class="rates", unit="yield_pct"),
    Asset(id="VIX", name="VIX", asset_class="volatility", unit="level"),
    Asset(id="BTC", name="Bitcoin", asset_class="crypto", calendar="24/7"),
)
# asset: (start, daily volatility, change on 27 January, on 30 January); fractions, or points.
PATHS = {
    "SPY": (690.0, 0.006, 0.004, -0.003),
    "QQQ": (620.0, 0.008, 0.008, -0.012),
    "GLD": (415.0, 0.011, 0.021, -0.103),
    "SLV": (72.0, 0.024, 0.048, -0.285),
    "DXY": (98.6, 0.003, -0.012, 0.0074),
    "DGS10": (4.18, 0.04, 0.01, 0.02),
    "VIX": (15.4, 0.9, 0.3, 0.6),
    "BTC": (90500.0, 0.018, 0.012, -0.006),
}
CHANGE_UNITS: dict[str, ChangeUnit] = {"yield_pct": "bp", "level": "points"}
SIGMA_27 = (0.7, 1.0, 1.9, 2.0, -3.4, 0.3, 0.3, 0.6)
SIGMA_30 = (-0.5, -1.3, -7.9, -11.7, 2.4, 0.5, 0.6, -0.4)

NARRATIVES = tuple(
    Narrative(
        id=id_,
        name=name,
        proposition=proposition,
        signature=signature,
        core=tuple(signature)[:2],
        origin="default",
    )
    for id_, name, proposition, signature in (
        ("qt-liquidity", "Liquidity drain", "Scarce reserves drain markets.", {"SPY": "-"}),
        ("dollar-policy", "Weak dollar", "Policy pushes the dollar down.", {"DXY": "-"}),
        ("ai-capex-doubt", "AI spending doubt", "AI spending will not pay.", {"QQQ": "-"}),
        ("fiscal-worry", "Fiscal worry", "Deficits cannot be financed.", {"DGS10": "+"}),
        ("geopolitics", "Geopolitical conflict", "Conflict endangers markets.", {"GLD": "+"}),
        ("fed-policy", "Tighter for longer", "Policy stays tight.", {"DXY": "+", "GLD": "-"}),
        ("fed-independence", "Fed independence", "The bank is under pressure.", {"GLD": "+"}),
        ("tariffs", "Tariffs and trade war", "Tariffs harm trade.", {"SPY": "-"}),
        ("inflation", "Inflation returns", "Prices run hot.", {"DGS10": "+"}),
        ("recession", "Recession fear", "A downturn is coming.", {"SPY": "-"}),
        ("crypto-stress", "Crypto stress", "Crypto is under pressure.", {"BTC": "-"}),
        ("deleveraging", "Forced selling", "Crowded bets unwind.", {"SLV": "-", "GLD": "-"}),
    )
)

# narrative: sentences for (favor, against, none).
SAID = {
    "qt-liquidity": (
        "Bank reserves look scarce and funding is draining out of markets.",
        "Funding markets are calm; nothing here says that reserves are scarce.",
        "The balance sheet is on the agenda again.",
    ),
    "dollar-policy": (
        "The dollar slid after Washington said it does not mind a weaker currency.",
        "The dollar jumped, which sinks the story of a policy-made decline.",
        "Traders wait for a word on the dollar.",
    ),
    "ai-capex-doubt": (
        "Spending on data centres keeps rising and the return is nowhere to be seen.",
        "Cloud demand came in strong, so the spending is paying for itself.",
        "Two chip makers report this week.",
    ),
    "fiscal-worry": (
        "Deficits of this size will not be financed cheaply for ever.",
        "The auction went well; buyers showed no worry about the debt.",
        "The debt office publishes its calendar.",
    ),
    "geopolitics": (
        "Threats in the Gulf put oil supply at risk.",
        "It was not geopolitics that sank gold.",
        "Diplomats meet again on Thursday.",
    ),
    "fed-policy": (
        "A hawkish nominee means fewer cuts, and metals fell on the news.",
        "The new chair will cut sooner than the market thinks.",
        "The committee meets on Wednesday.",
    ),
    "tariffs": (
        "New duties on imports will hurt growth on both sides.",
        "The delay of the duties takes the risk away.",
        "A court hears the tariff case.",
    ),
    "inflation": (
        "Service prices are sticky and the last mile is not in sight.",
        "Inflation is cooling faster than forecast.",
        "The price index is due on Tuesday.",
    ),
    "crypto-stress": (
        "Outflows from bitcoin funds went into a fourth week.",
        "Fund inflows returned and the regulator gave way.",
        "The exchange lists a new pair.",
    ),
    "deleveraging": (
        "Margin calls forced holders of silver to sell everything at once.",
        "This was an ordinary sale, without any sign of forced selling.",
        "Exchanges review their margins.",
    ),
}
STANCES: tuple[Stance, Stance, Stance] = ("favor", "against", "none")


def sessions() -> list[date]:
    """Return the 14 New York sessions of the sample."""
    first = date(2026, 1, 12)
    days = [first + timedelta(days=n) for n in range(19)]
    return [day for day in days if day.weekday() < 5 and day != HOLIDAY]
