"""What one million made-up documents are said to amount to: runs, prices, intensity, answers.

Every figure is drawn, none is computed from the documents; each quote is a stored passage.
"""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from store import Store
from store.instants import to_text
from store.records import (
    AlignmentCell,
    Explanation,
    IntensityPoint,
    Move,
    PriceBar,
    Quote,
    Suspect,
)
from tests.sample_results import CONFIRMATIONS, EPISODES, explanation
from tests.sample_world import CHANGE_UNITS, NARRATIVES, PATHS, SIGMA_27
from tests.worlds.million_words import narrative_odds, sources, world_assets

EXPLAINED = 400
_STAGES = ("crawl", "prices", "tag", "align")
_PRICES_FROM = date(2019, 1, 2)
Close = Callable[[date], datetime]


def write_results(store: Store, days: Sequence[date], close_of: Close, run_id: str) -> None:
    """Fill every table that is not about documents."""
    rng = np.random.default_rng(5)
    _write_runs(store, days, close_of, rng)
    store.prices.add(_bars(days[-1], close_of, rng), run_id)
    with store.transaction():
        points = _points(days, rng)
        store.results.add_intensity(points, seen_at=close_of(days[-1]), run_id=run_id)
        # A later crawl brought a little more to one point in five.
        more = [
            dataclasses.replace(point, stories=point.stories + 1)
            for point, again in zip(points, rng.random(len(points)) < 0.2, strict=True)
            if again
        ]
        later = close_of(days[-1]) + timedelta(days=1)
        store.results.add_intensity(more, seen_at=later, run_id=run_id)
        store.results.replace_alignments(_cells(days, rng), run_id=run_id)
        store.confirmations.save(CONFIRMATIONS, now=close_of(days[-1]), run_id=run_id)
        store.results.sync_episodes(EPISODES)
        chosen = np.linspace(10, len(days) - 1, min(EXPLAINED, len(days) - 10)).astype(int)
        answers = [_explanation(store, days[k], close_of, rng) for k in dict.fromkeys(chosen)]
        store.results.save_explanations(answers, days=1, run_id=run_id)


def _write_runs(
    store: Store, days: Sequence[date], close_of: Close, rng: np.random.Generator
) -> None:
    """Log four stages, all sources, some hundred pages and twenty failures for every night."""
    runs, fetches, failures = [], [], []
    wells = ("ok", "not_modified", "ok", "server_error")
    for day in days:
        at = close_of(day) + timedelta(hours=5)
        ids = [f"{stage}-{day:%Y%m%d}" for stage in _STAGES]
        runs += [
            (id_, stage, to_text(at), to_text(at + timedelta(minutes=9)), "done", 0, "{}", "{}",
             "{}")
            for id_, stage in zip(ids, _STAGES, strict=True)
        ]  # fmt: skip
        asked = to_text(at + timedelta(minutes=2))
        for place, source in enumerate(sources()):
            outcome = wells[int(rng.integers(0, 4))] if place % 17 == 0 else "ok"
            pages = [f"{source.url}/{day}/{k}" for k in range(2)]
            fetches += [
                (ids[0], source.id, url, outcome, 200, 18_000, 0.4, None, None, None, asked)
                for url in (source.url, *pages)
            ]
        for k in rng.integers(0, len(sources()), 20).tolist():
            source_id = sources()[k].id
            item = (source_id, f"{source_id}:entry-{day}", f"{sources()[k].url}/{day}/0")[k % 3]
            failures.append((ids[0], "crawl", item, "server_error", "answered 503", "wait", asked))
    connection = store.db.conn
    assert connection is not None
    for table, rows in (("runs", runs), ("fetches", fetches), ("failures", failures)):
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)


def _bars(last: date, close_of: Close, rng: np.random.Generator) -> list[PriceBar]:
    days = [_PRICES_FROM + timedelta(days=k) for k in range((last - _PRICES_FROM).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    bars = []
    for asset in world_assets():
        level, volatility = PATHS.get(asset.id, (80.0, 0.01))[:2]
        path = level * np.exp(np.cumsum(rng.normal(0.0, min(volatility, 0.02), len(days))))
        bars += [
            PriceBar(
                asset_id=asset.id,
                date=day,
                close=round(float(close), 4),
                as_of=close_of(day),
                known_at=close_of(day) + timedelta(minutes=15),
            )
            for day, close in zip(days, path.tolist(), strict=True)
        ]
    return bars


def _points(days: Sequence[date], rng: np.random.Generator) -> list[IntensityPoint]:
    shares = narrative_odds(rng, len(days)) * 0.6
    points = []
    for row, day in zip(shares.tolist(), days, strict=True):
        for narrative, share in zip(NARRATIVES, row, strict=True):
            stories = round(860 * share)
            favor, against = round(0.5 * stories), round(0.3 * stories)
            points.append(
                IntensityPoint(
                    narrative_id=narrative.id,
                    day=day,
                    stories=stories,
                    effective_n=640.0,
                    share=round(share, 4),
                    share_low=round(share - 0.02, 4),
                    share_high=round(share + 0.02, 4),
                    zscore=round(float(rng.normal()), 2),
                    innovation=round(float(rng.normal()), 2),
                    favor=favor,
                    against=against,
                    neutral=stories - favor - against,
                    net_stance=0.2,
                    disagreement=0.75,
                    novelty=0.8,
                    reach=round(1.1 * stories),
                    burst=False,
                )
            )
    return points


def _cells(days: Sequence[date], rng: np.random.Generator) -> list[AlignmentCell]:
    cells = []
    for narrative in NARRATIVES:
        for asset in world_assets():
            for lag in range(-10, 11):
                effect = round(float(rng.normal(0.0, 0.06)), 3)
                cells.append(
                    AlignmentCell(
                        narrative_id=narrative.id,
                        asset_id=asset.id,
                        lag=lag,
                        n=870,
                        effect=effect,
                        effect_low=round(effect - 0.07, 3),
                        effect_high=round(effect + 0.07, 3),
                        pvalue=0.4,
                        pvalue_adj=1.0,
                        method="pearson, innovations",
                        window_start=days[0],
                        window_end=days[-1],
                    )
                )
    return cells


def _explanation(store: Store, day: date, close_of: Close, rng: np.random.Generator) -> Explanation:
    """Return an answer in the shape of the sample's, on the passages of the two days before."""
    window = [to_text(close_of(day) - timedelta(days=2)), to_text(close_of(day))]
    said: dict[str, list[Quote]] = {}
    for narrative, document, url, at, stance, text in store.db.execute(
        "SELECT l.narrative_id, d.id, d.url, d.published_at, l.stance, p.text FROM (SELECT id,"
        " url, published_at FROM documents WHERE effective_at >= ? AND effective_at < ?"
        " LIMIT 60) d JOIN labels l ON l.document_id = d.id JOIN passages p ON p.id = l.passage_id"
        " ORDER BY l.narrative_id, d.id, p.position",
        window,
    ):
        found = said.setdefault(narrative, [])
        if len(found) < 5 and document not in {quote.document_id for quote in found}:
            found.append(
                Quote(
                    document_id=document,
                    url=url,
                    published_at=datetime.fromisoformat(at),
                    stance=stance,
                    quote=text,
                )
            )
    drawn = explanation(day, SIGMA_27, [])
    suspects: list[Suspect] = [
        dataclasses.replace(suspect, quotes=said.get(suspect.narrative_id, []))
        for suspect in drawn.suspects
    ]
    moves = [
        Move(
            asset_id=asset.id,
            name=asset.name,
            change=round(float(rng.normal(0.0, 0.02)), 4),
            unit=CHANGE_UNITS.get(asset.unit, "return"),
            sigma=round(float(rng.normal(0.0, 2.5)), 2),
            as_of=close_of(day),
        )
        for asset in world_assets()
    ]
    return dataclasses.replace(drawn, moves=moves, suspects=suspects)
