"""Class, unit and calendar of an asset that is imported without being listed.

A documented guess (``docs/sources.md``): the ids of common series and funds by name, all else
a US share. The importer says so in a note.
"""

from store.records import Asset, AssetClass, AssetUnit

_Kind = tuple[AssetClass, AssetUnit, str]
_MACRO = (
    "CPIAUCSL", "CPILFESL", "PAYEMS", "UNRATE", "ICSA", "CCSA", "INDPRO", "RSAFS", "UMCSENT",
    "JTSJOL", "PCEPILFE", "PPIACO", "PPIFES", "NFCI",
)  # fmt: skip
_NAMED: dict[str, _Kind] = {
    **dict.fromkeys(("GLD", "SLV", "CPER"), ("metal", "price", "XNYS")),
    **dict.fromkeys(("USO", "UNG", "WEAT", "DBC"), ("energy", "price", "XNYS")),
    **dict.fromkeys(("TLT", "IEF", "SHY", "TIP", "AGG", "BND"), ("rates", "price", "XNYS")),
    **dict.fromkeys(("HYG", "LQD", "EMB", "JNK"), ("credit", "price", "XNYS")),
    **dict.fromkeys(("UUP", "FXE", "FXY", "FXB", "FXI_FX"), ("fx", "price", "XNYS")),
    **dict.fromkeys(("VIX", "VIXCLS", "VVIX", "VIX9D"), ("volatility", "index", "XNYS")),
    **dict.fromkeys(("VIXY", "UVXY"), ("volatility", "price", "XNYS")),
    **dict.fromkeys(
        ("SOFR", "SOFR30DAYAVG", "IORB", "EFFR", "DFF", "FEDFUNDS", "DFEDTARU", "DFEDTARL"),
        ("funding", "yield_pct", "XNYS"),
    ),
    **dict.fromkeys(
        ("WALCL", "WRESBAL", "RRPONTSYD", "TREAST", "WSHOMCB", "WTREGEN"),
        ("funding", "level", "XNYS"),
    ),
    **dict.fromkeys(("BTC", "ETH", "SOL", "BTCUSD", "ETHUSD"), ("crypto", "price", "24/7")),
    "BAMLH0A0HYM2": ("credit", "yield_pct", "XNYS"),
    "MORTGAGE30US": ("rates", "yield_pct", "XNYS"),
    "FEDTARMD": ("rates", "yield_pct", "XNYS"),
    "DTWEXBGS": ("fx", "index", "XNYS"),
    "DCOILWTICO": ("energy", "price", "XNYS"),
    "IDX_DXY": ("fx", "index", "24/5"),
    "IDX_GBP_USD": ("fx", "price", "24/5"),
    "IDX_USD_CNY": ("fx", "price", "24/5"),
    "IDX_GOLD": ("metal", "price", "CMES"),
    "IDX_TNX": ("rates", "yield_pct", "XNYS"),
    "IDX_N225": ("equity", "index", "XTKS"),
    "IDX_HSI": ("equity", "index", "XHKG"),
    "IDX_CSI_300": ("equity", "index", "XSHG"),
    "IDX_DAX": ("equity", "index", "XETR"),
    "IDX_FTSE_100": ("equity", "index", "XLON"),
    **dict.fromkeys(_MACRO, ("rates", "level", "XNYS")),
}
_YIELDS = ("DGS", "DFII", "T10YIE", "T5YIE", "DTB")
_SPREADS = ("T10Y2Y", "T10Y3M")
_CURRENCIES = frozenset({
    "USD", "EUR", "JPY", "GBP", "CHF", "AUD", "CAD", "NZD", "CNY", "CNH", "MXN", "BRL", "KRW",
    "INR",
})  # fmt: skip


def guess_asset(asset_id: str) -> Asset:
    """Return an unlisted asset with the class, unit and calendar that its id suggests."""
    kind: _Kind = _NAMED.get(asset_id) or _by_shape(asset_id)
    return Asset(
        id=asset_id,
        name=asset_id,
        asset_class=kind[0],
        unit=kind[1],
        calendar=kind[2],
        source="",
        listed=False,
    )


def _by_shape(asset_id: str) -> _Kind:
    if asset_id in _SPREADS or asset_id.startswith(_YIELDS):
        # In per cent as FRED has them, the spreads between two yields too.
        return "rates", "yield_pct", "XNYS"
    if len(asset_id) == 6 and {asset_id[:3], asset_id[3:]} <= _CURRENCIES:
        return "fx", "price", "24/5"
    if asset_id.startswith("IDX_"):
        return "equity", "index", "XNYS"
    return "equity", "price", "XNYS"
