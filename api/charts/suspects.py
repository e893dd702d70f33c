"""The ranked board of suspects: what each score is made of, and how sure it is."""

from collections.abc import Mapping

from markupsafe import Markup

from api import wording
from api.charts.svg import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    Scale,
    drawing,
    empty,
    hatch,
    line,
    mark,
    rect,
    shortened,
    text,
    text_width,
    ticks,
)
from store.records import Explanation, Suspect

PARTS = (
    ("intensity", "intensity", BLUE),
    ("causal_claims", "causal claims", ORANGE),
    ("timing", "timing", GREEN),
    ("signature", "signature", PURPLE),
    ("hard_data", "hard data", SKY),
)
_ROW, _VALUES = 42, 132


def suspects_chart(
    explanation: Explanation, names: Mapping[str, str], *, width: int = 500
) -> Markup:
    """Draw each suspect's score as its five parts, with its interval and status in words.

    Parameters
    ----------
    names : mapping of narrative id to name
        An id without a name is shown as it is.
    width : int
        From 320 on; every text keeps its size.
    """
    title = f"Suspects for the move of {wording.day_text(explanation.date)}, ranked"
    if not explanation.suspects:
        return empty("No suspect was judged for this day.", title=title)
    ranked = sorted(explanation.suspects, key=lambda suspect: suspect.rank)
    reach = min(1.0, max(0.2, *(max(suspect.high, suspect.score) for suspect in ranked)))
    x = Scale(0.0, reach, 0, width - _VALUES)
    body, top = _legend(width)
    bottom = top + _ROW * len(ranked)
    for value in ticks(0.0, reach):
        body += [
            line([(x(value), top), (x(value), bottom)], INK, opacity=0.15),
            text(x(value), bottom + 15, wording.fixed(value), anchor="middle" if value else "start",
                 size=11),
        ]  # fmt: skip
    assets = {move.asset_id: move.name for move in explanation.moves}
    for row, suspect in enumerate(ranked):
        name = names.get(suspect.narrative_id, suspect.narrative_id)
        body += _row(
            suspect,
            name,
            wording.status_words(suspect, assets, most=2),
            (top + _ROW * row, width),
            x,
        )
    body.append(text(0, bottom + 33, "Score from 0 to 1; thin line: 90 % interval", size=11.5))
    said = "; ".join(
        f"{suspect.rank}. {names.get(suspect.narrative_id, suspect.narrative_id)}"
        f" {_score(suspect)}, {wording.status_words(suspect, assets)}"
        for suspect in ranked
    )
    return drawing(width, bottom + 42, body, title=title, desc=said)


def _score(suspect: Suspect) -> str:
    low, high = wording.fixed(suspect.low), wording.fixed(suspect.high)
    return f"{wording.fixed(suspect.score)} [{low}, {high}]"


def _legend(width: int) -> tuple[list[Markup], float]:
    """Return the names of the parts in as many lines as they need, and where the rows begin."""
    drawn, x, y = [], 0.0, 14.0
    for _, words, fill in PARTS:
        needed = 19 + text_width(words, 12)
        if x + needed > width:
            x, y = 0.0, y + 20
        drawn += [
            rect(x, y - 11, 14, 14, fill),
            mark(x + 7, y, words[0].upper(), fill),
            text(x + 19, y, words, size=12),
        ]
        x += needed + 14
    return drawn, y + 18


def _row(
    suspect: Suspect, name: str, status: str, place: tuple[float, int], x: Scale
) -> list[Markup]:
    top, width = place
    head = shortened(f"{suspect.rank}. {name}", 0.54 * width)
    strong = suspect.status in ("leading", "possible") and not suspect.rejected
    room = width - 1.06 * text_width(head) - 14
    middle = top + 29
    drawn = [
        text(0, top + 16, head, bold=strong, rest=shortened(status, room, 12)),
        text(width, middle + 4, _score(suspect), anchor="end", bold=strong),
    ]
    reached = 0.0
    for field, words, fill in PARTS:
        part = float(getattr(suspect.parts, field))
        tip = f"{name}, {words}: {wording.fixed(part, 3)}"
        start, end = sorted((x(reached), x(reached + part)))
        if part > 0:
            drawn.append(rect(start, middle - 7, max(0.5, end - start - 0.7), 14, fill, tip=tip))
            if end - start >= 13:
                drawn.append(mark((start + end) / 2, middle + 4, words[0].upper(), fill))
        elif part < 0:
            # A part that counts against takes back what the others gave.
            drawn.append(hatch(start, middle - 7, end - start, 14, tip=tip))
        reached += part
    # Below the bar, so that neither hides the other.
    low, high, at = x(suspect.low), x(suspect.high), middle + 10
    drawn += [
        line([(low, at), (high, at)], INK, width=1.4),
        line([(low, at - 3), (low, at + 3)], INK, width=1.4),
        line([(high, at - 3), (high, at + 3)], INK, width=1.4),
    ]
    return drawn
