"""One quarter of an hour of GDELT's Global Knowledge Graph 2.1: a zip of one table. Pure.

Runs in a parser process. The table has 27 columns without a header; the title of a page stands
in the last one, as XML. The file's own name says when it is from, whatever its rows claim.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from crawler.clean import MAX_AUTHOR, plain_line
from crawler.errors import FeedParseError
from crawler.parsed import ParsedFeed
from crawler.settings import MEBIBYTE
from crawler.urls import http_url
from store.records import FeedItem

# A file of 2025 has some 1,400 English or 3,700 translated rows and unpacks to 20 to 60 MB,
# about three times its size.
MAX_BYTES = 256 * MEBIBYTE
MAX_RATIO = 100
MAX_ROWS = 200_000
MAX_ITEMS = 5_000
_MAX_ROW = 8 * MEBIBYTE
_CHUNK = MEBIBYTE
_MAX_MARKUP = 20_000
_COLUMNS = 27
_ID, _COLLECTION, _OUTLET, _URL, _THEMES, _ENHANCED, _TRANSLATION, _EXTRAS = (
    0,
    2,
    3,
    4,
    7,
    8,
    25,
    26,
)
_WEB = b"1"

_STAMP = re.compile(r"(\d{14})(?:\.translation)?\.gkg\.csv\.zip$")
_RECORD = re.compile(rb"\d{14}-T?\d{1,9}")
_SOURCE_LANGUAGE = re.compile(rb"srclc:([a-z]{2,3})")
_THEME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
# ISO 639-2, in both of its forms, to the two letters that documents have.
_LANGUAGES = {
    "ara": "ar", "ben": "bn", "bul": "bg", "cat": "ca", "ces": "cs", "chi": "zh", "cze": "cs",
    "dan": "da", "deu": "de", "dut": "nl", "ell": "el", "eng": "en", "est": "et", "fas": "fa",
    "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "gre": "el", "heb": "he", "hin": "hi",
    "hrv": "hr", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "lav": "lv",
    "lit": "lt", "may": "ms", "msa": "ms", "nld": "nl", "nor": "no", "per": "fa", "pol": "pl",
    "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl",
    "spa": "es", "srp": "sr", "swe": "sv", "tam": "ta", "tha": "th", "tur": "tr", "ukr": "uk",
    "urd": "ur", "vie": "vi", "zho": "zh",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are items: those with one of the themes, or of the words in their title.

    Attributes
    ----------
    themes : frozenset of str
        Codes of GDELT, in capitals.
    words : pattern or None
        Over titles.
    language : str
        Two letters.
    """

    themes: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    language: str = "en"


def wanted_of(handle: str, language: str = "en") -> Wanted:
    """Return what a handle such as ``"ECON_CENTRALBANK,ECON_DEBT fed treasury"`` asks for.

    What is written in capitals is a theme, anything else a word; a word matches whole, in any
    case, but Chinese and Japanese ones anywhere.
    """
    names = [name for name in re.split(r"[\s,;]+", handle) if name]
    themes = frozenset(name for name in names if _THEME.fullmatch(name))
    words = [name for name in names if name not in themes]
    patterns = [
        re.escape(word) if _WIDE.search(word) else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in words
    ]
    pattern = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
    return Wanted(themes=themes, words=pattern, language=language)


def parse_records(body: bytes, *, url: str, wanted: str) -> ParsedFeed:
    """Return the records of a file that are asked for.

    Parameters
    ----------
    url : str
        Address of the file; its name says of which quarter of an hour it is.
    wanted : str
        Two letters of the language, a space, and the handle of the source.

    Raises
    ------
    FeedParseError
        ``decode`` for a damaged file, ``too_large`` for one that unpacks beyond the caps,
        ``not_a_feed`` for anything but such a table.
    """
    name = _STAMP.search(url)
    if name is None:
        raise FeedParseError(f"{url!r} is not named as a file of GDELT's knowledge graph is")
    at = stamp_time(name.group(1))
    language, _, handle = wanted.partition(" ")
    asked = wanted_of(handle, language)
    items: list[FeedItem] = []
    rows = bad = unusable = 0
    for line in _lines(body):
        rows += 1
        columns = line.rstrip(b"\r").split(b"\t")
        if len(columns) != _COLUMNS or not _RECORD.fullmatch(columns[_ID]):
            bad += 1
            continue
        item, is_unusable = _item(columns, asked, at)
        unusable += is_unusable
        if item is not None:
            items.append(item)
        if rows > MAX_ROWS or len(items) > MAX_ITEMS:
            raise FeedParseError(
                f"the file has more than {MAX_ROWS:,} rows, or more than {MAX_ITEMS:,} that are"
                " asked for: narrow the handle",
                "too_large",
            )
    if bad * 2 > rows:
        raise FeedParseError(f"{bad} of {rows} rows do not have the {_COLUMNS} columns of a record")
    notes = [f"{bad} rows are damaged"] if bad else []
    notes += (
        [f"{unusable} records that are asked for have no title or no address"] if unusable else []
    )
    return ParsedFeed(items=items, notes=notes)


def stamp_time(stamp: str) -> datetime:
    """Return the instant that 14 digits name; raises FeedParseError when there is none."""
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise FeedParseError(f"{stamp!r} is no instant") from error


def _item(columns: list[bytes], asked: Wanted, at: datetime) -> tuple[FeedItem | None, bool]:
    """Return the item of a record, and whether it is asked for but cannot be one."""
    language = _language(columns[_TRANSLATION])
    if columns[_COLLECTION] != _WEB or asked.language != language:
        return None, False
    has_theme = not asked.themes.isdisjoint(_themes(columns))
    if not has_theme and asked.words is None:
        return None, False
    title = _title(columns[_EXTRAS])
    if not has_theme and (asked.words is None or asked.words.search(title) is None):
        return None, False
    url = http_url(columns[_URL].decode("utf-8", errors="replace"))
    if not title or url is None:
        return None, True
    outlet = plain_line(columns[_OUTLET][:1000].decode("utf-8", errors="replace"), MAX_AUTHOR)
    return FeedItem(
        guid=columns[_ID].decode("ascii"),
        url=url,
        title=title,
        text="",
        author=outlet or None,
        language=language,
        published_at=at,
        date_raw=f"{at:%Y%m%d%H%M%S}",
        is_partial=True,
    ), False


def _title(extras: bytes) -> str:
    _, _, rest = extras.partition(b"<PAGE_TITLE>")
    stated, end, _ = rest.partition(b"</PAGE_TITLE>")
    return plain_line(stated[:_MAX_MARKUP].decode("utf-8", errors="replace")) if end else ""


def _themes(columns: list[bytes]) -> set[str]:
    # The second list repeats each theme with its place in the text; some are only there.
    plain = columns[_THEMES].decode("ascii", errors="replace").split(";")
    placed = columns[_ENHANCED].decode("ascii", errors="replace").split(";")
    return {*plain, *(name.partition(",")[0] for name in placed)}


def _language(translation: bytes) -> str:
    """Return the language of the page; what was not translated is English."""
    found = _SOURCE_LANGUAGE.search(translation[:500])
    code = found.group(1).decode("ascii") if found else "eng"
    return _LANGUAGES.get(code, code)


def _lines(body: bytes) -> Iterator[bytes]:
    """Yield the rows of the one table in a zip file, unpacked piece by piece under caps."""
    try:
        with ZipFile(BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) != 1:
                raise FeedParseError(f"the zip file has {len(members)} members instead of one")
            yield from _rows(archive, members[0], min(MAX_BYTES, MAX_RATIO * len(body)))
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FeedParseError(f"the zip file is damaged: {error}"[:300], "decode") from error


def _rows(archive: ZipFile, member: ZipInfo, cap: int) -> Iterator[bytes]:
    size, rest = 0, b""
    with archive.open(member) as table:
        # The last piece is followed by a check of the sum over all of them.
        while piece := table.read(_CHUNK):
            size += len(piece)
            if size > cap:
                raise FeedParseError(f"the zip file unpacks to more than {cap} bytes", "too_large")
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _MAX_ROW:
                raise FeedParseError(f"a row is longer than {_MAX_ROW} bytes", "too_large")
            yield from lines
    if rest:
        yield rest
