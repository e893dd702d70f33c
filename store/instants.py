"""Instants as text: one fixed-width ISO 8601 form, so that text order is time order."""

from datetime import UTC, datetime


def to_text(instant: datetime) -> str:
    """Return an aware instant as ``2026-01-30T21:00:00Z``; fractions of a second are cut.

    Raises
    ------
    ValueError
        When the instant is naive: a time without a zone is not an instant.
    """
    if instant.tzinfo is None:
        raise ValueError(f"naive datetime {instant!r}: give it a time zone")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> datetime:
    """Return the aware UTC instant of :func:`to_text`."""
    return datetime.fromisoformat(text)


def optional_text(instant: datetime | None) -> str | None:
    """Return :func:`to_text` of an instant that may be missing."""
    return None if instant is None else to_text(instant)


def optional_instant(text: str | None) -> datetime | None:
    """Return :func:`from_text` of a text that may be missing."""
    return None if text is None else from_text(text)
