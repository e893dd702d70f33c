"""What the settings ask for: rules, hours in which nothing is sent, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Literal
from zoneinfo import ZoneInfo

from store.records import AlertRule

ChannelKind = Literal["atom", "jsonl", "webhook", "mail"]
MailSecurity = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; a field that its kind does not use is ignored.

    The numbers of the shipped rules were chosen on September to December 2025 of real
    headlines (docs/benchmarks.md).

    Attributes
    ----------
    level : float
        Sigmas: of the innovation, or of the day's largest move for ``suspect``.
    stories, sources : int
        Least number of stories that carry the narrative, or take a side in the newer window,
        and of the sources that they come from.
    pvalue : float
        Most that Fisher's exact test of a stance flip may give.
    net : float
        Least size of the newer net stance, in [0, 1].
    undecided : float or None
        Sigmas from which the largest move of a day counts without a suspect, too.
    days, gaps : float
        A source is quiet after so many days, and so many times its own usual gap.
    narratives, assets : sequence of str
        Ids that the rule is restricted to; empty for all.
    watched : sequence of str
        Sources that the rule is restricted to; empty for all.
    channels : sequence of str
        Ids of channels; empty for all.
    """

    id: str
    rule: AlertRule
    level: float = 0.0
    stories: int = 0
    sources: int = 0
    pvalue: float = 1.0
    net: float = 0.0
    undecided: float | None = None
    days: float = 3.0
    gaps: float = 2.0
    narratives: Sequence[str] = ()
    assets: Sequence[str] = ()
    watched: Sequence[str] = ()
    channels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where alerts go.

    Attributes
    ----------
    path : str
        File of ``atom`` and ``jsonl``, against the folder of the settings.
    url, url_env : str
        Address of a ``webhook``, or the environment variable that holds it.
    secret_env : str
        Environment variable with the key that signs what a webhook is sent.
    host, port, security, user, password_env, sender, to
        The mail server, how it is spoken to, and between whom.
    """

    id: str
    kind: ChannelKind
    path: str = ""
    url: str = ""
    url_env: str = ""
    secret_env: str = ""
    host: str = ""
    port: int = 0
    security: MailSecurity = "starttls"
    user: str = ""
    password_env: str = ""
    sender: str = ""
    to: Sequence[str] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that hold its secrets."""
        return tuple(name for name in (self.url_env, self.secret_env, self.password_env) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local hours in which nothing is sent; they may span midnight."""

    start: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Everything that ``[alerts]``, ``[[alert]]`` and ``[[channel]]`` say.

    Attributes
    ----------
    span : int
        Weekdays without a finding after which a story is over.
    escalate : float
        Sigmas by which a story must have grown to be told again.
    most_sent : int
        Times that one story is sent at most.
    attempts : int
        Times that a delivery is tried before it is given up.
    site : str
        Address that the links of mails, feeds and webhooks begin with.
    """

    rules: Sequence[Rule] = ()
    channels: Sequence[Channel] = ()
    quiet: QuietHours | None = None
    span: int = 5
    escalate: float = 2.0
    most_sent: int = 3
    attempts: int = 5
    site: str = "http://127.0.0.1:8001"

    def channels_of(self, rule: Rule) -> tuple[str, ...]:
        """Return the ids of the channels that a rule sends to."""
        wanted = set(rule.channels)
        return tuple(one.id for one in self.channels if not wanted or one.id in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDelivery:
    """Where the weekly report goes: a folder, channels of kind ``mail``, or both."""

    folder: str = ""
    channels: Sequence[str] = field(default=())
