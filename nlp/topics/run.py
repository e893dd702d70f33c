"""Discover topics in what no narrative covers: the stage ``discover``.

A window of whole days is looked at once; windows go forward only, each knowing the topics of
those before it and no later story. One transaction for each window and language, so a killed
run goes on with the next.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any

from nlp.errors import GroupingError
from nlp.topics.drift import drift_of
from nlp.topics.look import look
from nlp.topics.settings import DiscoverySettings
from nlp.topics.window import Found, Window, first_day
from store import Store
from store.records import Discovery, Failure, StageReport, Topic

Progress = Callable[..., Any]
# How far back the first weekly run looks.
_AT_FIRST = timedelta(weeks=8)
# What UMAP, HDBSCAN, scikit-learn and BERTopic raise over numbers that they cannot work with
# (LinAlgError is a ValueError). A lack of memory is no matter of the window alone.
_BREAKS = (ArithmeticError, ImportError, LookupError, RuntimeError, TypeError, ValueError)
# What the first window holds at least: what comes back every week is then known from before.
_HEAD_START = timedelta(weeks=1)


def discover(
    store: Store,
    *,
    settings: DiscoverySettings,
    now: datetime,
    since: date | None = None,
    progress: Progress | None = None,
) -> StageReport:
    """Look for topics in the last window, or in that of each week since a day.

    Parameters
    ----------
    now : datetime
        The last window ends with the day before: a day that is not over says nothing.
    since : date, optional
        Look at the windows that end on the settings' weekday, from this day on, in order. Those
        that were looked at are passed over.

    Returns
    -------
    StageReport
        Counts ``windows``, ``residual``, ``topics``, ``new``, ``proposed`` and ``outliers``.

    Notes
    -----
    A window that breaks is a row in ``failures``. Later ones of its language wait for it, since
    none can be looked at out of order; the next run tries again.
    """
    span = store.topics.span()
    if since is not None and span is not None:
        since = max(since, span[0].date())
    work = _Work(store, settings, now, progress)
    days = _days(now, since, settings.weekday)
    for day in days:
        for language in _languages(store, day, settings):
            last = _last(store, language)
            if last is not None and last.day >= day:
                work.notes.append(f"{day} was passed over: windows up to {last.day} were looked at")
            else:
                work.look_at(day, language, last)
        work.drift(day)
    if not (work.counts["windows"] or work.notes):
        work.notes.append(
            _too_few(store, days[-1], settings) if days else "no weekly window is due"
        )
    return work.done()


def discover_due(
    store: Store,
    *,
    settings: DiscoverySettings,
    now: datetime,
    progress: Progress | None = None,
) -> StageReport:
    """Look at the weekly windows that are due; mostly there is none.

    Those that came since the last run, and those of the last eight weeks that a language still
    lacks: at first all of them, from a week after the first story on, and later what broke. What
    the first holds is never proposed; with less than a week it would hold next to nothing.
    """
    span, runs = store.topics.span(), store.topics.discoveries()
    if span is None:
        return StageReport(stage="discover", counts={}, notes=["no labelled story"])
    since = now.astimezone(UTC).date() - _AT_FIRST
    if runs:
        since = min(since, max(one.day for one in runs) + timedelta(days=1))
    since = max(since, span[0].date() + _HEAD_START)
    work = _Work(store, settings, now, progress)
    looked = {one.language: one.day for one in runs}  # in order of days
    for day in _days(now, since, settings.weekday):
        due = [
            language
            for language in _languages(store, day, settings)
            if looked.get(language, date.min) < day
        ]
        for language in due:
            work.look_at(day, language, _last(store, language))
        if due:
            work.drift(day)
    if not (work.counts["windows"] or work.notes):
        work.notes.append("no weekly window is due")
    return work.done()


class _Work:
    """A run: what it has looked at, counted and said so far."""

    def __init__(
        self, store: Store, settings: DiscoverySettings, now: datetime, progress: Progress | None
    ) -> None:
        self.counts = dict.fromkeys(
            ("windows", "residual", "topics", "new", "proposed", "outliers"), 0
        )
        self.notes: list[str] = []
        self._store = store
        self._settings = settings
        self._now = now
        self._progress = progress
        self._broken: set[str] = set()
        self._started = time.monotonic()
        self._run = store.runs.begin("discover", now=now, settings={"seed": settings.grouping.seed})

    def look_at(self, day: date, language: str, last: Discovery | None) -> None:
        """Look at a window, unless an earlier one of its language broke."""
        window = (
            None
            if language in self._broken
            else _read(self._store, day, language, self._settings, last)
        )
        if window is None:
            return
        try:
            found = _found(window, self._settings, self._progress)
        except GroupingError as error:
            self._broken.add(language)
            self.notes.append(f"{error}: the next run tries again")
            self._run.fail(
                Failure(
                    stage="discover",
                    item=f"{language} {day}",
                    kind=type(error).__name__,
                    message=str(error),
                    advice="run 'tapestory discover' again; if it breaks again, report it with"
                    " this message",
                )
            )
            return
        _write(self._store, found, lambda: self._run.id)
        _count(self.counts, window, found)
        self.notes += [_proposal(topic, found) for topic in found.proposed]

    def drift(self, day: date) -> None:
        """Compare the narratives' telling in a window with that in the one before."""
        _drift(self._store, day, self._settings, lambda: self._run.id)

    def done(self) -> StageReport:
        """Close the run and report."""
        failures = self._run.failures
        self._run.finish(now=self._now, counts=self.counts, code=3 if failures else 0)
        return StageReport(
            stage="discover",
            counts=self.counts,
            failures=failures,
            seconds=time.monotonic() - self._started,
            notes=self.notes,
        )


def _found(window: Window, settings: DiscoverySettings, progress: Progress | None) -> Found:
    """Return what a window holds.

    Raises
    ------
    GroupingError
        A library that groups or describes could not.
    """
    try:
        return look(window, settings, progress=progress)
    except _BREAKS as error:
        said = " ".join(str(error).split())[:200] or "no message"
        raise GroupingError(
            f"the stories of {window.language!r} from {window.start} to {window.day} could not be"
            f" grouped ({type(error).__name__}: {said})"
        ) from error


def _days(now: datetime, since: date | None, weekday: int) -> list[date]:
    """Return the last days of the windows to look at."""
    last = now.astimezone(UTC).date() - timedelta(days=1)
    if since is None:
        return [last]
    span = (since + timedelta(days=n) for n in range((last - since).days + 1))
    return [day for day in span if day.isoweekday() == weekday]


def _languages(store: Store, day: date, settings: DiscoverySettings) -> list[str]:
    """Return the languages with enough stories; each encoder has a space of its own."""
    found = store.topics.languages(*_span(day, settings))
    return sorted(language for language, stories in found.items() if stories >= settings.fewest)


def _span(day: date, settings: DiscoverySettings) -> tuple[datetime, datetime]:
    """Return the instants from which and before which a window's stories count."""
    start = datetime.combine(first_day(day, settings), clock(), tzinfo=UTC)
    return start, datetime.combine(day + timedelta(days=1), clock(), tzinfo=UTC)


def _last(store: Store, language: str) -> Discovery | None:
    found = [one for one in store.topics.discoveries() if one.language == language]
    return found[-1] if found else None


def _read(
    store: Store, day: date, language: str, settings: DiscoverySettings, last: Discovery | None
) -> Window | None:
    """Return what a window rests on; None where too few stories are left to explain."""
    start, end = _span(day, settings)
    model = store.topics.model_of(language, start, end)
    if model is None:
        return None
    stories = store.topics.residual(language, model, start, end, weak=settings.weak)
    if len(stories) < settings.fewest:
        return None
    core: dict[str, list[bytes]] = {}
    for topic_id, vector in store.topics.core_vectors(language, model):
        core.setdefault(topic_id, []).append(vector)
    return Window(
        day=day,
        start=first_day(day, settings),
        language=language,
        model=model,
        stories=stories,
        counts=store.topics.counts(language, start, end),
        topics=store.topics.all(),
        core=core,
        members=store.topics.members([story.document_id for story in stories]),
        last=last,
    )


def _write(store: Store, found: Found, run_id: Callable[[], str]) -> None:
    """Write a window, in one transaction."""
    # A topic that is only near to stories of this window keeps those that represented it.
    changed = {one.topic_id for one in found.places if one.position is not None}
    with store.transaction():
        store.topics.save(found.topics, run_id=run_id())
        store.topics.unrank(changed)
        store.topics.place(found.places, left=found.left, run_id=run_id())
        store.topics.keep(found.discovery, found.weeks, found.changes, run_id=run_id())


def _drift(store: Store, day: date, settings: DiscoverySettings, run_id: Callable[[], str]) -> None:
    """Compare the telling of each narrative with that of the window before; once for a day."""
    if store.topics.has_drift(day):
        return
    start = first_day(day, settings)
    now, before = _span(day, settings), _span(start - timedelta(days=1), settings)
    drifts = [
        drift
        for narrative in store.narratives.all()
        for drift in drift_of(
            narrative.id,
            store.topics.told(narrative.id, *now),
            store.topics.told(narrative.id, *before),
            start=start,
            day=day,
            seed=settings.grouping.seed,
        )
        if drift.stories or drift.before
    ]
    if drifts:
        with store.transaction():
            store.topics.keep_drift(drifts, run_id=run_id())


def _too_few(store: Store, day: date, settings: DiscoverySettings) -> str:
    found = sum(store.topics.languages(*_span(day, settings)).values())
    return (
        f"nothing was grouped: the {settings.window} days to {day} have {found} labelled stories,"
        f" and {settings.fewest} of one language that no narrative covers are needed"
    )


def _count(counts: dict[str, int], window: Window, found: Found) -> None:
    known = {topic.id for topic in window.topics}
    counts["windows"] += 1
    counts["residual"] += found.discovery.residual
    counts["topics"] += found.discovery.topics
    counts["outliers"] += found.discovery.outliers
    counts["new"] += sum(topic.id not in known for topic in found.topics)
    counts["proposed"] += len(found.proposed)


def _proposal(topic: Topic, found: Found) -> str:
    week = next(week for week in found.weeks if week.topic_id == topic.id)
    return (
        f"proposed on {found.discovery.day}: {topic.label} ({topic.id}), {week.stories} stories"
        f" from {week.sources} sources on {week.days} days"
    )
