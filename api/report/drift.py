"""How the telling of known narratives moved: words, entities and outlets that rose or fell."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.report.facts import Fact, Name, Rows, Said, clause, fact, say
from api.report.material import Material
from api.report.topic_records import DriftCase, Drifting
from store.evidence import Between, Where
from store.records import DriftTerm, NarrativeDrift

_ALPHA = 0.05
_TERMS, _NEAREST = 3, 2
_KINDS = {"word": "words", "entity": "names", "outlet": "outlets"}


def drift_of(material: Material) -> Drifting:
    """Return the week's newest comparison of each narrative with the window before."""
    drifts = material.topics.drifts
    made = [one for one in drifts if one.pvalue is not None]
    adjusted = holm([one.pvalue for one in made if one.pvalue is not None])
    moved = [(adj, one) for adj, one in zip(adjusted, made, strict=True) if adj < _ALPHA]
    moved.sort(key=lambda pair: (pair[0], -(pair[1].divergence or 0), *_key(pair[1]).values()))
    names = {narrative.id: narrative.name for narrative in material.narratives}
    known = {asset.id: asset.name for asset in material.assets}
    return Drifting(
        day=drifts[0].day if drifts else None,
        start=drifts[0].start if drifts else None,
        compared=len(made),
        few=len(drifts) - len(made),
        moved=[
            DriftCase(
                name=names.get(one.narrative_id, one.narrative_id),
                drift=one,
                pvalue_adj=adj,
                said=_moved(
                    one,
                    names.get(one.narrative_id, one.narrative_id),
                    {"entity": known, "outlet": material.sources}.get(one.kind, {}),
                ),
            )
            for adj, one in moved
        ],
    )


def holm(pvalues: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm (1979), in the order given."""
    adjusted, largest = [0.0] * len(pvalues), 0.0
    for place, index in enumerate(sorted(range(len(pvalues)), key=pvalues.__getitem__)):
        largest = max(largest, min(1.0, (len(pvalues) - place) * pvalues[index]))
        adjusted[index] = largest
    return adjusted


def drift_words(drift: Drifting, material: Material) -> list[Said]:
    """Return the sentences that open the section."""
    if drift.day is None or drift.start is None:
        return [
            say(
                "how narratives are told was not compared on a day of this week: “tapestory"
                " discover” does so"
            )
        ]
    day = {"day": drift.day.isoformat()}
    rows = Rows(table="narrative_drift", column="narrative_id", where=day)
    parts: dict[str, Fact] = {
        "compared": fact(
            drift.compared, "comparisons", "count",
            Rows(table="narrative_drift", column="narrative_id",
                 where={**day, "pvalue": Between(0.0, 2.0)}),
        ),
        "few": fact(
            drift.few, "plain", "count",
            Rows(table="narrative_drift", column="narrative_id", where={**day, "pvalue": None}),
        ),
        "first": fact(
            drift.start.isoformat(), "day", "row", _row(material.topics.drifts[0], "start"),
        ),
        "last": fact(
            drift.day.isoformat(), "day", "row", _row(material.topics.drifts[0], "day"),
        ),
    }  # fmt: skip
    fewer = "" if not drift.few else "; {few} could not be made, for too few stories"
    if not drift.compared:
        return [say("no narrative has stories enough in both windows to be compared", **parts)]
    window = "of {compared} (a narrative’s words, names or outlets, {first} to {last} against as"
    if not drift.moved:
        return [
            say(
                f"{window} long before), none moved beyond what chance among so many would"
                f" do{fewer}",
                **parts,
            )
        ]
    parts["moved"] = fact(len(drift.moved), "plain", "again", rows, about="drift.moved")
    return [say(f"{window} long before), {{moved}} moved beyond chance{fewer}", **parts)]


def of_drift(drift: Drifting) -> dict[str, Any]:
    """Return how many comparisons stand out."""
    return {"drift.moved": len(drift.moved)}


def _moved(drift: NarrativeDrift, name: str, names: Mapping[str, str]) -> Said:
    """Say which terms of a narrative rose and fell: the sure ones, else those that came nearest."""
    parts: dict[str, Fact | Name] = {
        "name": Name(kind="narrative", id=drift.narrative_id, words=name),
        "stories": fact(drift.stories, "stories", "row", _row(drift, "stories")),
        "earlier": fact(drift.before, "plain", "row", _row(drift, "before")),
    }
    ranked = sorted(drift.terms, key=lambda one: (-abs(one.zscore), one.term))
    sure = [one for one in ranked if one.pvalue_adj < _ALPHA]
    most = _TERMS if sure else _NEAREST
    said = []
    for verb, terms in (
        ("rose", [one for one in sure or ranked if one.zscore > 0][:most]),
        ("fell", [one for one in sure or ranked if one.zscore < 0][:most]),
    ):
        listed = []
        for place, one in enumerate(terms):
            letter = f"{verb}_{'abc'[place]}"
            parts |= _term(letter, one, drift, names)
            listed.append(f"“{{{letter}}}” ({{{letter}_before}} → {{{letter}_now}})")
        if listed:
            said.append(f"{', '.join(listed)} {verb}")
    told = "; ".join(said) or "none stands out alone"
    if said and not sure:
        told += ", none of them beyond chance alone"
    return Said(
        clause(f"“{{name}}”, {_KINDS[drift.kind]} (of {{earlier}} → {{stories}}): {told}", **parts)
    )


def _term(
    letter: str, one: DriftTerm, drift: NarrativeDrift, names: Mapping[str, str]
) -> dict[str, Fact | Name]:
    where: Where = {**_key(drift), "term": one.term}

    def rows(column: str) -> Rows:
        return Rows(table="drift_terms", column=column, where=where)

    term: Fact | Name = fact(one.term, "text", "row", rows("term"))
    if one.term in names:
        kind = "source" if drift.kind == "outlet" else "asset"
        term = Name(kind=kind, id=one.term, words=names[one.term])  # type: ignore[arg-type]
    return {
        letter: term,
        f"{letter}_before": fact(one.before, "plain", "row", rows("before")),
        f"{letter}_now": fact(one.stories, "plain", "row", rows("stories")),
    }


def _key(drift: NarrativeDrift) -> dict[str, str]:
    return {
        "day": drift.day.isoformat(),
        "narrative_id": drift.narrative_id,
        "kind": drift.kind,
    }


def _row(drift: NarrativeDrift, column: str) -> Rows:
    return Rows(table="narrative_drift", column=column, where=_key(drift))
