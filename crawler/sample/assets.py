"""The assets of the shipped sample; their closes are facts, in ``closes.csv`` beside this file."""

from store.records import Asset, AssetClass, AssetUnit

_CSV = "csv:closes.csv"
_LISTED: tuple[tuple[str, str, AssetClass, AssetUnit, str], ...] = (
    ("SPY", "S&P 500 ETF", "equity", "price", "XNYS"),
    ("QQQ", "Nasdaq 100 ETF", "equity", "price", "XNYS"),
    ("SMH", "Semiconductor ETF", "equity", "price", "XNYS"),
    ("MSFT", "Microsoft", "equity", "price", "XNYS"),
    ("NVDA", "Nvidia", "equity", "price", "XNYS"),
    ("EFA", "Developed markets outside the US, ETF", "equity", "price", "XNYS"),
    ("HYG", "High-yield bond ETF", "credit", "price", "XNYS"),
    ("TLT", "Treasury bond ETF, 20 years and more", "rates", "price", "XNYS"),
    ("GLD", "Gold ETF", "metal", "price", "XNYS"),
    ("SLV", "Silver ETF", "metal", "price", "XNYS"),
    ("CPER", "Copper ETF", "metal", "price", "XNYS"),
    ("USO", "Oil ETF", "energy", "price", "XNYS"),
    ("UUP", "Dollar index ETF", "fx", "price", "XNYS"),
    ("VIX", "Cboe volatility index", "volatility", "index", "XNYS"),
    ("BTC", "Bitcoin", "crypto", "price", "24/7"),
    ("ETH", "Ether", "crypto", "price", "24/7"),
    ("DGS10", "10-year Treasury yield", "rates", "yield_pct", "XNYS"),
    ("SOFR", "Secured overnight financing rate", "funding", "yield_pct", "XNYS"),
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
