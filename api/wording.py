"""Stored values in words: one way to print a change, a share, an interval, a missing value.

A value that is None prints as ``n/a``; the place that prints it says why. A minus that
rounding would leave before a zero is dropped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from urllib.parse import urlsplit

from store.records import NO_CAUSE, ChangeUnit, Suspect, SuspectStatus

MISSING = "n/a"
RULES = {
    "stories": "stories",
    "sources": "sources",
    "days": "days",
    "top_source": "a spread over sources",
    "market": "a tie to markets",
    "stability": "stability",
    "npmi": "words that go together",
    "rise": "a rise",
}
"""What a topic needs more of, by the rule for a candidate that it does not meet."""
STATUS_WORDS: dict[SuspectStatus, str] = {
    "leading": "leading",
    "possible": "possible",
    "contradicted": "contradicted",
    "follower": "follower, told after the move",
    "quiet": "quiet, hardly told",
}


def fixed(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """Return a number with fixed decimals, ``n/a`` for None, and never ``-0.00``."""
    if value is None:
        return MISSING
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in [0, 1] as per cent."""
    return MISSING if share is None else f"{fixed(100 * share, digits)} %"


def percent_interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return two shares as ``12.0 to 31.5 %``."""
    if low is None or high is None:
        return MISSING
    return f"{fixed(100 * low, digits)} to {fixed(100 * high, digits)} %"


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Return two numbers as ``-0.10 to 0.42``."""
    if low is None or high is None:
        return MISSING
    return f"{fixed(low, digits)} to {fixed(high, digits)}"


def share_change(change: float | None) -> str:
    """Return the difference of two shares in percentage points."""
    return MISSING if change is None else f"{fixed(100 * change, 1, signed=True)} pp"


def change(value: float, unit: ChangeUnit) -> str:
    """Return a move: a return as per cent, else basis points or points."""
    if unit == "return":
        return f"{fixed(100 * value, 1, signed=True)} %"
    return f"{fixed(value, 1, signed=True)} {unit}"


def price(value: float) -> str:
    """Return a close with as many decimals as its size asks for."""
    digits = 0 if abs(value) >= 10_000 else 1 if abs(value) >= 1000 else 2
    return f"{value:,.{digits}f}"


def sigma(value: float | None) -> str:
    """Return a vol-scaled move, ``-7.9 σ``."""
    return MISSING if value is None else f"{fixed(value, 1, signed=True)} σ"


def pvalue(value: float | None) -> str:
    """Return a p-value; below a thousandth only the bound, since no permutation says more."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else fixed(value, 3)


def percentile(value: float | None) -> str:
    """Return a rank in [0, 1] as ``89th percentile``, rounded down: 99.6 % is not all."""
    if value is None:
        return MISSING
    # 0.29 is 28.999... times a hundred.
    whole = int(round(100 * value, 6))
    ending = {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{'th' if whole % 100 in (11, 12, 13) else ending} percentile"


def day_text(day: date | None) -> str:
    """Return ``30 Jan 2026``, in English whatever the machine's locale."""
    return MISSING if day is None else f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def short_day(day: date | None) -> str:
    """Return ``30 Jan``."""
    return MISSING if day is None else day_text(day).rsplit(" ", 1)[0]


def long_day(day: date) -> str:
    """Return ``Friday 30 January 2026``."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def instant_text(instant: datetime | None) -> str:
    """Return ``30 Jan 2026, 21:00 UTC``."""
    return MISSING if instant is None else f"{day_text(instant.date())}, {instant:%H:%M} UTC"


def listed(names: list[str], last: str = "and") -> str:
    """Return names as ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def status_words(suspect: Suspect, assets: Mapping[str, str], *, most: int | None = None) -> str:
    """Return the status for a reader, with the assets that contradict.

    Parameters
    ----------
    assets : mapping of asset id to name
        An id without a name is shown as it is.
    most : int, optional
        Assets that are named where there is no room for all.
    """
    words = STATUS_WORDS[suspect.status]
    if suspect.rejected and suspect.status == "possible":
        words = "rejected by a falsifier"
    if not suspect.contradicted_by:
        return words
    told = [assets.get(one, one) for one in suspect.contradicted_by]
    if most is not None and len(told) > most:
        told = [*told[:most], f"{len(told) - most} more"]
    if suspect.status == "contradicted":
        return f"contradicted by {listed(told)}"
    return f"{words}; spoken against by {listed(told)}"


def with_names(sentence: str, names: Mapping[str, str]) -> str:
    """Put the names of narratives in the place of their ids, which stand in quotation marks."""
    return re.sub("“([^”]+)”", lambda found: f"“{names.get(found[1], found[1])}”", sentence)


def sentence(words: str) -> str:
    """Return words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def episode_cause(label: str, kind: str, names: Mapping[str, str]) -> str:
    """Word the accepted causes of an episode; a relief is the opposite of its label."""
    if label == NO_CAUSE:
        return "no adequate cause"
    causes = listed([names.get(one, one) for one in label.split(" or ")], last="or")
    before = {"relief": "relief, the opposite of ", "control": "moved little: "}.get(kind, "")
    return f"{before}{causes}"


def lacking(rules: Sequence[str]) -> str:
    """Return the rules for a candidate that a topic does not meet, for a reader."""
    return listed([RULES.get(rule, rule.replace("_", " ")) for rule in rules])


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 story`` or ``3 stories``, thousands apart."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def tied(text: str) -> str:
    """Return a text whose numbers do not part from their units at the end of a line."""
    return re.sub(r"(?<=\d) (?=[%σ]|bp\b|pp\b|sigma\b)", "\u00a0", text)


def web_address(url: str | None) -> str | None:
    """Return the address when it is one that a link may carry, else None.

    What was crawled is data: ``javascript:`` and its kin never become a link.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
