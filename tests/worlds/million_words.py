"""The made-up world of one million documents: its words, names, sources and assets."""

from functools import cache
from typing import Any

import numpy as np

from store.records import Asset, Source, Stance
from tests.sample_world import ASSETS, NARRATIVES

VOCABULARY = 40_000
STANCES: tuple[Stance, Stance, Stance] = ("favor", "against", "none")
_SYLLABLES = tuple(a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er"))
_COMMON = "the of to and in a is on that for as by with it was at from are this be"
_MARKET = (
    "market dollar fed gold rates inflation liquidity stocks bonds silver oil yields growth"
    " reserves policy bank treasury risk tariff recession bitcoin funding margin chair selloff"
    " rally repo auction deficit curve credit earnings copper euro yen volatility hedge"
)
CHINESE = (
    "美联储维持利率不变，市场担心通胀。",
    "黄金价格大跌，投资者抛售白银。",
    "美元走强，新兴市场承压。",
    "央行表示流动性保持充裕。",
    "关税推迟，股市上涨。",
    "分析师说经济衰退的风险在下降。",
)


def vocabulary(rng: np.random.Generator) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the words and how often each is drawn: Zipf's law, the market's words near the top."""
    count = VOCABULARY
    lengths = rng.integers(2, 5, 2 * count)
    known = f"{_COMMON} {_MARKET}".split()
    made = dict.fromkeys(
        "".join(_SYLLABLES[k] for k in rng.integers(0, len(_SYLLABLES), length))
        for length in lengths.tolist()
    )
    tail = [word for word in made if word not in known][: count - len(known)]
    words = np.array([*known, *tail], dtype=object)
    weights = 1.0 / (np.arange(len(words)) + 12.0)
    return words, weights / weights.sum()


def narrative_odds(rng: np.random.Generator, days: int) -> np.ndarray[Any, Any]:
    """Return the odds that a document speaks of each narrative, by night: slow waves."""
    phase = rng.random(len(NARRATIVES)) * 2 * np.pi
    pace = 2 * np.pi / rng.integers(60, 300, len(NARRATIVES))
    return 0.35 + 0.15 * np.sin(np.arange(days)[:, None] * pace + phase)


@cache
def sources() -> tuple[Source, ...]:
    """Return 150 sources."""
    return tuple(
        Source(
            id=f"desk-{k:03d}",
            kind="mastodon" if k % 5 == 4 else "feed",
            url=f"https://desk-{k:03d}.example/feed",
            name=f"Desk {k}",
            weight=1.0 + k % 3,
        )
        for k in range(150)
    )


@cache
def world_assets() -> tuple[Asset, ...]:
    """Return 18 listed assets: those of the sample, and more of each class."""
    more = (
        ("EFA", "Developed ex US", "equity", "price"),
        ("HYG", "High-yield bonds", "credit", "price"),
        ("TLT", "Long Treasuries", "rates", "price"),
        ("CPER", "Copper", "metal", "price"),
        ("USO", "Crude oil", "energy", "price"),
        ("ETH", "Ether", "crypto", "price"),
        ("DGS30", "30-year yield", "rates", "yield_pct"),
        ("DGS2", "2-year yield", "rates", "yield_pct"),
        ("SOFR", "SOFR", "funding", "yield_pct"),
        ("SMH", "Semiconductors", "equity", "price"),
    )
    return (
        *ASSETS,
        *(Asset(id=a, name=b, asset_class=c, unit=d) for a, b, c, d in more),  # type: ignore[arg-type]
    )


NAMES: tuple[tuple[str, str, str | None], ...] = (
    *((asset.name, "asset", asset.id) for asset in world_assets()),
    *(
        (f"{_SYLLABLES[k % 98]}{_SYLLABLES[k // 98]} Holdings", "company", None)
        for k in range(3000)
    ),
)
"""``(text, label, asset)`` of what documents name, the most frequent first."""
