"""The simulations of intensity: each measures what is shipped and what a count would say."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.breaks import breaks_of
from align.intensity import measure_intensity, wilson
from align.scan import scan
from tests.worlds import tape
from tests.worlds.talk import (
    Array,
    Desk,
    World,
    autoregression,
    flood,
    platform,
    print_stories,
    validation,
)

Figures = Mapping[str, float]


def columns(world: World, rates: pd.DataFrame | None = None) -> dict[str, Array]:
    """Return the columns of the points, each of shape (n_narratives, n_days), None as NaN."""
    points = measure_intensity(world.archive(), rates)
    shape = (world.n_narratives, world.n_days)
    names = ("share", "share_low", "share_high", "share_corrected", "corrected_low",
             "corrected_high", "share_linked", "zscore", "zscore_ewma", "innovation", "stories",
             "effective_n", "burst")  # fmt: skip
    return {
        name: np.array([getattr(point, name) for point in points], dtype=float).reshape(shape)
        for name in names
    }


def naive_z(values: Array, day: int) -> Array:
    """Return z of a day against median and MAD of the 60 before, as :func:`columns` shapes it."""
    past = values[:, day - 60 : day]
    median = np.median(past, axis=1)
    mad = 1.4826 * np.median(np.abs(past - median[:, None]), axis=1)
    return np.asarray((values[:, day] - median) / mad)


def new_feed(seed: int) -> Figures:
    """N5: a feed with a base rate of 20 % joins three with 4 to 6 % on day 60."""
    desks = [
        Desk(id="a", stories=80, share=0.04),
        Desk(id="b", stories=60, share=0.06),
        Desk(id="c", stories=60, share=0.05),
        Desk(id="d", stories=100, share=0.20, start=60),
    ]
    world = print_stories(np.random.default_rng([5, seed]), desks, 150)
    found = columns(world)
    everything = np.bincount(world.archive().grid.story_day)
    pooled = found["stories"] / everything
    before, after = slice(30, 60), slice(110, 150)
    return {
        "z, days 60 to 99": float(np.nanmean(found["zscore"][:, 60:100])),
        "largest daily mean z": float(np.abs(np.nanmean(found["zscore"][:, 60:], axis=0)).max()),
        "ewma z, days 60 to 99": float(np.nanmean(found["zscore_ewma"][:, 60:100])),
        "pooled z, day 60": float(naive_z(pooled, 60).mean()),
        "linked before": float(found["share_linked"][:, before].mean()),
        "linked after": float(found["share_linked"][:, after].mean()),
        "share after": float(found["share"][:, after].mean()),
        "pooled after": float(pooled[:, after].mean()),
    }


def syndication(seed: int, total: int, n_days: int) -> Figures:
    """N6: 15 % of the stories are copied 5 to 29 times; does the interval hold the truth?"""
    desks = [Desk(id=f"desk-{one}", stories=total // 6, share=0.06) for one in range(6)]
    world = print_stories(np.random.default_rng([6, seed]), desks, n_days, copied=0.15)
    found = columns(world)
    # Before a panel is known every source counts at most twice.
    low, high = (found[name][:, 25:] for name in ("share_low", "share_high"))
    return {
        "points": float(low.size),
        "stories": float(((low <= 0.06) & (high >= 0.06)).mean()),
        "raw documents": float(np.mean(_raw_covers(world))),
    }


def _raw_covers(world: World) -> list[bool]:
    """Return whether Wilson on documents, copies included, holds the truth, by point."""
    stories = world.stories
    day = stories["document_id"].str[:4].astype(int).to_numpy()
    copies = stories["copies"].to_numpy()
    documents = np.bincount(day, copies)
    merged = world.labels.merge(stories[["document_id", "copies"]], on="document_id")
    place = merged["narrative_id"].str[-2:].astype(int) * world.n_days
    place += merged["document_id"].str[:4].astype(int)
    carried = np.bincount(place, merged["copies"], minlength=world.n_narratives * world.n_days)
    shares = (carried.reshape(world.n_narratives, -1) / documents)[:, 25:]
    bounds = [
        wilson(share, n) for line in shares for share, n in zip(line, documents[25:], strict=True)
    ]
    return [low <= 0.06 <= high for low, high in bounds]


def crawl_gap(
    seed: int, *, n_narratives: int = 12, n_days: int = 108, with_scan: bool = False
) -> Figures:
    """N7: for three days 30 % of the panel, those that talk most, is not collected."""
    desks = [
        Desk(id=f"desk-{one}", stories=60, share=0.16 if one < 3 else 0.08) for one in range(10)
    ]
    rng = np.random.default_rng([7, seed])
    world = print_stories(rng, desks, n_days, n_narratives=n_narratives)
    day = world.stories["document_id"].str[:4].astype(int)
    lost = world.stories["source_id"].isin(["desk-0", "desk-1", "desk-2"]) & day.between(100, 102)
    whole, found = columns(world), columns(world.keep(~lost.to_numpy()))
    gap, after, quiet = slice(100, 103), slice(103, 108), slice(60, 100)
    scores = ("zscore", "zscore_ewma", "innovation")
    zero_filled = found["stories"] / 600.0
    naive = np.array([naive_z(zero_filled, one) for one in (100, 101, 102)])
    figures = {
        "scores in the gap": float(sum(np.isfinite(found[name][:, gap]).sum() for name in scores)),
        "shares in the gap": float(np.isfinite(found["share"][:, gap]).sum()),
        "alerts after": _alerts(found, scores, after),
        "alerts after, no gap": _alerts(whole, scores, after),
        "alerts before": _alerts(found, scores, quiet),
        "naive alerts": float((np.abs(naive) >= 3).mean()),
        "naive z": float(naive.mean()),
    }
    if with_scan:
        for name, one in (("any cell hit", found), ("any cell hit, no gap", whole)):
            markets = [_any_hit(one["innovation"], seed + 1000 * market) for market in range(6)]
            figures[name] = float(np.mean(markets))
    return figures


def _alerts(found: Mapping[str, Array], scores: tuple[str, ...], days: slice) -> float:
    return float(np.mean([np.abs(found[name][:, days]) >= 3 for name in scores]))


def _any_hit(innovations: Array, seed: int) -> bool:
    """Return whether the scan passes any cell against returns that know nothing of the talk."""
    first = int(np.flatnonzero(np.isfinite(innovations).any(axis=0))[0])
    wide = innovations[:, first:]
    returns = tape.returns(np.random.default_rng([77, seed]), 10, wide.shape[1])
    days = pd.bdate_range("2024-01-03", periods=wide.shape[1])
    cells = scan(
        wide,
        returns,
        [f"narrative-{one}" for one in range(len(wide))],
        [f"asset-{one}" for one in range(len(returns))],
        (days[0].date(), days[-1].date()),
        seed=seed,
    )
    return any(cell.pvalue_adj is not None and cell.pvalue_adj <= 0.05 for cell in cells)


def false_breaks(seed: int, phi: float, n_series: int, *, step: float = 0.0) -> Figures:
    """N10: breaks a year in persistent series without one, and where one is planted."""
    series = autoregression(np.random.default_rng([10, seed]), phi, n_series=n_series)
    series = series + step / np.sqrt(1 - phi**2) * (np.arange(series.shape[1]) >= 125)
    found = [breaks_of(line) for line in series]
    return {
        "a year": float(np.mean([len(one) for one in found])),
        "naive a year": float(np.mean([len(breaks_of(line, naive=True)) for line in series])),
        "within five days": float(
            np.mean([any(abs(place - 125) <= 5 for place in one) for one in found])
        ),
    }


def prior_shift(seed: int) -> dict[str, Array]:
    """P5: a true share of 2, 10 and again 2 %, seen by a tagger with TPR .80 and FPR .03."""
    rng = np.random.default_rng([55, seed])
    daily = np.repeat([0.02, 0.10, 0.02], [40, 20, 40])
    desks = [Desk(id=f"desk-{one}", stories=50, share=0.0) for one in range(6)]
    world = print_stories(rng, desks, 100, daily=daily, tagger=(0.80, 0.03))
    found = columns(world, validation(rng, world.names))
    high = daily > 0.05
    inside = (found["corrected_low"] <= daily) & (found["corrected_high"] >= daily)
    return {
        "corrected": _mean(found["share_corrected"], high),
        "counted": _mean(found["share"], high),
        "covered": inside[:, 6:].mean(axis=1),
    }


def _mean(values: Array, high: NDArray[np.bool_]) -> Array:
    return np.column_stack([values[:, ~high].mean(axis=1), values[:, high].mean(axis=1)])


def manipulation(seed: int) -> dict[str, tuple[float, float, float]]:
    """N15: 500 slightly varied posts on one day, by kind of campaign.

    Returns
    -------
    dict
        Points by which the share moves, points by which the share of stories moves, and the
        burst mark.
    """
    desks = [Desk(id=f"desk-{one}", stories=15, share=0.05) for one in range(20)]
    desks += [Desk(id="tag", stories=40, share=0.05), Desk(id="links", stories=40, share=0.05)]
    rng = np.random.default_rng([15, seed])
    world = print_stories(rng, desks, 41, n_narratives=4)
    world = platform(rng, world, "tag")
    world = platform(rng, world, "links", domains=12)
    everywhere = [f"place{one}.example" for one in range(500)]
    campaigns = {
        "one account in a tag": flood(40, "tag"),
        "one account, its links to many domains": flood(40, "tag").assign(domain=everywhere),
        "50 accounts of one domain": flood(40, "tag", authors=50),
        "one domain in an aggregator, no authors": flood(40, "links", named=False),
        "two domains in an aggregator": flood(40, "links", named=False).assign(
            domain=["farm.example", "barn.example"] * 250
        ),
        "one account in a source that is not regular": flood(40, "elsewhere"),
    }
    usual = columns(world)
    out = {}
    for name, posts in campaigns.items():
        found = columns(world.add(posts, 0))
        n = len(world.stories) / 41
        before, after = (one["stories"][0, 40] for one in (usual, found))
        out[name] = (
            100 * float(np.abs(found["share"][:, 40] - usual["share"][:, 40]).max()),
            100 * float(after / (n + 500) - before / n),
            float(found["burst"][0, 40]),
        )
    return out
