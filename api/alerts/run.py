"""The end of a night: look at the sessions that closed, and keep what a person should be told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.alerts.findings import (
    NEWER,
    PAST,
    Said,
    flip,
    is_loud,
    loud,
    suspected,
    turned,
    was_found,
)
from api.alerts.fold import Change, fold
from api.alerts.rules import AlertSettings, Rule
from api.alerts.silence import PAST as PAST_OF_SOURCES
from api.alerts.silence import quiet
from store.instants import from_text, optional_instant
from store.records import Alert, AlertFinding, Outlet, Quote
from store.results import explanation_of

if TYPE_CHECKING:
    from store import Store
    from store.pages import Pages

LATEST = 5  # weekdays that a night looks at: what a missed or a late night left is caught up
_QUOTES = 3
# A crawl that is meant for a session begins after its close; the one before, days earlier.
_CRAWLS = timedelta(days=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a night's look came to: alerts that are new, and those that went on."""

    raised: Sequence[Alert] = ()
    updated: Sequence[Alert] = ()


def evaluate(
    store: "Store", settings: AlertSettings, sources: Sequence[str], *, now: datetime
) -> Evaluation:
    """Look at the last sessions that closed, and store the alerts that come of them.

    Sessions that were looked at before give what they gave: the same night twice writes
    nothing. An archive of years raises none of its old days.

    Parameters
    ----------
    sources : sequence of str
        Ids of the sources that the settings name; others are not missed when they are quiet.
    """
    recent = weekdays(now.date() - timedelta(days=2 * LATEST), now.date())
    closed = [day for day in recent if _close(store.pages, day) <= now][-LATEST:]
    talk = Talk.read(store.pages, closed[0], closed[-1])
    findings = [
        one for day in closed for one in findings_of(store, settings, sources, day, talk, now=now)
    ]
    if not findings:
        return Evaluation()
    changes = fold(findings, store.alerts.latest(), settings, now=now)
    if not changes:
        return Evaluation()
    run = store.runs.begin("alerts", now=now)
    with store.transaction():
        for change in changes:
            _keep(store, change, now, run.id)
    raised = [change.alert for change in changes if change.is_new]
    updated = [change.alert for change in changes if not change.is_new]
    run.finish(now=now, counts={"raised": len(raised), "updated": len(updated)})
    return Evaluation(raised=raised, updated=updated)


def _keep(store: "Store", change: Change, now: datetime, run_id: str) -> None:
    alert = change.alert
    store.alerts.save(alert, change.findings, now=now, run_id=run_id)
    if change.is_sent:
        channels = {channel for one in change.findings for channel in one.channels}
        store.alerts.enqueue(alert.id, channels | store.alerts.channels_of(alert.id), alert.version)


def replay(
    store: "Store",
    settings: AlertSettings,
    sources: Sequence[str],
    first: date,
    last: date,
    *,
    now: datetime,
) -> Iterator[tuple[date, list[Change]]]:
    """Yield what each session of a period would have raised or added to; nothing is written.

    Begins without any alert standing. Sources are judged as active or not as they are now.
    """
    standing: dict[str, Alert] = {}
    talk = Talk.read(store.pages, first, last)
    for day in weekdays(first, last):
        close = _close(store.pages, day)
        if close > now:
            return
        findings = findings_of(store, settings, sources, day, talk, now=now)
        changes = fold(findings, list(standing.values()), settings, now=close)
        standing |= {change.alert.id: change.alert for change in changes}
        yield day, changes


def weekdays(first: date, last: date) -> list[date]:
    """Return the weekdays between two days, both included.

    A holiday is among them: it has no rows, so no rule but that on sources finds anything.
    """
    count = (last - first).days + 1
    days = (first + timedelta(days=number) for number in range(max(0, count)))
    return [day for day in days if day.weekday() < 5]


def findings_of(
    store: "Store",
    settings: AlertSettings,
    sources: Sequence[str],
    day: date,
    talk: "Talk",
    *,
    now: datetime,
) -> list[AlertFinding]:
    """Return what the rules find in one session that has closed; nothing is written."""
    by_kind: dict[str, list[Rule]] = {}
    for rule in settings.rules:
        by_kind.setdefault(rule.rule, []).append(rule)
    found = list(_of_narratives(store, by_kind, talk, day.isoformat()))
    found += _of_suspects(store, by_kind.get("suspect", []), talk.names, day.isoformat())
    if by_kind.get("source_quiet") and sources:
        found += _of_sources(store, by_kind["source_quiet"], sources, day, now)
    channels = {rule.id: settings.channels_of(rule) for rule in settings.rules}
    return [replace(one, channels=channels[one.rule_id]) for one in found]


# -- narratives ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The intensities that a number of sessions are judged by, read once.

    Attributes
    ----------
    days : list of str
        Sessions that have an intensity, ascending.
    points : mapping
        By narrative and session.
    names : mapping
        Of the active narratives by id.
    found_on : mapping
        The day on which a narrative was found, but for those known beforehand.
    """

    days: list[str]
    points: Mapping[tuple[str, str], dict[str, Any]]
    names: Mapping[str, str]
    found_on: Mapping[str, str]

    @classmethod
    def read(cls, pages: "Pages", first: date, last: date) -> "Talk":
        """Return what is needed to judge the sessions between two days, both included."""
        most = PAST + (last - first).days + 1
        days = pages.days(most, until=last.isoformat())
        return cls(
            days=days,
            points={(one["narrative_id"], one["day"]): one for one in pages.series.intensity(days)},
            names={row["id"]: row["name"] for row in pages.narratives()},
            found_on=pages.found_on(),
        )

    def until(self, narrative: str, day: str) -> list[dict[str, Any]]:
        """Return a session and those before it that its usual share is taken from.

        The same whatever else was read: a replay must see what the night saw.
        """
        place = self.days.index(day)
        window = self.days[max(0, place - PAST) : place + 1]
        return [self.points[narrative, one] for one in window if (narrative, one) in self.points]


def _of_narratives(
    store: "Store", rules: dict[str, list[Rule]], talk: Talk, day: str
) -> Iterator[AlertFinding]:
    if day not in talk.days:
        return
    for rule in (*rules.get("innovation", []), *rules.get("stance_flip", [])):
        look = _loud if rule.rule == "innovation" else _flipped
        for narrative, name in talk.names.items():
            if rule.narratives and narrative not in rule.narratives:
                continue
            if not was_found(talk.found_on.get(narrative), day):
                continue
            finding = look(store, rule, name, narrative, talk.until(narrative, day), day)
            if finding is not None:
                yield finding


def _loud(
    store: "Store", rule: Rule, name: str, narrative: str, points: list[dict[str, Any]], day: str
) -> AlertFinding | None:
    if not is_loud(rule, points, day):
        return None
    window = store.pages.window([day])
    said = Said(
        sources=store.alerts.outlets_of(narrative, window),
        quotes=_quotes(store.pages, narrative, window, ("favor", "against", "none")),
    )
    return loud(rule, name, points, day, said)


def _flipped(
    store: "Store", rule: Rule, name: str, narrative: str, points: list[dict[str, Any]], day: str
) -> AlertFinding | None:
    turn = turned(rule, points, day)
    if turn is None:
        return None
    window = store.pages.window([turn.days[NEWER - 1], day])
    side = "favor" if turn.side > 0 else "against"
    quotes = _quotes(store.pages, narrative, window, (side,))
    return flip(rule, name, narrative, day, turn, quotes)


def _quotes(
    pages: "Pages", narrative: str, window: tuple[str, str], stances: Sequence[str]
) -> list[Quote]:
    """Return the surest passages, one of each stance first."""
    by_stance = [pages.stories.quotes(narrative, one, window, _QUOTES) for one in stances]
    found: list[dict[str, Any]] = []
    for place in range(_QUOTES):
        found += [rows[place] for rows in by_stance if len(rows) > place]
    return [_quote(row) for row in found[:_QUOTES]]


def _quote(row: dict[str, Any]) -> Quote:
    return Quote(
        document_id=row["document_id"],
        url=row["url"],
        published_at=optional_instant(row["published_at"]),
        stance=row["stance"],
        quote=row["quote"],
    )


# -- suspects and sources ------------------------------------------------------------


def _of_suspects(
    store: "Store", rules: Sequence[Rule], names: Mapping[str, str], day: str
) -> list[AlertFinding]:
    stored = store.pages.explanation(day) if rules else None
    if stored is None:
        return []
    explanation = explanation_of(stored)
    found = (suspected(rule, explanation, names) for rule in rules)
    return [_with_words(store, one, day) for one in found if one is not None]


def _with_words(store: "Store", finding: AlertFinding, day: str) -> AlertFinding:
    """Quote what was said of an asset that moved where no narrative stands out."""
    kind, _, asset = finding.subject.partition(":")
    if kind != "move":
        return finding
    said = store.alerts.naming(asset, store.pages.window([day]), _QUOTES)
    return replace(finding, quotes=[_quote({**row, "stance": "none"}) for row in said])


def _of_sources(
    store: "Store", rules: Sequence[Rule], sources: Sequence[str], day: date, now: datetime
) -> list[AlertFinding]:
    """Judge the sources by what the first crawl after a session's close had brought.

    Without such a crawl nothing was asked, and nobody is missed.
    """
    close = _close(store.pages, day)
    until = min(now, _next_close(store.pages, day) - timedelta(seconds=1))
    crawls = store.alerts.crawls(close - _CRAWLS, until)
    after = [at for at in crawls if at >= close]
    if not after:
        return []
    start = _night_before(store.pages, crawls, day, close)
    end = after[0]
    outlets: list[Outlet] = store.alerts.outlets(set(sources), end - PAST_OF_SOURCES, end)
    found = (quiet(rule, outlets, day, start, end) for rule in rules)
    return [one for one in found if one is not None]


def _night_before(
    pages: "Pages", crawls: Sequence[datetime], day: date, close: datetime
) -> datetime:
    """Return when the sources were judged before: each crossing falls between two such nights."""
    for back in range(1, _CRAWLS.days):
        earlier = day - timedelta(days=back)
        if earlier.weekday() >= 5:
            continue
        begin = _close(pages, earlier)
        end = _next_close(pages, earlier)
        nights = [at for at in crawls if begin <= at < end]
        if nights:
            return nights[0]
    return close - _CRAWLS


def _next_close(pages: "Pages", day: date) -> datetime:
    """Return the close of the next weekday."""
    after = day + timedelta(days=1)
    while after.weekday() >= 5:
        after += timedelta(days=1)
    return _close(pages, after)


def _close(pages: "Pages", day: date) -> datetime:
    return from_text(pages.close_of(day.isoformat()))
