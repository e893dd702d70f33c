"""The assets of the shipped sample, named for what they track: most series are of ETFs.

Their closes are facts, in ``closes.csv`` beside this file.
"""

from store.records import Asset, AssetClass, AssetUnit

_CSV = "csv:closes.csv"
_LISTED: tuple[tuple[str, str, AssetClass, AssetUnit, str], ...] = (
    ("SPY", "S&P 500", "equity", "price", "XNYS"),
    ("QQQ", "Nasdaq 100", "equity", "price", "XNYS"),
    ("SMH", "Semiconductors", "equity", "price", "XNYS"),
    ("MSFT", "Microsoft", "equity", "price", "XNYS"),
    ("NVDA", "Nvidia", "equity", "price", "XNYS"),
    ("EFA", "Developed ex US", "equity", "price", "XNYS"),
    ("HYG", "High-yield bonds", "credit", "price", "XNYS"),
    ("TLT", "Long Treasuries", "rates", "price", "XNYS"),
    ("GLD", "Gold", "metal", "price", "XNYS"),
    ("SLV", "Silver", "metal", "price", "XNYS"),
    ("CPER", "Copper", "metal", "price", "XNYS"),
    ("USO", "Crude oil", "energy", "price", "XNYS"),
    ("UUP", "US dollar", "fx", "price", "XNYS"),
    ("VIX", "VIX", "volatility", "level", "XNYS"),
    ("BTC", "Bitcoin", "crypto", "price", "24/7"),
    ("ETH", "Ether", "crypto", "price", "24/7"),
    ("DGS10", "10-year yield", "rates", "yield_pct", "XNYS"),
    ("SOFR", "SOFR", "funding", "yield_pct", "XNYS"),
    ("IORB", "Interest on reserve balances", "funding", "yield_pct", "XNYS"),
)


def sample_assets() -> list[Asset]:
    """Return the assets of the sample, the derived spread last."""
    assets = [
        Asset(
            id=asset_id,
            name=name,
            asset_class=asset_class,
            unit=unit,
            calendar=calendar,
            source=_CSV,
        )
        for asset_id, name, asset_class, unit, calendar in _LISTED
    ]
    spread = Asset(
        id="SOFR_IORB",
        name="SOFR over IORB",
        asset_class="funding",
        unit="spread_bp",
        calendar="XNYS",
        source="derived:SOFR-IORB",
    )
    return [*assets, spread]
