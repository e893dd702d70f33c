"""The page of one day: which story moved it, the evidence for and against, or a refusal."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup

from api.browse.drawing import HALF, adaptive, move_bars
from api.browse.errors import PageMovedError, PageNotFoundError
from api.explain import explain_document, rivals_of
from store.pages import Pages
from store.results import explanation_of

PARTS = (
    ("intensity", "intensity"),
    ("causal_claims", "causal claims"),
    ("timing", "timing"),
    ("signature", "signature"),
    ("hard_data", "hard data"),
)

# Units: the board of suspects has three fifths of a page.
BOARD = 600
# Sessions of talk before a move: [window] before in align/weights.toml.
BEFORE = 5
# An older quote than this is none of the talk before the move: nothing nearer was said.
_OLD = timedelta(days=8)


def collect(pages: Pages, day: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the explanation of a day in the shape of ``explain --json``, and its context."""
    stored = pages.verdicts(1)
    if day == "latest" and stored:
        raise PageMovedError(f"/day/{stored[0]['date']}")
    wanted = query.get("days", "1")
    sessions = int(wanted) if wanted.isdigit() and len(wanted) < 4 else 1
    found = pages.explanation(day, sessions)
    if found is None:
        raise _missing(pages, day, sessions)
    record = explanation_of(found)
    explanation = explain_document(record)
    quotes = [quote for suspect in explanation["suspects"] for quote in suspect["quotes"]]
    episodes = pages.episodes()
    return {
        "date": day,
        "days": sessions,
        **pages.neighbours(day),
        "explanation": explanation,
        "_record": record,
        "names": {row["id"]: row["name"] for row in pages.narratives()},
        "assets": {row["id"]: row["name"] for row in pages.assets()},
        "found_on": pages.found_on(),
        "hours": _hours(explanation),
        "doses": _doses(explanation),
        "rivals": [one.narrative_id for one in rivals_of(record)],
        "told": _told(pages, day, sessions),
        "when": when_of(explanation, quotes),
        "episodes": {
            row["episode"]: episodes[row["episode"]]
            for row in explanation["analogs"]
            if row["episode"] in episodes
        },
        "evidence": _evidence(pages, quotes),
        "as_of": _usual([move["as_of"] for move in explanation["moves"]]),
        "other_instants": _other_instants(explanation["moves"]),
        "intensity": sorted(
            pages.series.intensity([day]), key=lambda point: -(point["share"] or 0.0)
        ),
    }


def _evidence(pages: Pages, quotes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return title, source and position of the passage behind each quote, by document."""
    ids = sorted({quote["document_id"] for quote in quotes})
    headers = pages.stories.headers(ids)
    positions = pages.stories.positions(
        [(quote["document_id"], quote["quote"]) for quote in quotes]
    )
    return {
        id_: {
            "title": row["heading"],
            "source": row["source"],
            "source_id": row["source_id"],
            "reach": row["reach"],
            "passages": {quote: place for (doc, quote), place in positions.items() if doc == id_},
        }
        for id_, row in headers.items()
    }


def _told(pages: Pages, day: str, sessions: int) -> dict[str, int]:
    """Return how many stories up to the close carry each narrative."""
    found: dict[str, int] = {}
    for point in pages.series.intensity(pages.days(sessions + BEFORE, until=day)):
        found[point["narrative_id"]] = found.get(point["narrative_id"], 0) + point["stories"]
    return found


def when_of(explanation: Mapping[str, Any], quotes: list[dict[str, Any]]) -> dict[str, str]:
    """Say of a quoted document what its date means: after the close, or long before the move."""
    timing = explanation["timing"]
    if timing is None:
        return {}
    close = datetime.fromisoformat(timing["price_to"])
    opened = datetime.fromisoformat(timing["price_from"])
    found = {}
    for quote in quotes:
        if quote["published_at"] is None:
            continue
        at = datetime.fromisoformat(quote["published_at"])
        if at > close:
            found[quote["document_id"]] = "after the close"
        elif opened - at > _OLD:
            found[quote["document_id"]] = f"{(opened - at).days} days before"
    return found


def _hours(explanation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the hours of each narrative's talk; none in answers stored without them."""
    timing = explanation["timing"]
    return {} if timing is None else {line["narrative_id"]: line for line in timing["lines"]}


def _doses(explanation: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in explanation["dose"]:
        found.setdefault(line["narrative_id"], []).append(line)
    return found


def _usual(instants: list[str]) -> str | None:
    """Return the instant that most of the moves describe."""
    return max(sorted(set(instants)), key=instants.count, default=None)


def _other_instants(moves: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the names of the assets whose prices describe another instant than most."""
    usual = _usual([move["as_of"] for move in moves])
    found: dict[str, list[str]] = {}
    for move in moves:
        if move["as_of"] != usual:
            found.setdefault(move["as_of"], []).append(move["name"])
    return found


def _missing(pages: Pages, day: str, sessions: int) -> PageNotFoundError:
    """Say why there is no answer for a day, which days there are, and how to get this one."""
    try:
        date.fromisoformat(day)
    except ValueError:
        sentence = f"{day!r} is no day: write it as 2026-01-30."
    else:
        sentence = _not_stored(day, sessions)
    near = pages.neighbours(day)
    stored = [near["previous"], near["next"], *(row["date"] for row in pages.verdicts(12))]
    if sessions > 1 and pages.explanation(day) is not None:
        stored.append(day)
    days = sorted({one for one in stored if one}, reverse=True)
    if days:
        sentence += " These days are stored:"
    return PageNotFoundError(sentence, [(f"/day/{one}", one) for one in days])


def _not_stored(day: str, sessions: int) -> str:
    if sessions > 1:
        return (
            f"No explanation of the {sessions} sessions to {day} is stored: pages show single"
            f" days. 'tapestory explain DB {day} --days {sessions}' computes it from the working"
            " database."
        )
    return (
        f"No explanation of {day} is stored: it was no session, no move of that day was large"
        f" enough, or the snapshot ends before it. 'tapestory explain DB {day}' computes it"
        " from the working database."
    )


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw the moves, the board of suspects, the flow of blame, and the stances of the day."""
    from api.charts import blame_chart, stance_bar, suspects_chart

    explanation, names = data["_record"], data["names"]
    charts = move_bars(data["explanation"]["moves"])
    charts["suspects"] = adaptive(
        lambda width: suspects_chart(explanation, names, width=width), BOARD
    )
    charts["blame"] = adaptive(lambda width: blame_chart(explanation.blame, names, width=width),
                               HALF)  # fmt: skip
    for row in data["intensity"]:
        bar = stance_bar(row["favor"], row["against"], row["neutral"])
        charts[f"stance:{row['narrative_id']}"] = bar
    return charts
