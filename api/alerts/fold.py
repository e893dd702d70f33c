"""Which story a finding belongs to: one evolving story, one alert."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import quote

from api.alerts.rules import AlertSettings
from store.records import Alert, AlertFinding

# A story is told again a day later at the earliest; nights do not begin to the second.
_BETWEEN = timedelta(hours=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An alert that is new or was rewritten, with what it gained.

    Attributes
    ----------
    is_new, is_sent : bool
        It was raised now; a version of it is to be sent.
    """

    alert: Alert
    findings: Sequence[AlertFinding]
    is_new: bool
    is_sent: bool


@dataclass(slots=True)
class _Story:
    alert: Alert
    is_new: bool
    findings: list[AlertFinding] = field(default_factory=list)


def fold(
    findings: Sequence[AlertFinding],
    standing: Sequence[Alert],
    settings: AlertSettings,
    *,
    now: datetime,
) -> list[Change]:
    """Return the alerts that findings raise or add to; none when all are held already.

    Parameters
    ----------
    findings : sequence of AlertFinding
        Of any sessions, in any order.
    standing : sequence of Alert
        The last alerts of each subject.

    Notes
    -----
    A finding joins the alert of its subject whose sessions end, or begin, within ``span``
    weekdays of it, whatever the rule; else it raises a new one that names the one before.
    Folding the same findings twice changes nothing. A story that is standing is sent again
    when its severity rises, or its size by ``escalate`` sigmas over what was sent, at most
    once a day and ``most_sent`` times in all.
    """
    stories = [_Story(alert, is_new=False) for alert in standing]
    for finding in sorted(findings, key=lambda one: (one.day, -one.severity, one.rule_id)):
        own = [story for story in stories if story.alert.subject == finding.subject]
        if any(finding.key in story.alert.known for story in own):
            continue
        near = [one for one in own if _distance(one.alert, finding.day) <= settings.span]
        if near:
            story = min(near, key=lambda one: _distance(one.alert, finding.day))
        else:
            taken = {story.alert.id for story in stories}
            story = _raised(finding, [one.alert for one in own], taken, now)
            stories.append(story)
        _add(story, finding, now)
    changed = [story for story in stories if story.findings]
    return [_change(story, settings, now) for story in changed]


def weekdays_between(first: date, last: date) -> int:
    """Return the weekdays after ``first`` up to ``last``; 0 when that is not later."""
    days = (last - first).days
    if days <= 0:
        return 0
    whole, rest = divmod(days, 7)
    return 5 * whole + sum((first.weekday() + n) % 7 < 5 for n in range(1, rest + 1))


def is_over(last_day: date, today: date, span: int) -> bool:
    """Return whether a story has been quiet for so long that the next finding is another."""
    return weekdays_between(last_day, today) > span


def _distance(alert: Alert, day: date) -> int:
    return max(weekdays_between(alert.last_day, day), weekdays_between(day, alert.first_day))


def _raised(
    finding: AlertFinding, own: Sequence[Alert], taken: Collection[str], now: datetime
) -> _Story:
    earlier = max(
        (alert for alert in own if alert.last_day < finding.day),
        key=lambda alert: alert.last_day,
        default=None,
    )
    # What it is about, as one segment of an address: ids are texts of the settings.
    about = finding.subject.removeprefix("narrative:").replace(":", "-")
    name = f"{finding.day}-{quote(about, safe='').replace('%', '_')}"
    while name in taken:  # a narrative may be called "sources"
        name += "-"
    alert = Alert(
        id=name,
        subject=finding.subject,
        title=finding.title,
        severity=finding.severity,
        peak=finding.peak,
        first_day=finding.day,
        last_day=finding.day,
        raised_at=now,
        updated_at=now,
        version=1,
        versioned_at=now,
        sent_severity=finding.severity,
        sent_peak=finding.peak,
        earlier_id=earlier.id if earlier else None,
    )
    return _Story(alert, is_new=True)


def _add(story: _Story, finding: AlertFinding, now: datetime) -> None:
    alert = story.alert
    story.findings.append(finding)
    graver = finding.severity > alert.severity
    story.alert = replace(
        alert,
        title=finding.title if graver else alert.title,
        severity=max(alert.severity, finding.severity),
        peak=max((one for one in (alert.peak, finding.peak) if one is not None), default=None),
        last_day=max(alert.last_day, finding.day),
        updated_at=now,
        known=alert.known | {finding.key},
    )


def _change(story: _Story, settings: AlertSettings, now: datetime) -> Change:
    alert = story.alert
    again = not story.is_new and (
        _has_escalated(alert, settings)
        and alert.version < settings.most_sent
        and now - alert.versioned_at >= _BETWEEN
    )
    if story.is_new or again:
        alert = replace(
            alert,
            version=alert.version + again,
            versioned_at=now,
            sent_severity=alert.severity,
            sent_peak=alert.peak,
        )
    return Change(
        alert=alert, findings=story.findings, is_new=story.is_new, is_sent=story.is_new or again
    )


def _has_escalated(alert: Alert, settings: AlertSettings) -> bool:
    if alert.severity > alert.sent_severity:
        return True
    if alert.peak is None or alert.sent_peak is None:
        return False
    return alert.peak >= alert.sent_peak + settings.escalate
