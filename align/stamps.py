"""Time stamps -> which of them cannot be trusted, by source and over all.

A share of 2 % of documents that count a session too early is enough to make a lead where there
is none. Six checks, each with its own way of being wrong:

``ahead_of_moves``
    Titles state moves of the session after theirs (``leaks.py``), over all and by source.
``midnight``
    A source counts from midnight UTC again and again: bare dates were read as their first second.
``future``
    Stated after it was first seen: a wrong clock or time zone. Such documents count later,
    not earlier; but a zone that is wrong today may have been wrong the other way before.
``no_summer_time``
    A source that always prints at one time of day does so at the same UTC hour in summer and in
    winter: its zone has no summer time, or was dropped, and hours are wrong all year.
``before_original``
    Copies that count before the story that they copy.
``hours_ahead``
    A source is whole hours ahead of the others with the same story: its time zone was dropped.

Levels are shared out so that all sources together raise a false alarm in 5 % of archives at
most: 4 % for the test over all, 1 % for those of single sources (Bonferroni). What crosses no
close changes no daily figure and is not seen by ``ahead_of_moves``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from align.leaks import Leak, find_leaks
from align.market import Market
from align.statements import statements_of
from store.records import AlignmentCell, StampCheck

LEVEL_ALL = 0.04
LEVEL_SOURCES = 0.01
# Documents behind a share by source, and pairs behind hours.
_LEAST = 30
_LEAST_PAIRS = 20
# Half past eight on the dot is a schedule; this much at the first second of the UTC day is not.
_MIDNIGHT_SHARE = 0.25
_FUTURE_SHARE = 0.02
_CLOCK_S = 300
# A schedule: half of what a source prints in a season comes at one time of the day.
_SCHEDULE_SHARE = 0.5
_LEAST_OF_SEASON = 8
_SUMMER_OFFSET = pd.Timedelta(hours=4)
# Pairs within five minutes of a whole hour: one of six by chance.
_NEAR_HOUR_S = 300
_BY_CHANCE = 2 * _NEAR_HOUR_S / 3600
_AHEAD_SHARE = 0.5
# Copies further apart than a day say nothing about a clock.
_LONGEST_S = 26 * 3600
# An asset that closes this long before New York goes on trading while documents are written.
_EARLY_CLOSE = pd.Timedelta(hours=1)
# Checks that say that documents count too early, and the share of documents that matters.
_EARLY = frozenset({"ahead_of_moves", "midnight", "before_original", "hours_ahead"})
_SUSPECT_SHARE = 0.02
NOT_TESTED = "not tested: stamps suspect"


def check_stamps(
    stamps: pd.DataFrame, mentions: pd.DataFrame, market: Market | None, *, seed: int
) -> list[StampCheck]:
    """Return what the checks found; those without enough documents are left out.

    Parameters
    ----------
    stamps, mentions : DataFrame
        As ``store.frames`` gives them, already limited to what was known.
    market : Market or None
        None without prices: the checks that need none are made.
    """
    if stamps.empty:
        return []
    found = list(_pattern_checks(stamps))
    found += _hours_ahead(stamps)
    if market is not None and len(mentions):
        found += _ahead_of_moves(statements_of(stamps, mentions), market, seed)
    return found


def suspect(checks: Sequence[StampCheck], stamps: pd.DataFrame) -> bool:
    """Return whether so much counts too early that a lead would prove nothing.

    The test over all documents is flagged, or the flagged sources bring 2 % of them: less can
    hardly make a lead (docs/method.md).
    """
    early = [one for one in checks if one.flagged and one.check in _EARLY]
    if any(one.source_id is None for one in early):
        return True
    share = stamps["source_id"].isin({one.source_id for one in early}).mean()
    return bool(share >= _SUSPECT_SHARE)


def without_leads(cells: Sequence[AlignmentCell]) -> list[AlignmentCell]:
    """Return the cells with those of positive lag untested, as their ``method`` says."""
    return [
        replace(cell, pvalue=None, pvalue_adj=None, method=NOT_TESTED) if cell.lag > 0 else cell
        for cell in cells
    ]


def _pattern_checks(stamps: pd.DataFrame) -> Iterator[StampCheck]:
    """Yield the checks that look at the stamps of one source."""
    original = stamps.drop_duplicates("document_id").set_index("document_id")["effective_at"]
    known = stamps.assign(
        original_at=pd.to_datetime(stamps["duplicate_of"].map(original), utc=True),
        counts_by_date=stamps["effective_at"] == stamps["published_at"],
    )
    # Of an archive of thousands of outlets most have too few for any check.
    brought = known["source_id"].map(known["source_id"].value_counts())
    enough = known[brought >= min(_LEAST, 2 * _LEAST_OF_SEASON)]
    for source_id, mine in enough.groupby("source_id", sort=True):
        dated = mine[mine["counts_by_date"]]
        yield from _share(
            str(source_id),
            "midnight",
            dated["effective_at"].dt.floor("D") == dated["effective_at"],
            _MIDNIGHT_SHARE,
            "count from 00:00:00 UTC, as if bare dates were read as their first second:"
            " import them as dates, which count from the end of the day",
        )
        stated = mine[mine["published_at"].notna()]
        yield from _summer_time(str(source_id), stated["published_at"])
        ahead = stated["published_at"] - stated["first_seen_at"]
        yield from _share(
            str(source_id),
            "future",
            ahead.dt.total_seconds() > _CLOCK_S,
            _FUTURE_SHARE,
            "are dated after they were first seen: look at the time zone of its dates",
        )
        copies = mine[mine["original_at"].notna()]
        yield from _share(
            str(source_id),
            "before_original",
            copies["effective_at"] < copies["original_at"],
            _FUTURE_SHARE,
            "of its copies count before the story that they copy: look at its dates",
        )


def _summer_time(source_id: str, stated: pd.Series) -> Iterator[StampCheck]:
    """Yield whether a source of a fixed schedule keeps it in UTC when New York's clocks change."""
    there = stated.dt.tz_convert("America/New_York").dt.tz_localize(None)
    saved = (stated.dt.tz_localize(None) - there) == _SUMMER_OFFSET
    minute = stated.dt.hour * 60 + stated.dt.minute
    times = [minute[saved], minute[~saved]]
    if min(map(len, times)) < _LEAST_OF_SEASON:
        return
    (summer, often), (winter, seldom) = (
        (int(shares.index[0]), float(shares.iloc[0]))
        for shares in (part.value_counts(normalize=True) for part in times)
    )
    share = min(often, seldom)
    # Bare dates are no schedule: they are read as the first second of the day, or the last.
    bare = (0, 24 * 60 - 1)
    flagged = summer == winter and share >= _SCHEDULE_SHARE and summer not in bare
    yield StampCheck(
        source_id=source_id,
        check="no_summer_time",
        n=len(stated),
        flagged=flagged,
        statistic=round(share, 4),
        pvalue=None,
        message=(
            f"prints at {summer // 60:02}:{summer % 60:02} UTC in summer and in winter: look"
            " whether its dates lost their time zone"
            if flagged
            else "no schedule that stands still"
        ),
    )


def _share(
    source_id: str, check: str, hits: pd.Series, limit: float, what: str
) -> Iterator[StampCheck]:
    if len(hits) < _LEAST:
        return
    share = round(float(hits.mean()), 4)
    yield StampCheck(
        source_id=source_id,
        check=check,
        n=len(hits),
        flagged=share >= limit,
        statistic=share,
        pvalue=None,
        message=f"{share:.1%} of {len(hits)} documents {what}" if share else "none",
    )


def _hours_ahead(stamps: pd.DataFrame) -> list[StampCheck]:
    """Return by source whether it is whole hours ahead of the others with the same story."""
    story = stamps["duplicate_of"].fillna(stamps["document_id"])
    told = stamps.assign(story=story)[["story", "source_id", "effective_at"]]
    told = told[told["story"].duplicated(keep=False)].drop_duplicates(["story", "source_id"])
    pairs = told.merge(told, on="story", suffixes=("", "_other"))
    pairs = pairs[pairs["source_id"] != pairs["source_id_other"]]
    lead = (pairs["effective_at_other"] - pairs["effective_at"]).dt.total_seconds()
    pairs = pairs.assign(lead=lead)[lead.abs() <= _LONGEST_S]
    groups = [
        (str(source_id), mine["lead"].to_numpy(dtype=float))
        for source_id, mine in pairs.groupby("source_id", sort=True)
        if len(mine) >= _LEAST_PAIRS
    ]
    return [_hours_of(source_id, leads, len(groups)) for source_id, leads in groups]


def _hours_of(source_id: str, leads: np.ndarray, tests: int) -> StampCheck:
    hours = np.round(leads / 3600).astype(int)
    near = np.abs(leads - hours * 3600.0) <= _NEAR_HOUR_S
    usual = np.bincount(hours[near & (hours >= 1)]) if (near & (hours >= 1)).any() else np.zeros(1)
    offset = int(usual.argmax())
    hits = int(usual[offset]) if offset else 0
    # Any of 26 hours could have been the one.
    chance = bdtrc(hits - 1, len(leads), _BY_CHANCE) if hits else 1.0
    pvalue = min(1.0, float(chance) * (_LONGEST_S // 3600))
    flagged = hits >= _AHEAD_SHARE * len(leads) and pvalue * tests <= LEVEL_SOURCES
    message = (
        f"{hits} of {len(leads)} times {offset} h ahead of another source with the same story, to"
        " five minutes: its time zone was dropped; correct its stamps, or leave it out"
        if flagged
        else "no constant lead in whole hours"
    )
    return StampCheck(
        source_id=source_id,
        check="hours_ahead",
        n=len(leads),
        flagged=flagged,
        statistic=float(offset),
        pvalue=round(pvalue, 5),
        message=message,
    )


def _ahead_of_moves(statements: pd.DataFrame, market: Market, seed: int) -> list[StampCheck]:
    """Return the test of statements against the next session's moves, over all and by source."""
    assets = assets_to_test(market)
    covered = statements["effective_at"] >= pd.Timestamp(market.calendar.close(1))
    statements = statements[statements["asset_id"].isin(assets) & covered]
    moves = market.moves(1)[assets].to_numpy(dtype=float).T
    if statements.empty:
        return []
    rows = market.calendar.positions(statements["effective_at"]) - market.offset
    inside = (rows >= 0) & (rows < moves.shape[1])
    statements, rows = statements[inside], rows[inside]
    if statements.empty:
        return []
    first, last = int(rows.min()), int(rows.max())
    # One session on either side: what is stated there may be of the days outside.
    window = slice(max(first - 1, 0), last + 2)
    place = {name: number for number, name in enumerate(assets)}
    cell = (
        (statements["direction"] < 0).to_numpy().astype(int),
        statements["asset_id"].map(place).to_numpy().astype(int),
        rows - window.start,
    )
    shape = (2, len(assets), moves[:, window].shape[1])
    names = sorted(statements["source_id"].unique())
    tables = []
    for mine in (np.ones(len(rows), dtype=bool), *(statements["source_id"] == s for s in names)):
        table = np.zeros(shape)
        np.add.at(table, tuple(part[np.asarray(mine)] for part in cell), 1.0)
        tables.append(table)
    leaks = find_leaks(tables[0], moves[:, window], seed=seed, sources=tables[1:])
    tested = max(sum(leak.pvalue is not None for leak in leaks[1:]), 1)
    found = [_leak_check(None, leaks[0], LEVEL_ALL)]
    for source_id, leak in zip(names, leaks[1:], strict=True):
        if leak.pvalue is not None:
            found.append(_leak_check(source_id, leak, LEVEL_SOURCES / tested))
    return found


def assets_to_test(market: Market) -> list[str]:
    """Return the assets whose bar does not end before the documents of its session do.

    What closes earlier than New York moves on, and a document of the same session may state
    a move that only the next bar holds.
    """
    closes = pd.DatetimeIndex(
        market.calendar.closes[market.offset : market.offset + len(market.closes)], tz="UTC"
    )
    found = []
    for name in market.closes.columns:
        ends = market.as_of[name]
        known = ends.notna().to_numpy()
        early = (closes[known] - pd.DatetimeIndex(ends[known])).to_series().median()
        if known.any() and early <= _EARLY_CLOSE:
            found.append(str(name))
    return found


def _leak_check(source_id: str | None, leak: Leak, level: float) -> StampCheck:
    whose = "all documents" if source_id is None else "its documents"
    flagged = leak.pvalue is not None and leak.pvalue <= level
    if leak.pvalue is None:
        message = f"too few titles that state a move ({leak.n}) to test {whose}"
    elif flagged:
        message = (
            f"{leak.n} titles state moves; about {leak.share:.1%} of them are stamped a session"
            f" before the move that they state: look at the dates of {whose}; until then leads"
            " are not tested"
        )
    else:
        message = f"{leak.n} titles state moves, and not those of the next session"
    return StampCheck(
        source_id=source_id,
        check="ahead_of_moves",
        n=leak.n,
        flagged=flagged,
        statistic=leak.share,
        pvalue=leak.pvalue,
        message=message,
    )
