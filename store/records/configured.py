"""What the settings name: sources, assets, narratives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from store.records.vocabulary import AssetClass, AssetUnit, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One outlet or account as configured.

    Attributes
    ----------
    weight : float
        Weight of the outlet in an intensity, relative to the others; > 0.
    token_env : str or None
        Name of the environment variable that holds the access token.
    full_text : bool
        Also fetch the pages behind the links.
    handle : str or None
        Account or tag, for social kinds whose URL alone does not say it; themes and words for
        ``gdelt``.
    """

    id: str
    kind: SourceKind
    url: str
    name: str = ""
    weight: float = 1.0
    language: str | None = None
    full_text: bool = True
    token_env: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One price series as configured.

    Attributes
    ----------
    asset_class : AssetClass
        Column ``class`` of the table ``assets``.
    calendar : str
        Name of an exchange calendar (``XNYS``), or ``24/7``.
    source : str
        ``csv:PATH``, ``fred:SERIES``, ``derived:A-B`` ...; empty for an imported series.
    listed : bool
        Named in the settings; only listed assets enter the scan.
    """

    id: str
    name: str
    asset_class: AssetClass
    unit: AssetUnit = "price"
    calendar: str = "XNYS"
    source: str = ""
    listed: bool = True

    @property
    def legs(self) -> tuple[str, ...]:
        """The two series that a derived spread is made of; empty for any other asset."""
        if not self.source.startswith("derived:"):
            return ()
        return tuple(self.source.removeprefix("derived:").split("-"))


def without_legs(assets: Iterable[Asset]) -> list[Asset]:
    """Return the listed assets but for those that are only a leg of a listed spread.

    A rate and its spread over another would say the same thing twice.
    """
    listed = [asset for asset in assets if asset.listed]
    legs = {leg for asset in listed for leg in asset.legs}
    return [asset for asset in listed if asset.id not in legs]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCell:
    """One cell of the scan that a person named before looking.

    Attributes
    ----------
    lag : int
        Sessions, -10 to 10; positive: the narrative comes before the price.
    sign : int
        1: the price rises after more talk than forecast; -1: it falls.
    named : date
        Day on which it was named; only sessions after it count.
    """

    narrative_id: str
    asset_id: str
    lag: int
    sign: int
    named: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """A story about why markets move, written down beforehand as one proposition.

    Attributes
    ----------
    signature : mapping of asset id to ``"+" | "++" | "-" | "--" | "0" | "0/+" | "0/-"``
        Signs that the narrative predicts; an asset that is missing is unknown.
    core : sequence of asset ids
        The legs without whose move the narrative is not supported.
    origin : {"default", "custom"}
        Shipped with trained heads, or defined by the user.
    found_on : date or None
        Day on which it was found in what had happened: no lead is tested on earlier days. None:
        it was known beforehand.
    """

    id: str
    name: str
    proposition: str
    examples: Sequence[str] = ()
    keywords: Sequence[str] = ()
    signature: Mapping[str, str] = field(default_factory=dict)
    core: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    origin: Literal["default", "custom"] = "custom"
    found_on: date | None = None
