"""Stated dates, whether to believe them, and from when a document counts. Pure.

A date is read only where it is written out in one of two standard forms; a date that would
have to be guessed is no date.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from store.records import DateSource

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
# Clocks run ahead, and newsrooms date tomorrow's paper tomorrow.
TOLERANCE = timedelta(days=1)
_MAX_LENGTH = 64
_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Names that the mail standard does not know and feeds use; one that stands for two zones
# (CST, IST) is left to it or to UTC.
_ZONES = {"BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "HKT": 8, "SGT": 8, "JST": 9}
_COLON_ZONE = re.compile(r"([+-]\d\d):(\d\d)$")
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])[/-]([0-2]\d|3[01])(?=[/._-]|$)")
_NAMED_ZONE = re.compile(r"\s([A-Z]{3,4})$")


def parse_date(stated: str | None, *, end_of_day: bool = False) -> datetime | None:
    """Return a stated date in UTC, or None when there is none to be read.

    Parameters
    ----------
    stated : str or None
        ISO 8601 or RFC 5322; without a zone it is taken for UTC.
    end_of_day : bool
        A bare date means the last second of that day, not the first: an archive's day was not
        known before it was over.
    """
    text = (stated or "").strip()
    if not text or len(text) > _MAX_LENGTH:
        return None
    if _DATE_ONLY.fullmatch(text):
        moment = _iso(text)
        at = time(23, 59, 59) if end_of_day else time(0)
        return None if moment is None else datetime.combine(moment, at, UTC)
    return _utc(_iso(text) or _mail(text))


def _iso(text: str) -> datetime | None:
    if len(text) < 10 or text[4] != "-":
        return None  # `20260130` and week dates: as likely a number as a date
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _mail(text: str) -> datetime | None:
    zone = _NAMED_ZONE.search(text)
    hours = _ZONES.get(zone.group(1)) if zone else None
    try:
        # The mail standard has no colon there, and its reader drops a zone that has one.
        moment = parsedate_to_datetime(_COLON_ZONE.sub(r"\1\2", text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if hours is not None:
        return moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    return moment


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
    return aware.replace(microsecond=0)


def date_in_url(url: str | None) -> datetime | None:
    """Return the start of the day that is written out in the path of an address, or None."""
    found = _IN_ADDRESS.search(urlsplit(url).path) if url else None
    return parse_date("-".join(found.groups())) if found else None


def is_believable(published_at: datetime | None, first_seen_at: datetime) -> bool:
    """Return whether a stated date can be true of something first seen at an instant."""
    return published_at is not None and EARLIEST <= published_at <= first_seen_at + TOLERANCE


def effective(
    published_at: datetime | None, first_seen_at: datetime, stated_by: DateSource = "feed"
) -> tuple[datetime, DateSource]:
    """Return from when a crawled document counts, and where that date comes from.

    The later of the stated date and the first sight of it, so that neither a back-dated nor a
    future-dated item moves a past day's count; the first sight alone when the stated date
    cannot be believed.
    """
    if published_at is None or not is_believable(published_at, first_seen_at):
        return first_seen_at, "seen"
    return max(published_at, first_seen_at), stated_by


def first_believable(
    stated: Sequence[tuple[datetime | None, DateSource]], first_seen_at: datetime
) -> tuple[datetime | None, DateSource]:
    """Return the first of several stated dates that can be true, and who stated it.

    When none can, the first that was stated at all: it is kept as it stands, and
    :func:`effective` does not count by it.
    """
    found = [(moment, by) for moment, by in stated if moment is not None]
    believed = [pair for pair in found if is_believable(pair[0], first_seen_at)]
    return next(iter(believed or found), (None, "feed"))
