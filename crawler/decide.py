"""What an answer means for its source: outcome, next due time, status. Pure.

Two steps, because the body is parsed between them: :func:`judge` says what came of the
request and whether to parse; :func:`advance` says what to remember.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from crawler.messages import Fetched, safe_validator
from crawler.urls import redact
from store.records import Outcome, SourceState, SourceStatus

# A nightly run starts within the hour of last night's: what was asked then is due again.
USUAL_INTERVAL = timedelta(hours=20)
# A feed that asks for a day of peace gets it, less the drift of a nightly schedule.
LONGEST_INTERVAL = timedelta(hours=23, minutes=30)
LONGEST_PAUSE = timedelta(days=7)
PAUSE_UNASKED = timedelta(hours=1)
FIRST_RETRY = timedelta(hours=1)
LONGEST_BACKOFF = timedelta(days=3)
# A feed that failed for so long is dead: it is asked once a week, should it come back.
DEAD_AFTER = timedelta(days=30)
DEAD_INTERVAL = timedelta(days=7)
ERRORS_UNTIL_FAILING = 3
RUNS_UNTIL_MOVED = 3
SUCCESS: frozenset[Outcome] = frozenset({"ok", "not_modified", "unchanged"})
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHints:
    """What a feed says about when to come back.

    Attributes
    ----------
    ttl_s : int or None
        From ``ttl`` or ``syn:updatePeriod``.
    skip_hours : sequence of int
        Hours of the day in UTC, 0 to 23.
    skip_days : sequence of str
        English names of days, lower case.
    """

    ttl_s: int | None = None
    skip_hours: Sequence[int] = ()
    skip_days: Sequence[str] = field(default=())


def body_hash(body: bytes) -> str:
    """Return the digest by which two bodies are compared, 32 hex digits."""
    return blake2b(body, digest_size=16).hexdigest()


def judge(state: SourceState, fetched: Fetched) -> Outcome:
    """Return what came of a request; only ``ok`` is worth parsing."""
    if fetched.outcome is not None:
        return fetched.outcome
    status = fetched.status or 0
    if status == 304:
        # Nothing to compare with: the server, or something between us, is wrong.
        return "not_modified" if fetched.conditional else "bad_304"
    if 200 <= status < 300:
        return _judge_body(state, fetched)
    if is_challenge(fetched.headers):
        return "challenge"
    named: dict[int, Outcome] = {410: "gone", 429: "rate_limited"}
    return named.get(status, "server_error" if status >= 500 else "client_error")


def is_challenge(headers: Mapping[str, str]) -> bool:
    """Return whether an answer asks us to prove that we are a browser, which we are not."""
    return headers.get("cf-mitigated", "").strip().lower() == "challenge"


def _judge_body(state: SourceState, fetched: Fetched) -> Outcome:
    if state.body_hash is not None and state.body_hash == body_hash(fetched.body):
        return "unchanged"
    # Some servers ignore If-None-Match and still say that it is the same.
    if state.etag is not None and state.etag == _validators(fetched.headers)[0]:
        return "unchanged"
    return "ok"


def is_due(state: SourceState | None, now: datetime, *, only_due: bool) -> bool:
    """Return whether a source is to be asked now.

    A source that is gone is not asked again by itself, and one whose host asked for a pause
    waits for its end, even when everything else is asked. A day that the feed sits out is sat
    out also by a run that comes late.
    """
    if state is None:
        return True
    if state.status == "gone":
        return False
    waits = state.next_due_at is not None and state.next_due_at > now
    if not only_due:
        return not (waits and state.status == "paused")
    return not waits and not _is_day_skipped(now, remembered_hints(state))


def is_dead(state: SourceState, now: datetime) -> bool:
    """Return whether a source has given nothing but errors for so long that it is asked rarely."""
    return state.first_error_at is not None and now - state.first_error_at >= DEAD_AFTER


def configured_again(state: SourceState, url: str) -> SourceState:
    """Return a state that gives up a learned address which fails, for the one in the settings.

    The count of errors goes on: only an answer ends it.
    """
    if state.url == url or state.status == "gone" or state.errors < ERRORS_UNTIL_FAILING:
        return state
    return replace(
        state,
        url=url,
        # Of another address: they would let this one answer "not modified" to what it never gave.
        etag=None,
        last_modified=None,
        body_hash=None,
        redirect_to=None,
        redirect_count=0,
    )


def remembered_hints(state: SourceState) -> FeedHints:
    """Return what the feed said when it was last parsed: "not modified" repeats it."""
    return FeedHints(**json.loads(state.hints)) if state.hints else FeedHints()


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long a server asks to be left alone, at most a week.

    Garbage, negative numbers and past dates are no request.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # More digits than a week has are a week, without making a number of them.
        return LONGEST_PAUSE if len(text) > 9 else min(timedelta(seconds=int(text)), LONGEST_PAUSE)
    moment = _http_date(text)
    if moment is None or moment <= now:
        return None
    return min(moment - now, LONGEST_PAUSE)


def pause_of(fetched: Fetched, now: datetime) -> datetime | None:
    """Return until when an answer asks for its whole host to be left alone, or None."""
    if (fetched.status or 0) < 400:
        return None
    asked = retry_after(fetched.headers, now)
    if asked is not None:
        return now + asked
    return now + PAUSE_UNASKED if fetched.status == 429 else None


def advance(
    state: SourceState,
    fetched: Fetched,
    outcome: Outcome,
    *,
    now: datetime,
    hints: FeedHints | None = None,
) -> SourceState:
    """Return what to remember of a source after a request.

    Parameters
    ----------
    outcome : Outcome
        Of :func:`judge`, or of the parser when that refused the body.
    hints : FeedHints or None
        Of the parsed feed; None when nothing was parsed, and the last ones hold.

    Notes
    -----
    Validators change only with ``ok``, ``unchanged`` and ``not_modified``: a body that could
    not be read must be asked for again in full.
    """
    if outcome in SUCCESS:
        if hints is not None:
            state = replace(state, hints=_written(hints))
        return _succeeded(_moved(state, fetched), fetched, outcome, now)
    return _failed(state, fetched, outcome, now)


def _written(hints: FeedHints) -> str | None:
    return None if hints == FeedHints() else json.dumps(asdict(hints))


def _succeeded(
    state: SourceState, fetched: Fetched, outcome: Outcome, now: datetime
) -> SourceState:
    etag, last_modified = _validators(fetched.headers)
    if outcome == "not_modified":
        etag, last_modified = etag or state.etag, last_modified or state.last_modified
    return replace(
        state,
        status="active",
        next_due_at=_next_due(fetched.headers, remembered_hints(state), now),
        etag=etag,
        last_modified=last_modified,
        # Of the last body that was parsed: one that was passed over for its tag must not make
        # the same body under another tag look like an old acquaintance.
        body_hash=body_hash(fetched.body) if outcome == "ok" else state.body_hash,
        errors=0,
        first_error_at=None,
        last_ok_at=now,
    )


def _failed(state: SourceState, fetched: Fetched, outcome: Outcome, now: datetime) -> SourceState:
    errors = state.errors + 1
    wait = _backoff(state.source_id, errors, is_dead=is_dead(state, now))
    due = _not_skipped(now + wait, remembered_hints(state), now)
    status: SourceStatus = "failing" if errors >= ERRORS_UNTIL_FAILING else "active"
    pause = pause_of(fetched, now)
    if outcome == "gone":
        status = "gone"
    elif pause is not None:
        # What the host asked for stands above our own idea of when to come back.
        status, due = "paused", pause
    return replace(
        state,
        status=status,
        next_due_at=None if outcome == "gone" else due,
        errors=errors,
        first_error_at=state.first_error_at or now,
        redirect_to=None,
        redirect_count=0,
        # A server that says "not modified" to a first request confuses us with somebody.
        etag=None if outcome == "bad_304" else state.etag,
        last_modified=None if outcome == "bad_304" else state.last_modified,
    )


def _moved(state: SourceState, fetched: Fetched) -> SourceState:
    """Learn a permanent redirect once it was seen in three runs in a row."""
    target = fetched.permanent_url
    # An address that carries a secret is followed each time and never written down.
    if target is None or target != fetched.url or redact(target) != target:
        return replace(state, redirect_to=None, redirect_count=0)
    count = state.redirect_count + 1 if target == state.redirect_to else 1
    if count < RUNS_UNTIL_MOVED:
        return replace(state, redirect_to=target, redirect_count=count)
    return replace(state, url=target, redirect_to=None, redirect_count=0)


def _next_due(headers: Mapping[str, str], hints: FeedHints, now: datetime) -> datetime:
    fresh = max(
        timedelta(seconds=min(hints.ttl_s or 0, 10**7)),
        _max_age(headers),
        _expires_in(headers, now),
    )
    return _not_skipped(now + min(max(USUAL_INTERVAL, fresh), LONGEST_INTERVAL), hints, now)


def _not_skipped(due: datetime, hints: FeedHints, now: datetime) -> datetime:
    """Move a due time out of the days and hours that a feed sits out.

    Days are obeyed whole. Hours only while the next nightly run still finds the source due:
    a feed that sits out the very hour of the run would else never be asked.
    """
    while _is_day_skipped(due, hints):
        due = due.astimezone(UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    later = due
    while later.astimezone(UTC).hour in hints.skip_hours:
        later = later.replace(minute=0, second=0) + timedelta(hours=1)
        if later > max(due, now + LONGEST_INTERVAL):
            return due
    return later


def _is_day_skipped(moment: datetime, hints: FeedHints) -> bool:
    # A feed that sits out every day of the week says nothing by it.
    skipped = set(hints.skip_days) & set(_WEEKDAYS)
    return len(skipped) < len(_WEEKDAYS) and (
        _WEEKDAYS[moment.astimezone(UTC).weekday()] in skipped
    )


def _max_age(headers: Mapping[str, str]) -> timedelta:
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "max-age" and value.isascii() and value.isdigit():
            return timedelta(seconds=min(int(value[:9]), 10**7))
    return timedelta(0)


def _expires_in(headers: Mapping[str, str], now: datetime) -> timedelta:
    expires = _http_date(headers.get("expires", ""))
    if expires is None:
        return timedelta(0)
    # Measured against the server's own clock where it shows it.
    return max(expires - (_http_date(headers.get("date", "")) or now), timedelta(0))


def _validators(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the validators worth sending back; ``Expires: 0`` disowns them (miniflux)."""
    if headers.get("expires", "").strip() == "0":
        return None, None
    return safe_validator(headers.get("etag")), safe_validator(headers.get("last-modified"))


def _http_date(text: str) -> datetime | None:
    if not text or len(text) > 60:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _backoff(source_id: str, errors: int, *, is_dead: bool) -> timedelta:
    """Return one hour, doubled with each error, up to three days; for the dead a week.

    Give or take a tenth, so that sources do not come in step. The spread is drawn from the
    source's id, so that a repeated run decides the same.
    """
    doubled: int = 1 << min(errors - 1, 20)
    wait = DEAD_INTERVAL if is_dead else min(FIRST_RETRY * doubled, LONGEST_BACKOFF)
    digest = blake2b(f"{source_id}\0{errors}".encode(), digest_size=2).digest()
    return wait * (0.9 + 0.2 * int.from_bytes(digest) / 0xFFFF)
