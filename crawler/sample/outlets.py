"""The invented outlets of the sample, and what each had published by an instant."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent
PAGE = 25
Format = Literal["rss", "atom", "jsonfeed", "mastodon", "bluesky"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of commentary that an outlet published."""

    guid: str
    url: str
    title: str
    text: str
    author: str
    language: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """An invented outlet with its pieces, newest first."""

    id: str
    name: str
    format: Format
    language: str
    weight: float
    pieces: Sequence[Piece]

    def page(self, until: datetime) -> list[Piece]:
        """Return the newest pieces that were out by an instant, a page at most."""
        return [piece for piece in self.pieces if piece.published_at <= until][:PAGE]


@cache
def outlets() -> tuple[Outlet, ...]:
    """Return the outlets in the order of ``outlets.toml``."""
    listed = tomllib.loads((FOLDER / "outlets.toml").read_text(encoding="utf-8"))["outlet"]
    return tuple(Outlet(**entry, pieces=_pieces(entry["id"])) for entry in listed)


def _pieces(outlet_id: str) -> list[Piece]:
    lines = (FOLDER / "outlets" / f"{outlet_id}.jsonl").read_text(encoding="utf-8").splitlines()
    pieces = [_piece(outlet_id, json.loads(line)) for line in lines if line.strip()]
    return sorted(pieces, key=lambda piece: (piece.published_at, piece.guid), reverse=True)


def _piece(outlet_id: str, entry: dict[str, Any]) -> Piece:
    return Piece(
        guid=entry["guid"],
        # Never fetched: the sample's sources do not ask for the pages behind their links.
        url=entry.get("url") or f"https://{outlet_id}.example/{entry['guid']}",
        title=entry["title"],
        text=entry["text"],
        author=str(entry.get("account") or entry["author"]).removeprefix("@"),
        language=entry["language"],
        published_at=datetime.fromisoformat(entry["published_at"]).astimezone(UTC),
    )
