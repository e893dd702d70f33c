"""The pages of discovered topics: what no narrative explains, and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from api.browse.drawing import HALF, adaptive
from api.browse.errors import PageNotFoundError
from api.browse.filters import segment
from api.topic_words import RULES, VALUES, rule_words
from store.pages import Pages

PAGE = 30  # stories of a topic
LAST_PAGE = 200
WEEKS = 13  # in a sparkline
WEEKS_OF_ONE = 53
MOST = 50  # topics of a group; the table has them all
BOX = 5  # topics on the home page
_WEEK = timedelta(days=7)
_LISTED = ("candidates", "moving", "weak", "steady", "background")
_TRENDS = ("emerging", "growing", "steady", "fading", "quiet")
# A topic that lacks one of these has too little behind it to be more than a weak signal.
_FEW = frozenset({"stories", "sources", "days"})


# -- all of them ---------------------------------------------------------------------------


def collect(pages: Pages, _: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the topics of the last run in groups, with the figures of that run."""
    runs = pages.topics.last_runs()
    found = grouped(pages.topics.now())
    groups = {name: group[:MOST] for name, group in found.items()}
    _add_series(pages, [one for group in groups.values() for one in group])
    return {
        "day": max((run["day"] for run in runs), default=None),
        "runs": [_with_rest(run) for run in runs],
        "names": {row["id"]: row["name"] for row in pages.narratives()},
        "totals": {name: len(group) for name, group in found.items()},
        **groups,
    }


def grouped(topics: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Part topics by what a reader does with them.

    Returns
    -------
    dict
        ``candidates`` wait for a person; ``moving`` are watched and come or go; ``weak`` are
        watched and few stories; ``decided`` were accepted or dismissed, the last one first;
        ``steady`` are watched and do not move; ``background`` were there in the first window.
        Within a group by trend, those on markets first, then as given.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*_LISTED, "decided")}
    for topic in topics:
        found[_group(topic)].append(topic)
    for name in _LISTED:
        found[name].sort(key=_place)
    found["decided"].sort(key=lambda topic: topic["decided_at"] or "", reverse=True)
    return found


def _group(topic: Mapping[str, Any]) -> str:
    if topic["status"] == "candidate":
        return "candidates"
    if topic["status"] in ("accepted", "dismissed"):
        return "decided"
    if topic["status"] == "background":
        return "background"
    if is_weak(topic):
        return "weak"
    return "steady" if topic["week"]["trend"] in ("steady", "quiet") else "moving"


def is_weak(topic: Mapping[str, Any]) -> bool:
    """Return whether a watched topic is a few stories; one that fades was more than that."""
    week = topic["week"]
    return week is None or (week["trend"] != "fading" and bool(_FEW & set(week["lacks"])))


def _place(topic: Mapping[str, Any]) -> tuple[int, bool]:
    week = topic["week"]
    return (len(_TRENDS), True) if week is None else (
        _TRENDS.index(week["trend"]), "market" in week["lacks"],
    )  # fmt: skip


def _add_series(pages: Pages, topics: Sequence[dict[str, Any]]) -> None:
    """Give each topic its stories week by week, from the first week on, and one headline."""
    days = weekly(pages.topics.run_days(), WEEKS)
    ids = [topic["id"] for topic in topics]
    counts = pages.topics.recent(ids, days)
    headlines = pages.topics.headlines(ids)
    for topic in topics:
        known = counts[topic["id"]]
        first = min(known, default="9999")
        topic["series"] = [[day, known.get(day)] for day in days if day >= first]
        topic["headline"] = headlines.get(topic["id"])


def weekly(days: Sequence[str], most: int) -> list[str]:
    """Return days a week or more apart, oldest first, counted back from the newest.

    Windows of a nightly run overlap by all but a day: one a week tells what the rest tell.
    """
    kept: list[str] = []
    for day in sorted(set(days), reverse=True):
        limit = kept and (date.fromisoformat(kept[-1]) - _WEEK).isoformat()
        if not limit or day <= limit:
            kept.append(day)
        if len(kept) == most:
            break
    return kept[::-1]


def _with_rest(run: dict[str, Any]) -> dict[str, Any]:
    """Say how many days of a window come before its last seven."""
    span = (date.fromisoformat(run["day"]) - date.fromisoformat(run["start"])).days + 1
    return {**run, "rest": max(0, span - 7)}


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw a sparkline for each topic that has more than one week."""
    from api.charts import sparkline

    charts = {}
    for group in _LISTED:
        for topic in data[group]:
            counts = [count for _, count in topic["series"]]
            if len(counts) > 1:
                label = f"Stories of each week, last {len(counts)} weeks, now {counts[-1]}"
                charts[topic["id"]] = sparkline(counts, width=110, height=24, label=label)
    return charts


def box(pages: Pages) -> dict[str, Any]:
    """Return what the home page says: candidates of the last seven days, emerging topics."""
    day = max((run["day"] for run in pages.topics.last_runs()), default=None)
    if day is None:
        return {"day": None, "waiting": 0, "listed": []}
    since = (date.fromisoformat(day) - _WEEK).isoformat()
    groups = grouped(pages.topics.now())
    fresh = [one for one in groups["candidates"] if (one["proposed_on"] or "") > since]
    watched = [*groups["moving"], *groups["weak"]]
    emerging = [one for one in watched if one["week"] and one["week"]["trend"] == "emerging"]
    emerging.sort(key=_place)
    return {
        "day": day,
        "waiting": len(groups["candidates"]),
        "listed": [_brief(one) for one in (fresh + emerging)[:BOX]],
    }


def _brief(topic: Mapping[str, Any]) -> dict[str, Any]:
    week = topic["week"] or {}
    return {
        **{key: topic[key] for key in ("id", "label", "status")},
        **{key: week.get(key) for key in ("trend", "stories", "sources", "recent", "before")},
    }


# -- one of them ---------------------------------------------------------------------------


def collect_one(pages: Pages, topic_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return everything on a topic; ``?page=`` turns the pages of its stories."""
    topic = pages.topics.topic(topic_id)
    if topic is None:
        near = pages.topics.near(topic_id)
        raise PageNotFoundError(
            f"There is no topic {topic_id!r}."
            + (" These have the nearest ids:" if near else " None was discovered yet."),
            [(f"/topic/{segment(row['id'])}", f"{row['id']}: {row['label']}") for row in near]
            or [("/topics", "Topics")],
        )
    weeks = pages.topics.weeks(topic_id)
    shown = set(weekly([week["day"] for week in weeks], WEEKS_OF_ONE))
    outlets = pages.topics.outlets(topic_id)
    total = sum(row["stories"] for row in outlets)
    last = min(max(1, -(-total // PAGE)), LAST_PAGE)
    number = query.get("page", "1")
    page = min(max(int(number), 1), last) if number.isdecimal() and len(number) < 4 else 1
    week = weeks[-1] if weeks else None
    family = pages.topics.family(topic_id, topic["parent_id"])
    runs = {run["language"]: _with_rest(run) for run in pages.topics.last_runs()}
    return {
        "topic": topic,
        "run": runs.get(topic["language"]),
        "week": week,
        "rules": _rules(week),
        "weeks": [week for week in weeks if week["day"] in shown],
        "narrative": _narrative(pages, topic["narrative_id"]),
        "parent": next((row for row in family if row["id"] == topic["parent_id"]), None),
        "children": [row for row in family if row["id"] != topic["parent_id"]],
        "changes": pages.topics.changes(topic_id),
        "representative": pages.topics.representative(topic_id),
        "stories": pages.topics.stories(topic_id, limit=PAGE, offset=PAGE * (page - 1)),
        "total": total,
        "page": page,
        "pages": last,
        "per_page": PAGE,
        "outlets": outlets,
    }


def _narrative(pages: Pages, narrative_id: str | None) -> dict[str, Any] | None:
    """Return id and name of the narrative that came of a topic; its id where it is not stored."""
    if narrative_id is None:
        return None
    found = pages.narrative(narrative_id)
    return {"id": narrative_id, "name": found["name"] if found else None}


def _rules(week: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the rules for a candidate with what the week has, those that are not met last."""
    if week is None:
        return []
    names = [*RULES, *(name for name in week["lacks"] if name not in RULES)]
    found = [
        {"rule": name, "words": rule_words(name), "value": week.get(VALUES.get(name, "")),
         "met": name not in week["lacks"]}
        for name in names
    ]  # fmt: skip
    return sorted(found, key=lambda rule: not rule["met"])


def draw_one(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw the weeks of a topic."""
    from api.charts import topic_chart

    weeks = data["weeks"]
    if len(weeks) < 2:
        return {}
    days = [date.fromisoformat(week["day"]) for week in weeks]
    core, reassigned, share = (
        [week[key] for week in weeks] for key in ("stories", "reassigned", "share")
    )
    return {
        "weeks": adaptive(
            lambda width: topic_chart(days, core, reassigned, share, width=width), HALF
        )
    }
