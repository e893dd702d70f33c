"""A small, finished database for tests of what is shown: every table has rows.

Three weeks in January 2026 (2026-W03 to W05, one New York holiday), 12 narratives, 4
sources, 60 documents (copies, one language that is not covered, one hostile page), 8 assets,
two explanations, a full scan, failures and a day that was not collected. Made up, but shaped
like the real thing, and the same bytes of content every time.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from math import sqrt
from pathlib import Path

import numpy as np

from store import Store
from store.records import (
    AlignmentCell,
    Analog,
    Asset,
    ChangeUnit,
    Coverage,
    Document,
    Entity,
    Episode,
    Explanation,
    Failure,
    Falsifier,
    Fetch,
    IntensityPoint,
    Label,
    Move,
    Narrative,
    Passage,
    PriceBar,
    Quote,
    Source,
    SourceState,
    Stance,
    Suspect,
    SuspectParts,
    SuspectStatus,
    Tagging,
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
_PATHS = {
    "SPY": (690.0, 0.006, 0.004, -0.003),
    "QQQ": (620.0, 0.008, 0.008, -0.012),
    "GLD": (415.0, 0.011, 0.021, -0.103),
    "SLV": (72.0, 0.024, 0.048, -0.285),
    "DXY": (98.6, 0.003, -0.012, 0.0074),
    "DGS10": (4.18, 0.04, 0.01, 0.02),
    "VIX": (15.4, 0.9, 0.3, 0.6),
    "BTC": (90500.0, 0.018, 0.012, -0.006),
}
_CHANGE_UNITS: dict[str, ChangeUnit] = {"yield_pct": "bp", "level": "points"}
_SIGMA_27 = (0.7, 1.0, 1.9, 2.0, -3.4, 0.3, 0.3, 0.6)
_SIGMA_30 = (-0.5, -1.3, -7.9, -11.7, 2.4, 0.5, 0.6, -0.4)

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
_SAID = {
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
_STANCES: tuple[Stance, Stance, Stance] = ("favor", "against", "none")


def sessions() -> list[date]:
    """Return the 14 New York sessions of the sample."""
    first = date(2026, 1, 12)
    days = [first + timedelta(days=n) for n in range(19)]
    return [day for day in days if day.weekday() < 5 and day != HOLIDAY]


def populated_store(path: Path) -> None:
    """Write the sample database; the file must not exist yet."""
    with Store.open(path, create=True) as store, store.transaction():
        crawl = store.runs.begin("crawl", now=NOW)
        store.sources.sync(SOURCES)
        store.narratives.sync(NARRATIVES, TAXONOMY)
        store.assets.sync(ASSETS)
        taggings = _add_documents(store, crawl.id)
        _add_fetches(store, crawl.id)
        for failure in _FAILURES:
            crawl.fail(failure)
        crawl.finish(now=NOW, code=3, counts={"new": 60, "failed": len(_FAILURES)})
        prices = store.runs.begin("prices", now=NOW)
        store.prices.add(_bars(), prices.id)
        prices.finish(now=NOW, counts={"new": 8})
        tag = store.runs.begin("tag", now=NOW, models={"encoder": MODEL})
        store.labels.save(taggings, tag.id)
        tag.finish(now=NOW, counts={"tagged": 59, "untagged": 1})
        align = store.runs.begin("align", now=NOW)
        points = _intensity(taggings, store)
        store.results.add_intensity(points, seen_at=NOW, run_id=align.id)
        store.results.replace_alignments(_cells(), run_id=align.id)
        store.results.sync_episodes(_EPISODES)
        explanations = [
            _explanation(date(2026, 1, 27), _SIGMA_27, taggings),
            _explanation(date(2026, 1, 30), _SIGMA_30, taggings),
        ]
        store.results.save_explanations(explanations, days=1, run_id=align.id)
        align.finish(now=NOW, counts={"intensity": len(points)})


def empty_store(path: Path) -> None:
    """Write a database that has documents of one day and nothing else."""
    with Store.open(path, create=True) as store, store.transaction():
        run = store.runs.begin("crawl", now=NOW)
        store.sources.sync(SOURCES)
        day = sessions()[-1]
        store.documents.add([_document(0, day, "desk-notes", "One note", "Quiet.", None)], run.id)
        run.finish(now=NOW)


# -- documents and labels -----------------------------------------------------------


def _hex(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()


def _document(
    number: int, day: date, source: str, title: str, text: str, copy_of: str | None
) -> Document:
    at = datetime(day.year, day.month, day.day, 12 + number % 8, 7 * number % 60, tzinfo=UTC)
    url = f"https://{source}.example/{day}/{number}"
    if title == HOSTILE_TITLE:
        url = "javascript:alert(1)"
    return Document(
        id=_hex(f"{source}/{number}", 8),
        source_id=source,
        guid=f"tag:{number}",
        entry_key=f"guid:tag:{number}",
        url=url,
        canonical_url=url,
        title=title,
        text=text,
        author="A. Writer" if number % 3 else None,
        language="fi" if number == 17 else "en",
        published_at=at,
        first_seen_at=at + timedelta(minutes=20),
        effective_at=at + timedelta(minutes=20),
        date_source="feed",
        content_hash=_hex(title + text, 16),
        duplicate_of=copy_of,
    )


def _carried(number: int, day: date) -> list[tuple[str, int]]:
    """Return (narrative, index of the stance) of a document; the last days talk of metals."""
    names = list(_SAID)
    rng = np.random.default_rng(number)
    if day >= date(2026, 1, 30):
        pool = ["fed-policy", "deleveraging", "dollar-policy", "geopolitics"]
        first = pool[number % 4]
        return [(first, 1 if first in ("dollar-policy", "geopolitics") else 0), ("fed-policy", 0)][
            : 1 + (first != "fed-policy")
        ]
    if date(2026, 1, 26) <= day <= date(2026, 1, 28) and number % 2:
        return [("dollar-policy", 0)]
    return [(names[int(rng.integers(len(names)))], int(rng.choice(3, p=[0.55, 0.25, 0.2])))]


def _add_documents(store: Store, run_id: str) -> list[Tagging]:
    days = sessions()
    documents: list[Document] = []
    taggings: list[Tagging] = []
    for number in range(60):
        day = days[min(number // 4, len(days) - 1)]
        source = "tape-talk" if day == MISSING else SOURCES[number % 4].id
        carried = _carried(number - (number % 15 == 14), day)
        said = [_SAID[narrative][stance] for narrative, stance in carried]
        copy = documents[number - 1] if number % 15 == 14 else None
        if copy is not None:
            title, text = copy.title, copy.text
        elif number == 41:
            title, text = HOSTILE_TITLE, f"<img src=x onerror=alert(1)> {said[0]} </p>"
        else:
            title = f"{day:%d %B}, note {number}: {said[0].split(' ', 1)[0].lower()} and the tape"
            text = f"{' '.join(said)} This is note {number} of {day.isoformat()}."
        document = _document(number, day, source, title, text, copy.id if copy else None)
        documents.append(document)
        taggings.append(_tagging(document, carried, untagged=number == 17))
    store.documents.add(documents, run_id)
    return taggings


def _tagging(document: Document, carried: list[tuple[str, int]], *, untagged: bool) -> Tagging:
    if untagged:
        return Tagging(
            document_id=document.id,
            content_hash=document.content_hash,
            model=MODEL,
            taxonomy=TAXONOMY,
            outcome="untagged",
            language="fi",
            reason="language 'fi' is not covered",
        )
    passages, labels = [], []
    for position, (narrative, stance) in enumerate(carried):
        sentence = _SAID[narrative][stance]
        start = document.text.index(sentence)
        passage = Passage(
            id=f"{document.id}:{position}",
            document_id=document.id,
            position=position,
            part="text",
            start=start,
            end=start + len(sentence),
            text=sentence,
        )
        passages.append(passage)
        labels.append(
            Label(
                passage_id=passage.id,
                document_id=document.id,
                narrative_id=narrative,
                probability=0.7 + 0.02 * (len(document.title) % 12),
                stance=_STANCES[stance],
                stance_probability=0.8,
                is_causal_claim=narrative == "fed-policy" and stance == 0,
                model=MODEL,
                taxonomy=TAXONOMY,
            )
        )
    entities = [
        Entity(document_id=document.id, text="gold", label="ASSET", asset_id="GLD", count=1)
    ]
    return Tagging(
        document_id=document.id,
        content_hash=document.content_hash,
        model=MODEL,
        taxonomy=TAXONOMY,
        outcome="tagged",
        language="en",
        passages=passages,
        labels=labels,
        entities=entities if "gold" in document.text.lower() else (),
    )


def _add_fetches(store: Store, run_id: str) -> None:
    for source in SOURCES:
        broken = source.id == "wire-east"
        store.fetches.add(
            Fetch(
                source_id=source.id,
                url=source.url,
                outcome="server_error" if broken else "ok",
                http_status=503 if broken else 200,
                bytes=0 if broken else 18_432,
                seconds=0.4,
                etag=None,
                last_modified=None,
                body_hash=None,
                fetched_at=NOW,
            ),
            run_id,
        )
        store.sources.save_state(
            SourceState(
                source_id=source.id,
                url=source.url,
                status="failing" if broken else "active",
                errors=3 if broken else 0,
                last_ok_at=NOW - timedelta(days=3 if broken else 0),
            )
        )


_FAILURES = (
    Failure(
        stage="crawl",
        item="https://wire.example/feed",
        kind="server_error",
        message="the server of 'wire-east' answered 503",
        advice="wait: it is asked again tomorrow",
    ),
    Failure(
        stage="crawl",
        item="https://harbour.example/members/1",
        kind="robots_denied",
        message="robots.txt of 'harbour.example' denies '/members/'",
        advice="nothing to do: the feed's own summary is kept",
    ),
)


# -- prices -------------------------------------------------------------------------


def _bars() -> list[PriceBar]:
    days = [date(2025, 11, 17) + timedelta(days=n) for n in range(75)]
    days = [day for day in days if day.weekday() < 5 and day != HOLIDAY]
    bars = []
    for number, asset in enumerate(ASSETS):
        level, volatility, on_27, on_30 = _PATHS[asset.id]
        rng = np.random.default_rng(number)
        for day in days:
            step = float(rng.normal(0.0, volatility))
            step = {date(2026, 1, 27): on_27, date(2026, 1, 30): on_30}.get(day, step)
            level = level + step if asset.unit in ("yield_pct", "level") else level * (1 + step)
            as_of = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
            bars.append(
                PriceBar(
                    asset_id=asset.id,
                    date=day,
                    close=round(level, 4),
                    as_of=as_of,
                    known_at=as_of + timedelta(minutes=15),
                )
            )
    return bars


# -- results ------------------------------------------------------------------------


def _intensity(taggings: Sequence[Tagging], store: Store) -> list[IntensityPoint]:
    documents = {document.id: document for document in store.documents.get_many(_ids(taggings))}
    points = []
    for day in sessions():
        today = [
            tagging
            for tagging in taggings
            if documents[tagging.document_id].effective_at.date() == day
            and documents[tagging.document_id].duplicate_of is None
            and tagging.outcome == "tagged"
        ]
        for narrative in NARRATIVES:
            stances = [
                label.stance
                for tagging in today
                for label in tagging.labels
                if label.narrative_id == narrative.id
            ]
            points.append(_point(narrative.id, day, stances, len(today)))
    return points


def _ids(taggings: Sequence[Tagging]) -> list[str]:
    return [tagging.document_id for tagging in taggings]


def _point(narrative: str, day: date, stances: list[Stance], total: int) -> IntensityPoint:
    missing = day == MISSING
    n = len(stances)
    share, low, high = _wilson(n, total) if total else (0.0, 0.0, 1.0)
    favor, against = stances.count("favor"), stances.count("against")
    sided = favor + against
    return IntensityPoint(
        narrative_id=narrative,
        day=day,
        stories=n,
        effective_n=float(total),
        share=None if missing else share,
        share_low=None if missing else low,
        share_high=None if missing else high,
        zscore=None if missing or day < date(2026, 1, 26) else round(3.0 * share - 0.3, 2),
        innovation=None if missing or day < date(2026, 1, 26) else round(2.0 * share - 0.2, 2),
        favor=favor,
        against=against,
        neutral=stances.count("none"),
        net_stance=round((favor - against) / (sided + 2), 3) if sided >= 3 else None,
        disagreement=round(1 - abs(favor - against) / sided, 3) if sided >= 3 else None,
        novelty=1.0 if n else None,
        reach=n + (1 if n > 1 else 0),
    )


def _wilson(k: int, n: int) -> tuple[float, float, float]:
    z2 = 1.96**2
    centre = (k / n + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.96 * sqrt(k / n * (1 - k / n) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return round(k / n, 4), round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def _cells() -> list[AlignmentCell]:
    rng = np.random.default_rng(11)
    cells = []
    for narrative in NARRATIVES:
        for asset in ASSETS:
            for lag in range(-10, 11):
                effect = float(np.round(rng.normal(0.0, 0.14), 3))
                planted = (narrative.id, asset.id, lag) == ("dollar-policy", "DXY", 1)
                effect = -0.52 if planted else effect
                short = narrative.id == "recession"
                cells.append(
                    AlignmentCell(
                        narrative_id=narrative.id,
                        asset_id=asset.id,
                        lag=lag,
                        n=12 if short else 44,
                        effect=None if short else effect,
                        effect_low=None if short else round(max(-1.0, effect - 0.29), 3),
                        effect_high=None if short else round(min(1.0, effect + 0.29), 3),
                        pvalue=None if short else (0.0008 if planted else 0.4),
                        pvalue_adj=None if short else (0.04 if planted else 1.0),
                        method="pearson, innovations, circular shift max-T",
                        window_start=date(2025, 11, 17),
                        window_end=date(2026, 1, 30),
                    )
                )
    return cells


_EPISODES = (
    Episode(id="2020-03-12", date=date(2020, 3, 12), name="12 March 2020", label="squeeze"),
    Episode(id="2021-05-19", date=date(2021, 5, 19), name="19 May 2021", label="crypto"),
    Episode(id="2013-06-20", date=date(2013, 6, 20), name="Taper tantrum", label="fed-policy"),
)


def _change(asset: Asset, day: date) -> float:
    path = _PATHS[asset.id]
    change = path[2] if day == date(2026, 1, 27) else path[3]
    return round(change * 100, 2) if asset.unit == "yield_pct" else change


def _explanation(day: date, sigmas: Sequence[float], taggings: Sequence[Tagging]) -> Explanation:
    flush = day == date(2026, 1, 30)
    order = ["fed-policy", "deleveraging"] if flush else ["dollar-policy"]
    order += [narrative.id for narrative in NARRATIVES if narrative.id not in order]
    as_of = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
    return Explanation(
        date=day,
        window_start=day,
        window_end=day,
        moves=[
            Move(
                asset_id=asset.id,
                name=asset.name,
                change=_change(asset, day),
                unit=_CHANGE_UNITS.get(asset.unit, "return"),
                sigma=sigma,
                as_of=as_of,
            )
            for asset, sigma in zip(ASSETS, sigmas, strict=True)
        ],
        premise=(
            "Silver ETF -28.5 % (-11.7 sigma) and Gold ETF -10.3 % (-7.9 sigma) fell while"
            " Dollar index rose +0.7 % (+2.4 sigma); S&P 500 ETF hardly moved (-0.3 %)."
            if flush
            else "Dollar index -1.2 % (-3.4 sigma) fell; nothing else moved by 2.5 sigma."
        ),
        verdict="not distinguishable" if flush else "suspects",
        clarity=0.42 if flush else 0.71,
        suspects=[
            _suspect(narrative, rank, flush, taggings)
            for rank, narrative in enumerate(order, start=1)
        ],
        analogs=[
            Analog(
                episode=episode.id,
                date=episode.date,
                cosine=round(0.68 - 0.13 * place, 2),
                distance=round(4.1 + 0.6 * place, 2),
                percentile=round(0.89 - 0.09 * place, 2),
            )
            for place, episode in enumerate(_EPISODES)
        ],
        analog_like=[],
        analog_statement="No past episode is distinguishable: several are equally near in shape.",
        falsifiers=[
            Falsifier(condition="Gold ETF closes above 495", series="GLD", by=date(2026, 2, 6)),
            Falsifier(condition="Dollar index closes below 96", series="DXY", by=date(2026, 2, 6)),
            Falsifier(
                condition="VIX closes above 25 while gold recovers",
                series="VIX",
                by=date(2026, 2, 13),
            ),
        ],
        coverage=Coverage(stories=14, sources=4, sources_expected=4, share_of_panel=1.0),
    )


def _suspect(narrative: str, rank: int, flush: bool, taggings: Sequence[Tagging]) -> Suspect:
    top = 0.58 if flush else 0.72
    score = round(max(0.04, top - 0.06 * (rank - 1)), 3)
    weights = (0.3, 0.2, 0.15, 0.3)
    first = [round(score * weight, 4) for weight in weights]
    parts = SuspectParts(
        intensity=first[0],
        causal_claims=first[1],
        timing=first[2],
        signature=first[3],
        hard_data=round(score - sum(first), 4),
    )
    against = {"dollar-policy": ("GLD", "SLV", "DXY"), "geopolitics": ("GLD", "SLV")}
    contradicted = against.get(narrative, ()) if flush else ()
    status: SuspectStatus = "possible" if rank <= 2 else "quiet"
    if contradicted:
        status = "contradicted"
    elif not flush and rank == 1:
        status = "leading"
    elif narrative == "inflation":
        status = "follower"
    return Suspect(
        narrative_id=narrative,
        rank=rank,
        score=score,
        low=round(max(0.0, score - 0.14), 3),
        high=round(min(1.0, score + 0.13), 3),
        status=status,
        parts=parts,
        contradicted_by=contradicted,
        pre_move_share=None if status == "quiet" else round(max(0.05, 0.9 - 0.1 * rank), 2),
        placebo_percentile=None if narrative == "recession" else round(0.95 - 0.05 * rank, 2),
        quotes=_quotes(narrative, taggings, 2),
    )


def _quotes(narrative: str, taggings: Sequence[Tagging], most: int) -> list[Quote]:
    quotes: list[Quote] = []
    for tagging in reversed(taggings):
        for label, passage in zip(tagging.labels, tagging.passages, strict=True):
            known = {quote.quote for quote in quotes}
            if label.narrative_id == narrative and passage.text not in known and len(known) < most:
                number = passage.document_id
                quotes.append(
                    Quote(
                        document_id=number,
                        url=f"https://desk.example/{number}",
                        published_at=NOW - timedelta(hours=5),
                        stance=label.stance,
                        quote=passage.text,
                    )
                )
    return quotes
