"""Checked claims as JSON lines and as a table for a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from store.records import CheckedClaim, Claim

_WIDTH = 96


def claim_line(checked: CheckedClaim) -> dict[str, Any]:
    """Return the object that ``check --json`` prints for one claim and day."""
    claim = checked.claim
    return {
        "sentence": claim.sentence,
        "start": claim.start,
        "end": claim.end,
        "phrase": claim.phrase,
        "kind": claim.kind,
        "subjects": [one.name for one in claim.subjects],
        "others": [one.name for one in claim.others],
        "direction": claim.direction,
        "value": claim.value,
        "unit": claim.unit,
        "comparator": claim.comparator if claim.value is not None else None,
        "negated": claim.negated,
        "hedges": list(claim.hedges),
        "date": checked.day.isoformat(),
        "sessions": checked.sessions,
        "verdict": checked.verdict,
        "qualifier": checked.qualifier or None,
        "statement": checked.statement,
        "figures": [
            {
                "asset": figure.asset_id,
                "date": figure.date.isoformat(),
                "value": figure.value,
                "unit": figure.unit,
                "what": figure.what,
                "known_at": figure.known_at.isoformat().replace("+00:00", "Z"),
            }
            for figure in checked.figures
        ],
    }


def claim_lines(checked: Sequence[CheckedClaim]) -> Iterator[str]:
    """Yield the claims for a person: the words, then a line per day."""
    for number, (claim, group) in enumerate(groupby(checked, key=lambda one: one.claim), 1):
        yield f"{number:3}. “{_shortened(claim)}”"
        # A claim that names its own date has one answer for all days.
        for _, same in groupby(group, key=lambda one: (one.verdict, one.qualifier, one.statement)):
            ones = list(same)
            verdict = f"{ones[0].verdict}{f' ({ones[0].qualifier})' if ones[0].qualifier else ''}"
            yield f"     {', '.join(map(_day, ones))}  {verdict}: {ones[0].statement}"


def _day(one: CheckedClaim) -> str:
    return f"{one.day}{f' ({one.sessions} sessions)' if one.sessions > 1 else ''}"


def _shortened(claim: Claim) -> str:
    text = " ".join(claim.phrase.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
