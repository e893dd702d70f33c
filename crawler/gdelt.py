"""GDELT's bulk files, one every quarter of an hour, from where the last run left off.

What is asked: ``lastupdate.txt`` once, for the newest file, and then the files in order. The
list of all files is 128 MB and is never asked for: their names are their times. A file that is
not there is a hole of GDELT's, which had a whole one of 17 days in June 2025: it is recorded as
missing and passed over, but one of the last hour may only be late.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import md5

from crawler.advice import failure
from crawler.decide import judge
from crawler.errors import FeedParseError, HostPausedError, SourceError
from crawler.fetch import Client, fetch
from crawler.gkg import stamp_time, wanted_of
from crawler.messages import Fetched, Request
from crawler.parsed import ParsedFeed
from crawler.settings import MEBIBYTE
from crawler.worker import ParserPool
from store.records import Failure, FeedItem, Outcome, Source, SourceState

QUARTER = timedelta(minutes=15)
# Of GDELT never read before, the last day.
FIRST_SIGHT = 96
# A night that was missed is made up for; what lies further back is said to be unread.
MAX_FILES = 192
MAX_ITEMS = 20_000
LATE = timedelta(hours=1)
STALE = timedelta(hours=6)
FILE_BYTES = 40 * MEBIBYTE
_LISTED = re.compile(
    rb"(\d{1,12})\s+([0-9a-f]{32})\s+\S{1,500}/(\d{14})(?:\.translation)?\.gkg\.csv\.zip", re.I
)
_STAMP = re.compile(r"\d{14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What the files of one run gave together.

    Attributes
    ----------
    answers : tuple of (Fetched, Outcome)
        Of every file that was asked for.
    cursor : str
        Stamp of the last file that is done with.
    outcome : Outcome
        ``ok``, or what kept us from going on; the files before it count.
    last : Fetched or None
        The answer that ``outcome`` is about; None for that of the list.
    failures : tuple of Failure
        Files that were there and could not be read, and a stretch that was passed over.
    notes : tuple of Failure
        Rows that are not counted: holes of GDELT, and rows without a title.
    """

    feed: ParsedFeed
    cursor: str
    answers: tuple[tuple[Fetched, Outcome], ...] = ()
    outcome: Outcome = "ok"
    message: str = ""
    last: Fetched | None = None
    failures: tuple[Failure, ...] = ()
    notes: tuple[Failure, ...] = ()


def list_url(source: Source) -> str:
    """Return the address of the short list that names the newest files.

    Raises
    ------
    SourceError
        When the source does not say which records it is about.
    """
    wanted = wanted_of(source.handle or "")
    if not wanted.themes and wanted.words is None:
        raise SourceError(
            f"source {source.id!r} has no handle: name themes in capitals, or words of titles, such"
            ' as handle = "ECON_CENTRALBANK fed treasury"'
        )
    return f"{_folder(source)}lastupdate{'-translation' if _is_translated(source) else ''}.txt"


def file_url(source: Source, at: datetime) -> str:
    """Return the address of the file of a quarter of an hour."""
    kind = ".translation.gkg" if _is_translated(source) else ".gkg"
    return f"{_folder(source)}{at:%Y%m%d%H%M%S}{kind}.csv.zip"


def _folder(source: Source) -> str:
    return source.url if source.url.endswith("/") else f"{source.url}/"


def _is_translated(source: Source) -> bool:
    """Pages in English have files of their own; those in all other languages share another."""
    return _language(source) != "en"


def _language(source: Source) -> str:
    return (source.language or "en").partition("-")[0].lower()


def newest_of(body: bytes, now: datetime) -> tuple[datetime, str]:
    """Return the newest file's time and MD5 sum, in hex digits, from the short list.

    Raises
    ------
    FeedParseError
        When the body is no such list, or names a file of the future.
    """
    found = _LISTED.search(body[:10_000])
    if found is None:
        raise FeedParseError("the body does not list GDELT's newest files")
    at = stamp_time(found.group(3).decode())
    if at > now + LATE or at.minute % 15 or at.second:
        raise FeedParseError(f"the newest file is said to be of {at:%Y-%m-%d %H:%M:%S} UTC")
    return at, found.group(2).decode().lower()


def due(
    source_id: str, cursor: str | None, newest: datetime
) -> tuple[list[datetime], Failure | None]:
    """Return the times of the files to read, oldest first, and a row for those passed over."""
    is_known = cursor is not None and _STAMP.fullmatch(cursor) is not None
    done = stamp_time(str(cursor)) if is_known else newest - FIRST_SIGHT * QUARTER
    count = max(int((newest - done) / QUARTER), 0)
    times = [newest - QUARTER * back for back in range(min(count, MAX_FILES) - 1, -1, -1)]
    if count <= MAX_FILES:
        return times, None
    row = Failure(
        stage="crawl",
        item=f"{source_id}: {span([done + QUARTER, times[0] - QUARTER])}",
        kind="gap",
        message=f"{count - MAX_FILES} files since the last run were passed over: no more than"
        f" {MAX_FILES} are read at once",
        advice="crawl every night; import the days that are missing",
    )
    return times, row


async def read_files(
    client: Client, pool: ParserPool, source: Source, state: SourceState, listed: Fetched
) -> Bulk:
    """Return what the files since the last run hold.

    Parameters
    ----------
    listed : Fetched
        The short list.

    Raises
    ------
    FeedParseError
        When that is no list.
    """
    newest, digest = newest_of(listed.body, client.now)
    times, gap = due(source.id, state.cursor, newest)
    reading = _Reading(client=_patient(client), pool=pool, source=source)
    cursor = state.cursor or f"{newest - FIRST_SIGHT * QUARTER:%Y%m%d%H%M%S}"
    for at in times:
        if not await reading.read(at, digest if at == newest else None):
            break
        cursor = f"{at:%Y%m%d%H%M%S}"
    holes = [_hole(source, run) for run in runs_of(reading.missing)]
    if client.now - newest > STALE:
        holes.append(_silence(source, newest))
    return Bulk(
        feed=ParsedFeed(items=reading.items),
        cursor=cursor,
        answers=tuple(reading.answers),
        outcome=reading.outcome,
        message=reading.message,
        last=reading.last,
        failures=(*reading.failures, *([gap] if gap else [])),
        notes=(*holes, *reading.notes),
    )


def _patient(client: Client) -> Client:
    """Return a client that takes a bulk file: it is larger than any page may be."""
    limits = replace(client.settings.limits, wire_bytes=FILE_BYTES)
    return replace(client, settings=replace(client.settings, limits=limits))


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Files read so far, and what came of them."""

    client: Client
    pool: ParserPool
    source: Source
    items: list[FeedItem] = field(default_factory=list)
    answers: list[tuple[Fetched, Outcome]] = field(default_factory=list)
    missing: list[datetime] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[Failure] = field(default_factory=list)
    outcome: Outcome = "ok"
    message: str = ""
    last: Fetched | None = None

    async def read(self, at: datetime, listed_digest: str | None) -> bool:
        """Read one file; return whether it is done with and the next may be asked for."""
        if len(self.items) >= MAX_ITEMS:
            return False  # the next run goes on here
        url = file_url(self.source, at)
        is_old = self.client.now - at > LATE
        try:
            fetched = await fetch(
                self.client, Request(url=url, cap_bytes=FILE_BYTES, accept="application/zip, */*")
            )
        except HostPausedError as error:
            return self._stop(Fetched(url=url), "rate_limited", str(error))
        outcome = judge(SourceState(source_id=self.source.id, url=url), fetched)
        if fetched.status in {404, 410}:
            # Not there: a hole when it is old, else it may come yet.
            self.answers.append((fetched, "client_error"))
            self.missing += [at] if is_old else []
            return is_old
        if outcome not in {"ok", "too_large"}:
            return self._stop(fetched, outcome, fetched.error or f"{url} answered {fetched.status}")
        try:
            if outcome == "too_large":
                raise FeedParseError(fetched.error, "too_large")
            check_digest(fetched, listed_digest)
            feed = await self._parse(fetched, url)
        except FeedParseError as error:
            self.answers.append((fetched, error.outcome))
            # What is damaged now may only be half written; later it stays so.
            if is_old:
                self.failures.append(failure(url, error.outcome, str(error)))
            return is_old
        self.answers.append((fetched, "ok"))
        self.items += feed.items
        self.notes += [_note(url, note) for note in feed.notes[:1]]
        return True

    async def _parse(self, fetched: Fetched, url: str) -> ParsedFeed:
        wanted = f"{_language(self.source)} {self.source.handle}"
        return await self.pool.feed("gdelt", fetched.body, "application/zip", url, wanted)

    def _stop(self, fetched: Fetched, outcome: Outcome, message: str) -> bool:
        self.outcome, self.message, self.last = outcome, message, fetched
        return False


def check_digest(fetched: Fetched, listed: str | None) -> None:
    """Compare a file with its MD5 sum in the list, or in the storage's own header.

    Only the newest file is in the short list; the storage (Google's) states the sum of every
    file in ``x-goog-hash``. Where neither is there, the sum inside the zip file has to do.

    Raises
    ------
    FeedParseError
        ``decode`` when they differ.
    """
    stated = listed or _stored_digest(fetched.headers.get("x-goog-hash", ""))
    found = md5(fetched.body, usedforsecurity=False).hexdigest()
    if stated is not None and stated != found:
        raise FeedParseError(f"the file's MD5 sum is {found} instead of {stated}", "decode")


def _stored_digest(header: str) -> str | None:
    for part in header[:500].split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            try:
                digest = b64decode(value, validate=True)
            except (Base64Error, ValueError):
                return None
            return digest.hex() if len(digest) == 16 else None
    return None


def runs_of(times: Iterable[datetime]) -> list[list[datetime]]:
    """Return quarter hours grouped into unbroken stretches."""
    runs: list[list[datetime]] = []
    for at in sorted(times):
        if runs and at - runs[-1][-1] == QUARTER:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def span(times: Sequence[datetime]) -> str:
    """Return the first and last of some quarter hours as text."""
    return f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC"


def _hole(source: Source, times: Sequence[datetime]) -> Failure:
    return Failure(
        stage="crawl",
        item=f"{source.id}: {span(times)}",
        kind="gap",
        message=f"GDELT has no file for {len(times)} quarter hours; they count as missing, not as"
        " quiet",
        advice="nothing to do; these files are not asked for again",
    )


def _silence(source: Source, newest: datetime) -> Failure:
    return Failure(
        stage="crawl",
        item=source.id,
        kind="gap",
        message=f"GDELT has published nothing since {newest:%Y-%m-%d %H:%M} UTC; the time since"
        " counts as missing, not as quiet",
        advice="nothing to do; it is asked again by itself",
    )


def _note(url: str, note: str) -> Failure:
    return Failure(
        stage="crawl",
        item=url,
        kind="rows",
        message=note,
        advice="nothing to do; the other rows of the file were read",
    )
