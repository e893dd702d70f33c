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
    legend,
    line,
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
_WIDTH, _ROW, _TOP, _END = 500, 44, 34, 365


def suspects_chart(explanation: Explanation, names: Mapping[str, str]) -> Markup:
    """Draw each suspect's score as its five parts, with its interval and status in words.

    Parameters
    ----------
    names : mapping of narrative id to name
        An id without a name is shown as it is.
    """
    title = f"Suspects for the move of {wording.day_text(explanation.date)}, ranked"
    if not explanation.suspects:
        return empty("No suspect was judged for this day.", title=title)
    ranked = sorted(explanation.suspects, key=lambda suspect: suspect.rank)
    reach = min(1.0, max(0.2, *(max(suspect.high, suspect.score) for suspect in ranked)))
    x = Scale(0.0, reach, 0, _END)
    bottom = _TOP + _ROW * len(ranked)
    body = [legend([(words, fill) for _, words, fill in PARTS], 0, 14)]
    for value in ticks(0.0, reach):
        body += [
            line([(x(value), _TOP), (x(value), bottom)], INK, opacity=0.15),
            text(x(value), bottom + 15, wording.fixed(value), anchor="middle" if value else "start",
                 size=11),
        ]  # fmt: skip
    assets = {move.asset_id: move.name for move in explanation.moves}
    for row, suspect in enumerate(ranked):
        name = names.get(suspect.narrative_id, suspect.narrative_id)
        body += _row(
            suspect, name, wording.status_words(suspect, assets, most=2), _TOP + _ROW * row, x
        )
    body.append(
        text(0, bottom + 33, "Score from 0 to 1; thin line: 90 % interval", size=11.5, opacity=0.85)
    )
    said = "; ".join(
        f"{suspect.rank}. {names.get(suspect.narrative_id, suspect.narrative_id)}"
        f" {_score(suspect)}, {wording.status_words(suspect, assets)}"
        for suspect in ranked
    )
    return drawing(_WIDTH, bottom + 42, body, title=title, desc=said)


def _score(suspect: Suspect) -> str:
    low, high = wording.fixed(suspect.low), wording.fixed(suspect.high)
    return f"{wording.fixed(suspect.score)} [{low}, {high}]"


def _row(suspect: Suspect, name: str, status: str, top: float, x: Scale) -> list[Markup]:
    head = shortened(f"{suspect.rank}. {name}", 270)
    strong = suspect.status in ("leading", "possible") and not suspect.rejected
    room = _WIDTH - text_width(head) - 14
    middle = top + 30
    drawn = [
        text(0, top + 16, head, bold=strong, rest=shortened(status, room, 12)),
        text(_WIDTH, middle + 4, _score(suspect), anchor="end", bold=strong),
    ]
    reached = 0.0
    for field, words, fill in PARTS:
        part = float(getattr(suspect.parts, field))
        tip = f"{name}, {words}: {wording.fixed(part, 3)}"
        start, end = sorted((x(reached), x(reached + part)))
        if part > 0:
            drawn.append(rect(start, middle - 7, max(0.5, end - start - 0.7), 14, fill, tip=tip))
        elif part < 0:
            # A part that counts against takes back what the others gave.
            drawn.append(hatch(start, middle - 7, end - start, 14, tip=tip))
        reached += part
    low, high = x(suspect.low), x(suspect.high)
    drawn += [
        line([(low, middle), (high, middle)], INK, width=1.4),
        line([(low, middle - 4), (low, middle + 4)], INK, width=1.4),
        line([(high, middle - 4), (high, middle + 4)], INK, width=1.4),
    ]
    return drawn
