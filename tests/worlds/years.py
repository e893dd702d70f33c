"""A store of years of stories and prices: what the whole stage is timed on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from align.sessions import SessionCalendar, load_calendar
from store import Store
from store.records import (
    Asset,
    Document,
    Label,
    Narrative,
    Passage,
    PriceBar,
    Source,
    Stance,
    Tagging,
)
from tests.worlds.tape import narratives as series
from tests.worlds.tape import returns

LAST = date(2026, 1, 30)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
# Real tickers where a statistic asks for one by name, made-up ones beside them.
_NAMED = ("SPY", "QQQ", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT", "SMH", "IWM")
_STANCES: tuple[Stance, ...] = ("favor", "against", "none")
# Sessions of prices before the first story: the volatility of a move needs 120.
_EARLIER = 260


def assets(number: int = 30) -> list[Asset]:
    """Return listed assets of four kinds: funds, volatility, bitcoin and yields."""
    special = [
        Asset(id="VIX", name="VIX", asset_class="volatility", unit="level"),
        Asset(id="BTC", name="Bitcoin", asset_class="crypto", calendar="24/7"),
        Asset(id="DGS10", name="10-year yield", asset_class="rates", unit="yield_pct"),
        Asset(id="DGS30", name="30-year yield", asset_class="rates", unit="yield_pct"),
    ]
    names = [*_NAMED, *(f"FUND{place}" for place in range(number))][: number - len(special)]
    funds = [Asset(id=name, name=f"{name} fund", asset_class="equity") for name in names]
    return [*funds, *special]


def fill(
    store: Store,
    narratives: Sequence[Narrative],
    *,
    sessions: int,
    per_day: int = 300,
    sources: int = 60,
    seed: int = 7,
) -> None:
    """Write ``sessions`` sessions of stories that end on :data:`LAST`, and prices beside them.

    The share of each narrative is persistent (phi .9) around 6 %; nothing leads anything.
    """
    rng = np.random.default_rng(seed)
    calendar = load_calendar("XNYS", date(2015, 1, 2), LAST)
    level = series(rng, len(narratives), sessions)
    share = 0.06 * np.exp(0.4 * level)
    run = store.runs.begin("import", now=NOW)
    with store.transaction():
        store.sources.sync(sources_of(sources))
        store.narratives.sync(narratives, "test.v1")
        store.assets.sync(assets())
        first = len(calendar.dates) - sessions
        for row in range(sessions):
            add_day(
                store, narratives, calendar, first + row, share[:, row], per_day, sources, run.id
            )
        store.prices.add(list(bars(calendar, sessions + _EARLIER, rng)), run.id)
        run.finish(now=NOW)


def add_day(
    store: Store,
    narratives: Sequence[Narrative],
    calendar: SessionCalendar,
    position: int,
    share: np.ndarray,
    per_day: int,
    sources: int,
    run_id: str,
) -> None:
    """Write the stories of one session, labelled."""
    rng = np.random.default_rng(position)
    close = calendar.close(position)
    carried = rng.random((per_day, len(narratives))) < share
    stance = rng.integers(3, size=carried.shape)
    documents, taggings = [], []
    for number in range(per_day):
        at = close - timedelta(seconds=600 + 60 * number)
        document = _document(f"{calendar.day(position):%Y%m%d}-{number}", number % sources, at)
        passage = Passage(
            id=f"{document.id}:0",
            document_id=document.id,
            position=0,
            part="text",
            start=0,
            end=len(document.text),
            text=document.text,
        )
        labels = [
            Label(
                passage_id=passage.id,
                document_id=document.id,
                narrative_id=narratives[place].id,
                probability=0.9,
                stance=_STANCES[stance[number, place]],
                stance_probability=0.8,
                is_causal_claim=number % 17 == 0,
                model="test",
                taxonomy="test.v1",
            )
            for place in np.flatnonzero(carried[number]).tolist()
        ]
        documents.append(document)
        taggings.append(
            Tagging(
                document_id=document.id,
                content_hash=document.content_hash,
                model="test",
                taxonomy="test.v1",
                outcome="tagged",
                language="en",
                passages=[passage],
                labels=labels,
            )
        )
    store.documents.add(documents, run_id)
    store.labels.save(taggings, run_id)


def _document(name: str, source: int, at: datetime) -> Document:
    return Document(
        id=name,
        source_id=f"source-{source}",
        guid=None,
        entry_key=name,
        url=f"https://example.org/{name}",
        canonical_url=None,
        title=f"Note {name}",
        text=f"A sentence about markets, numbered {name}, and nothing more.",
        author=None,
        language="en",
        published_at=at,
        first_seen_at=at,
        effective_at=at,
        date_source="import",
        content_hash=name,
    )


def sources_of(number: int) -> list[Source]:
    """Return the sources of the stories."""
    return [Source(id=f"source-{n}", kind="import", url="") for n in range(number)]


def bars(
    calendar: SessionCalendar,
    sessions: int,
    rng: np.random.Generator,
    of: Sequence[Asset] | None = None,
) -> Iterator[PriceBar]:
    """Yield closes of correlated fat-tailed returns, 1 % a day, five basis points for yields."""
    days = [day.item() for day in calendar.dates[-sessions:]]
    listed = assets() if of is None else of
    moves = returns(rng, len(listed), sessions)
    for asset, line in zip(listed, moves, strict=True):
        yields = asset.unit == "yield_pct"
        close = 20 + 0.05 * np.cumsum(line) if yields else 100 * np.exp(0.01 * np.cumsum(line))
        for day, value in zip(days, close, strict=True):
            as_of = pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=21)
            known = as_of.to_pydatetime()
            yield PriceBar(
                asset_id=asset.id, date=day, close=float(value), as_of=known, known_at=known
            )


def twelve() -> list[Narrative]:
    """Return the shipped narratives."""
    from nlp.narratives import load_taxonomy

    return list(load_taxonomy())[:12]


def build(path: Path, *, sessions: int, per_day: int = 300) -> None:
    """Write the file of a store of some years."""
    with Store.open(path, create=True) as store:
        fill(store, twelve(), sessions=sessions, per_day=per_day)
