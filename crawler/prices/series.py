"""What came of asking for one asset, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from store.records import Asset, Failure, PriceAnswer, PriceBar


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of an asset before it is asked for."""

    bars: Mapping[date, PriceBar] = field(default_factory=dict)
    answer: PriceAnswer = field(default_factory=PriceAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a provider had to say of one asset.

    Attributes
    ----------
    bars : sequence of PriceBar
        By date; also what came before a failure in the middle.
    answer : PriceAnswer or None
        What to remember; None when the asset is to be asked again at once.
    remarks : tuple of str
        What was mended in the answer.
    """

    asset: Asset
    bars: Sequence[PriceBar] = ()
    answer: PriceAnswer | None = None
    failures: tuple[Failure, ...] = ()
    remarks: tuple[str, ...] = ()


def failure(item: str, kind: str, message: str, advice: str) -> Failure:
    """Return a row about something that could not be had."""
    return Failure(stage="prices", item=item, kind=kind, message=message, advice=advice)
