"""What stands beside the suspects of the sample store: one made-up record of each kind."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from store.records import (
    BlameDay,
    BlameShare,
    DoseLine,
    PlumbingLine,
    StampCount,
    Timing,
    TimingLine,
    Unusual,
)


def setting(day: date) -> dict[str, Any]:
    """Return the fields of an explanation beyond its suspects, its analogs and its falsifiers."""
    opened = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
    return {
        "unusual": Unusual(
            size_percentile=0.988,
            mean_percentile=0.972,
            placebo_p=0.03,
            mean=-1.2,
            t_bmp=-1.6,
            t_kp=-0.6,
            p_kp=0.55,
            correlation=0.26,
            assets=17,
            days=250,
        ),
        "timing": Timing(
            price_from=opened,
            price_to=opened + timedelta(hours=6.5),
            basis="closes",
            lines=(_early(opened),),
        ),
        "dose": (
            DoseLine(narrative_id="fed-policy", lag=0, effect=0.12, low=-0.1, high=0.34, n=89),
        ),
        "plumbing": (
            PlumbingLine(
                series="SOFR_IORB",
                name="SOFR minus IORB",
                value=3.0,
                unit="bp",
                value_date=day,
                known_at=opened - timedelta(hours=1.5),
                percentile=0.9,
                n=497,
                flags=("month-end",),
            ),
        ),
        "blame": (
            BlameDay(
                after=0,
                date=day,
                basis="claims",
                stories=8,
                shares=(
                    BlameShare(narrative_id="fed-policy", share=0.75),
                    BlameShare(narrative_id="deleveraging", share=0.25),
                ),
                entropy=0.23,
            ),
        ),
        "none_of_these": "“None of these” does not hold: “fed-policy” has two unusual lines.",
    }


def _early(opened: datetime) -> TimingLine:
    return TimingLine(
        narrative_id="fed-policy",
        first_at=opened - timedelta(hours=19),
        hours_before=19.0,
        stories=7,
        expected=0.8,
        pre_share=0.7,
        pre_share_low=0.7,
        pre_share_high=0.82,
        unsure=2,
        stamps=(StampCount(source="feed", stories=12),),
    )
