"""The evidence gate: nothing is written of a report that its rows do not bear out.

Every sentence is checked against rows that are read again: each number is the wording of a
fact, each fact is what its rows give, each name is one that those rows are about, and each
quote stands in a document that carries the narrative it is quoted for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.errors import EvidenceError
from api.report.facts import FORMS, Clause, Fact, Name, Rows, Said, sentences_of, spoken
from api.report.gate_cells import check_cells
from api.report.gate_stored import check_stored
from api.report.material import select
from api.report.records import Evidence, WeeklyReport
from api.report.recounted import recounted
from api.report.told import wilson
from store.evidence import cited
from store.records import Explanation
from store.weeks import Weeks

if TYPE_CHECKING:
    from store import Store

_ADVICE = "nothing was written; run 'tapestory align' and try again, or report it as a bug"
_NAMED = {
    "narrative": ("narratives", "name"),
    "asset": ("assets", "name"),
    "episode": ("episodes", "name"),
    "source": ("sources", "name"),
    "topic": ("topics", "label"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What sentences are held against.

    Attributes
    ----------
    again : mapping of str to value
        Counts made again from rows that were read again.
    names : mapping of name to ids
        Narratives and assets as they are called.
    """

    store: "Store"
    again: Mapping[str, Any]
    names: Mapping[str, set[str]]


def check(report: WeeklyReport, store: "Store", *, now: datetime) -> None:
    """Let a report pass, or say which sentence cannot be shown.

    Raises
    ------
    EvidenceError
        For the first sentence, table cell or quote that the stored rows do not bear out.
    """
    material = select(store, report.week.name, now=now)
    names: dict[str, set[str]] = {}
    for narrative in material.narratives:
        names.setdefault(narrative.name, set()).add(narrative.id)
    for asset in material.assets:
        names.setdefault(asset.name, set()).add(asset.id)
    evidence = _Evidence(store=store, again=recounted(material), names=names)
    answers: dict[Any, Explanation | None] = {}
    for sentence in sentences_of(report):
        if isinstance(sentence, Said):
            _check_said(sentence, evidence)
        else:
            if sentence.day not in answers:
                answers[sentence.day] = store.results.explanation(sentence.day, 1)
            check_stored(sentence, answers[sentence.day], material)
    check_cells(report, store, material)
    _check_quotes(report, store)
    _check_topic_quotes(report, store)


def _refuse(sentence: str, why: str) -> EvidenceError:
    return EvidenceError(f"the sentence {sentence!r} {why}: {_ADVICE}", sentence=sentence)


def _check_said(said: Said, evidence: _Evidence) -> None:
    for clause in said.clauses:
        if any(character.isdigit() for character in clause.template):
            raise _refuse(said, f"states a number without a fact in {clause.template!r}")
        about: set[str] = set()
        for part in clause.parts.values():
            if isinstance(part, Fact):
                about |= _check_fact(said, part, evidence)
        for part in clause.parts.values():
            if isinstance(part, Name):
                _check_name(said, part, about, evidence.store)
        _check_strangers(said, clause, evidence.names)
    if str(said) != spoken(said.clauses, said.end):
        raise _refuse(said, "is not what its clauses say")


def _check_fact(said: Said, fact: Fact, evidence: _Evidence) -> set[str]:
    """Check one fact against its rows; return the ids that those are about."""
    about: set[str] = set()
    for rows in fact.rows:
        about |= _about(rows, evidence.store)
    found = _value(fact, evidence)
    where = f"{fact.rule} of {fact.rows[0].table}.{fact.rows[0].column}"
    if found is None:
        raise _refuse(said, f"cites rows that are not there ({where})")
    words = FORMS[fact.form](found)
    if words != fact.words:
        raise _refuse(said, f"says {fact.words!r} where the {where} says {words!r}")
    return about


def _value(fact: Fact, evidence: _Evidence) -> Any:
    """Return what the cited rows give, None where they give nothing."""
    if fact.rule == "again":
        return evidence.again.get(fact.about)
    if fact.rule in ("difference", "clear", "rest"):
        return _compared(fact, evidence.store)
    (rows,) = fact.rows
    columns = [rows.column, rows.weight] if rows.weight else [rows.column]
    found = cited(evidence.store.db, rows.table, columns, rows.where)
    values = [row[rows.column] for row in found]
    if fact.rule == "row":
        return _inside(rows, values[0], evidence.store) if len(values) == 1 else None
    if fact.rule in ("mean", "low", "high"):
        return _pooled(found, rows)[("mean", "low", "high").index(fact.rule)]
    if fact.rule == "count":
        return len(values)
    known = [value for value in values if value is not None]
    return len(set(known)) if fact.rule == "distinct" else sum(known)


def _compared(fact: Fact, store: "Store") -> float | bool | None:
    """Return the difference of two means, whether their intervals do not touch, or a rest."""
    if fact.rule == "rest":
        return _rest(fact, store)
    pooled = []
    for rows in fact.rows:
        found = cited(store.db, rows.table, [rows.column, rows.weight], rows.where)
        pooled.append(_pooled(found, rows))
    (mean, low, high), (before, before_low, before_high) = pooled
    if mean is None or before is None:
        return None
    if fact.rule == "difference":
        return float(mean - before)
    return bool(low > before_high or high < before_low)


def _rest(fact: Fact, store: "Store") -> float | None:
    """Return one less the part that the first column is of the second, None of nothing."""
    part, whole = (
        sum(row[rows.column] for row in cited(store.db, rows.table, [rows.column], rows.where))
        for rows in fact.rows
    )
    return 1 - part / whole if whole else None


def _pooled(found: Sequence[Mapping[str, Any]], rows: Rows) -> tuple[Any, Any, Any]:
    known = [row for row in found if row[rows.column] is not None and row[rows.weight] > 0]
    n = float(sum(row[rows.weight] for row in known))
    if not n:
        return None, None, None
    mean = sum(row[rows.column] * row[rows.weight] for row in known) / n
    return (mean, *wilson(mean, n))


def _inside(rows: Rows, value: Any, store: "Store") -> Any:
    """Return a value, or the part of a stored answer that a path leads to."""
    if not rows.path:
        return value
    found: Any = _answer(rows, store)
    for step in rows.path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _answer(rows: Rows, store: "Store") -> Any:
    return store.pages.explanation(str(rows.where["date"]), 1)


def _about(rows: Rows, store: "Store") -> set[str]:
    """Return the ids that rows are keyed by, or that stand beside a path into an answer."""
    keys = (
        *("narrative_id", "asset_id", "episode_id", "source_id", "id"),
        *("topic_id", "other_id", "term"),
    )
    found: set[str] = set()
    for key in keys:
        value = rows.where.get(key)
        found |= {value} if isinstance(value, str) else set()
    if len(rows.path) > 1:
        beside = _inside(Rows(table=rows.table, column=rows.column, where=rows.where,
                              path=rows.path[:2]), None, store)  # fmt: skip
        if isinstance(beside, dict):
            series = str(beside.get("series", "")).removeprefix("intensity:")
            found |= {series, str(beside.get("episode", "")), str(beside.get("narrative_id", ""))}
    return found


def _check_name(said: Said, name: Name, about: set[str], store: "Store") -> None:
    if name.id not in about:
        raise _refuse(said, f"names {name.words!r}, which its rows are not about")
    table, column = _NAMED[name.kind]
    found = cited(store.db, table, [column], {"id": name.id})
    if name.kind == "asset":  # as it was called when the answer was stored
        found += cited(store.db, "moves", ["name"], {"asset_id": name.id})
    if name.words not in {name.id, *(row[column] for row in found)}:
        raise _refuse(said, f"calls {name.id!r} {name.words!r}, which is not its stored name")


def _check_strangers(said: Said, clause: Clause, names: Mapping[str, set[str]]) -> None:
    """Check that no template names a narrative or an asset that nothing is cited for."""
    for name in names:
        # Our own words begin small where they are not at the start of a template.
        if name[:1].isupper() and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", clause.template):
            raise _refuse(said, f"names {name!r} without citing a row about it")


def _check_quotes(report: WeeklyReport, store: "Store") -> None:
    """Check that each quote stands in its document, and that this carries the narrative."""
    quoted = list(_quotes(report))
    ids = sorted({quote.document_id for _, quote in quoted})
    documents = {row["id"]: row for row in Weeks(store.db).quoted(ids)}
    for narrative_id, quote in quoted:
        document = documents.get(quote.document_id)
        if document is None or not any(quote.quote in document[one] for one in ("title", "text")):
            raise _refuse(quote.quote, f"does not stand in document {quote.document_id!r}")
        if narrative_id not in document["narratives"]:
            raise _refuse(
                quote.quote,
                f"is quoted for {narrative_id!r}, which no label of document"
                f" {quote.document_id!r} names",
            )


def _check_topic_quotes(report: WeeklyReport, store: "Store") -> None:
    """Check that each quote of a topic stands in a document that is in the topic."""
    for line in report.topics.proposed.shown:
        for quote in line.quotes:
            where = {"topic_id": line.id, "document_id": quote.document_id}
            if not cited(store.db, "topic_documents", ["document_id"], where):
                raise _refuse(quote.quote, f"is quoted for {line.id!r}, which it is not in")
            found = cited(store.db, "documents", ["title", "text"], {"id": quote.document_id})
            if not any(quote.quote in text for row in found for text in row.values()):
                raise _refuse(quote.quote, f"does not stand in document {quote.document_id!r}")


def _quotes(report: WeeklyReport) -> Iterator[tuple[str, Evidence]]:
    for dispute in report.disputes:
        for quote in dispute.quotes:
            yield dispute.narrative_id, quote
    for case in report.inquiry.cases if report.inquiry is not None else ():
        for quote in case.quotes:
            yield case.suspect.narrative_id, quote
