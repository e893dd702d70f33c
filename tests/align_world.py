"""A made-up market and archive for the tests of ``align``: seeded, with planted causes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.inputs import Inputs
from align.sessions import load_calendar
from nlp.narratives import load_taxonomy
from store.records import Asset, Narrative

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
LAST = date(2026, 2, 6)
CRASH = date(2026, 1, 30)
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
NARRATIVES = (
    "fed-policy",
    "dollar-policy",
    "geopolitics",
    "recession",
    "crypto-stress",
    "ai-capex-doubt",
)
_PRICES = ("SPY", "QQQ", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT")


def assets() -> list[Asset]:
    """Return the assets of the made-up market."""
    return [
        *(Asset(id=name, name=f"{name} fund", asset_class="equity") for name in _PRICES),
        Asset(id="VIX", name="VIX", asset_class="volatility", unit="level"),
        Asset(id="BTC", name="Bitcoin", asset_class="crypto", calendar="24/7"),
        Asset(id="DGS10", name="10-year yield", asset_class="rates", unit="yield_pct"),
        Asset(id="DGS30", name="30-year yield", asset_class="rates", unit="yield_pct"),
        Asset(id="SOFR", name="SOFR", asset_class="funding", unit="yield_pct", listed=False),
        Asset(id="IORB", name="IORB", asset_class="funding", unit="yield_pct", listed=False),
        Asset(
            id="SOFR_IORB",
            name="SOFR minus IORB",
            asset_class="funding",
            unit="spread_bp",
            source="derived:SOFR-IORB",
        ),
    ]


def narratives() -> list[Narrative]:
    """Return shipped narratives, with the signatures that they ship with."""
    shipped = {narrative.id: narrative for narrative in load_taxonomy()}
    return [shipped[name] for name in NARRATIVES]


def prices(
    planted: Mapping[tuple[str, date], float] | None = None, *, sessions: int = 700, seed: int = 1
) -> pd.DataFrame:
    """Return random walks of 1 % a day, with planted moves in sigma."""
    rng = np.random.default_rng(seed)
    calendar = load_calendar("XNYS", date(2022, 1, 3), LAST)
    new_york = [day.item() for day in calendar.dates[-sessions:]]
    every_day = [
        new_york[0] + timedelta(days=step) for step in range((LAST - new_york[0]).days + 1)
    ]
    frames = []
    for asset in assets():
        if asset.source:
            continue
        days = every_day if asset.calendar == "24/7" else new_york
        noise = rng.normal(size=len(days))
        for place, day in enumerate(days):
            noise[place] = (planted or {}).get((asset.id, day), noise[place])
        close = _closes(asset, noise)
        hour = 24 if asset.calendar == "24/7" else 21
        as_of = pd.DatetimeIndex(days).tz_localize("UTC") + pd.Timedelta(hours=hour)
        late = {"rates": 2, "funding": 16}.get(asset.asset_class, 0)
        frames.append(
            pd.DataFrame(
                {
                    "asset_id": asset.id,
                    "date": pd.DatetimeIndex(days),
                    "close": close,
                    "as_of": as_of,
                    "known_at": as_of + pd.Timedelta(hours=late),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _closes(asset: Asset, noise: NDArray[np.float64]) -> NDArray[np.float64]:
    if asset.unit == "yield_pct":
        base = 3.65 if asset.asset_class == "funding" else 4.2
        drift = 0.05 * np.cumsum(noise) / np.sqrt(len(noise))
        return np.asarray(np.round(base + drift + 0.001 * noise, 4))
    if asset.unit == "level":
        return np.asarray(20 + np.cumsum(noise) * 0.2)
    return np.asarray(100 * np.exp(np.cumsum(noise) * 0.01))


@dataclass
class Talk:
    """Frames of stories, labels and collected documents."""

    stories: pd.DataFrame
    labels: pd.DataFrame
    collected: pd.DataFrame


def talk(
    *,
    sessions: int = 120,
    sources: int = 6,
    per_day: int = 6,
    rate: float = 0.04,
    bursts: Mapping[tuple[str, date], float] | None = None,
    against: Sequence[str] = (),
    causal: Sequence[tuple[str, date]] = (),
    seed: int = 2,
) -> Talk:
    """Return stories of steady sources; ``bursts`` sets the rate of a narrative on a day."""
    rng = np.random.default_rng(seed)
    calendar = load_calendar("XNYS", date(2025, 1, 2), LAST)
    stories, labels = [], []
    for position in range(len(calendar.dates) - sessions, len(calendar.dates)):
        day = calendar.day(position)
        close = calendar.close(position)
        for source in range(sources):
            for number in range(per_day):
                document_id = f"{day:%Y%m%d}-{source}-{number}"
                at = close - timedelta(minutes=30 + 17 * number + source)
                stories.append(
                    (document_id, f"source-{source}", 1.0, at, 1, None, f"Title {document_id}")
                )
                for name in NARRATIVES:
                    chance = (bursts or {}).get((name, day), rate)
                    if rng.random() < chance:
                        stance = "against" if name in against else "favor"
                        labels.append((document_id, name, 0.9, stance, (name, day) in causal, at))
    table = pd.DataFrame(
        stories,
        columns=[
            "document_id", "source_id", "weight", "effective_at", "copies", "author", "title",
        ],
    )  # fmt: skip
    found = pd.DataFrame(
        labels,
        columns=[
            "document_id", "narrative_id", "probability", "stance", "causal", "effective_at",
        ],
    )  # fmt: skip
    for frame in (table, found):
        frame["effective_at"] = pd.to_datetime(frame["effective_at"], utc=True)
    return Talk(table, found, table[["source_id", "effective_at"]].copy())


def empty_log() -> pd.DataFrame:
    """Return a fetch log without a request."""
    stamps = pd.to_datetime(pd.Series([], dtype="datetime64[ns]"), utc=True)
    return pd.DataFrame(
        {"source_id": pd.Series([], dtype=str), "fetched_at": stamps, "outcome": []}
    )


def inputs(table: pd.DataFrame, said: Talk, now: datetime = NOW) -> Inputs:
    """Return inputs as ``run`` would read them."""
    return Inputs(
        prices=table,
        stories=said.stories,
        labels=said.labels,
        collected=said.collected,
        fetch_log=empty_log(),
        assets=assets(),
        narratives=narratives(),
        now=now,
    )


def real_assets() -> list[Asset]:
    """Return the assets of the reference table."""
    named = ["SPY", "QQQ", "SMH", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT"]
    return [
        *(Asset(id=name, name=name, asset_class="equity") for name in named),
        Asset(id="VIX", name="VIX", asset_class="volatility", unit="level"),
        Asset(id="BTC", name="BTC", asset_class="crypto", calendar="24/7"),
        *(
            Asset(id=name, name=name, asset_class="rates", unit="yield_pct")
            for name in ("DGS10", "DGS30")
        ),
        *(
            Asset(id=name, name=name, asset_class="funding", unit="yield_pct", listed=False)
            for name in ("SOFR", "IORB")
        ),
        Asset(
            id="SOFR_IORB",
            name="SOFR minus IORB",
            asset_class="funding",
            unit="spread_bp",
            source="derived:SOFR-IORB",
        ),
    ]


def real_prices(since: str = "2008-01-01") -> pd.DataFrame:
    """Return real closes and yields from the folder beside the repository."""
    closes = pd.read_parquet(SHARED / "prices" / "closes.parquet")[["asset", "date", "close"]]
    fred = pd.read_parquet(SHARED / "prices" / "fred.parquet")
    table = pd.concat(
        [
            closes.rename(columns={"asset": "asset_id"}),
            fred.rename(columns={"series": "asset_id", "value": "close"}),
        ]
    ).dropna()
    wanted = {asset.id for asset in real_assets()}
    table = table[table["asset_id"].isin(wanted) & (table["date"] >= since)]
    table = table.assign(date=pd.to_datetime(table["date"], format="%Y-%m-%d"))
    hours = np.where(table["asset_id"] == "BTC", 24, 21)
    as_of = (table["date"] + pd.to_timedelta(hours, unit="h")).dt.tz_localize("UTC")
    late = np.where(table["asset_id"].isin(["SOFR", "IORB"]), 16, 0)
    return table.assign(as_of=as_of, known_at=as_of + pd.to_timedelta(late, unit="h"))
