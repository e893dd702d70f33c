"""What the alerts pass on: a finding, the story it belongs to, and how it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.records.results import Quote
from store.records.vocabulary import AlertRule, DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """A row of the store that a finding rests on: table, and the columns that name the row."""

    table: str
    key: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFinding:
    """What one rule found in one session; a row of ``alert_findings``.

    Attributes
    ----------
    rule_id : str
        Id of the rule in the settings; the shipped ones are called as their kind.
    subject : str
        What it is about: ``narrative:ID``, ``move:ASSET`` or ``sources``.
    severity : int
        1 to 3; a story is told again when it rises.
    peak : float or None
        Size in sigmas, where the finding has one.
    statement : str
        One sentence; every number in it is among ``numbers`` or the settings of the rule.
    numbers : mapping
        Level, what was seen, n and interval by name, as stored: shares in [0, 1].
    path : str
        Page that shows the evidence.
    channels : sequence of str
        Where the rule sends to; not stored.
    """

    rule: AlertRule
    rule_id: str
    subject: str
    day: date
    severity: int
    peak: float | None
    title: str
    statement: str
    numbers: Mapping[str, float | int | str | None]
    rows: Sequence[EvidenceRow]
    quotes: Sequence[Quote] = ()
    path: str
    channels: Sequence[str] = ()

    @property
    def key(self) -> tuple[str, date]:
        """Rule and session: an alert holds each once."""
        return self.rule_id, self.day


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One evolving story, rewritten in place; a row of ``alerts``.

    Attributes
    ----------
    first_day, last_day : date
        Sessions of its first and its last finding.
    version : int
        Times it was given out to be sent: 1 when it is raised, more as it escalates.
    versioned_at : datetime
        When that was last.
    sent_severity, sent_peak : int and float or None
        Severity and size then.
    earlier_id : str or None
        The alert before it on the same subject.
    known : frozenset of (rule id, date)
        Findings that it holds.
    """

    id: str
    subject: str
    title: str
    severity: int
    peak: float | None
    first_day: date
    last_day: date
    raised_at: datetime
    updated_at: datetime
    version: int
    versioned_at: datetime
    sent_severity: int
    sent_peak: float | None
    earlier_id: str | None = None
    known: frozenset[tuple[str, date]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One version of an alert on its way to one channel; a row of ``deliveries``.

    Attributes
    ----------
    attempts : int
        Times that it was tried.
    error : str or None
        Why the last attempt failed; holds no secret.
    """

    alert_id: str
    channel: str
    version: int
    state: DeliveryState = "waiting"
    attempts: int = 0
    tried_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A source that is crawled, and when something new came from it.

    Attributes
    ----------
    arrivals : sequence of datetime
        Instants from which its documents count, ascending, each once.
    """

    id: str
    name: str
    arrivals: Sequence[datetime]
