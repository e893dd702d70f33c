"""What a run did and what failed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.records.vocabulary import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that could not be processed, and what a person can do about it."""

    stage: Stage
    item: str
    kind: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What a stage did, for the person who ran it.

    Attributes
    ----------
    counts : mapping
        Named counts, e.g. ``{"new": 12, "revised": 1}``; all zero when nothing was to do.
    failures : int
        Items that failed (rows of ``failures``); more than zero makes exit code 3.
    seconds : float
        Wall-clock time of the stage.
    notes : sequence of str
        Sentences that a person should read.
    """

    stage: Stage
    counts: Mapping[str, int]
    failures: int = 0
    seconds: float = 0.0
    notes: Sequence[str] = ()
