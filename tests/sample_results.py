"""What the sample store says of its world: intensity, a scan and two explanations."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import sqrt

import numpy as np

from store import Store
from store.records import (
    AlignmentCell,
    Analog,
    Asset,
    Confirmation,
    Coverage,
    Episode,
    Explanation,
    Falsifier,
    IntensityPoint,
    Move,
    Quote,
    Stance,
    Suspect,
    SuspectParts,
    SuspectStatus,
    Tagging,
)
from tests.sample_setting import setting
from tests.sample_world import ASSETS, CHANGE_UNITS, MISSING, NARRATIVES, NOW, PATHS, sessions


def intensity(taggings: Sequence[Tagging], store: Store) -> list[IntensityPoint]:
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


def cells() -> list[AlignmentCell]:
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


CONFIRMATIONS = (
    Confirmation(
        narrative_id="dollar-policy",
        asset_id="DXY",
        lag=1,
        named_at=date(2026, 1, 28),
        named_by="scan",
        named_sign=-1,
        named_effect=-0.52,
        horizon=1,
        sessions=2,
        partial_effect=-0.47,
        partial_p=0.003,
    ),
    Confirmation(
        narrative_id="geopolitics",
        asset_id="GLD",
        lag=2,
        named_at=date(2025, 9, 30),
        named_by="settings",
        named_sign=1,
        named_effect=None,
        horizon=2,
        sessions=60,
        oos_n=58,
        oos_effect=0.06,
        oos_low=-0.2,
        oos_high=0.32,
        oos_p=0.32,
        oos_p_adj=0.32,
        partial_effect=0.02,
        partial_p=0.81,
        forecast_n=58,
        forecast_r2=-0.008,
        forecast_p=0.6,
        status="not confirmed",
        closes_on=date(2025, 12, 24),
    ),
)

EPISODES = (
    Episode(id="2020-03-12", date=date(2020, 3, 12), name="12 March 2020", label="squeeze"),
    Episode(id="2021-05-19", date=date(2021, 5, 19), name="19 May 2021", label="crypto"),
    Episode(
        id="2020-03-24",
        date=date(2020, 3, 24),
        name="Unlimited purchases",
        label="fed-policy or squeeze",
        kind="relief",
    ),
)


def _change(asset: Asset, day: date) -> float:
    path = PATHS[asset.id]
    change = path[2] if day == date(2026, 1, 27) else path[3]
    return round(change * 100, 2) if asset.unit == "yield_pct" else change


def explanation(day: date, sigmas: Sequence[float], taggings: Sequence[Tagging]) -> Explanation:
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
                unit=CHANGE_UNITS.get(asset.unit, "return"),
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
            for place, episode in enumerate(EPISODES)
        ],
        analog_like=[],
        analog_statement="No past episode is distinguishable: several are equally near in shape.",
        falsifiers=[
            Falsifier(condition="Gold ETF closes above 495", series="GLD", by=date(2026, 2, 6)),
            Falsifier(condition="Dollar index closes below 96", series="DXY", by=date(2026, 2, 6)),
            Falsifier(
                condition="no more than 1.0 % of the stories carry “fed-policy”",
                series="intensity:fed-policy",
                by=date(2026, 2, 13),
            ),
        ],
        coverage=Coverage(stories=14, sources=4, sources_expected=4, share_of_panel=1.0),
        **setting(day),
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
