"""Read stored rows again by table and key: what a sentence of the report cites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.errors import StoreError
from store.rows import Connection, Row, rows

Value = str | int | float
CITABLE = frozenset(
    {
        "alignments",
        "analogs",
        "assets",
        "discoveries",
        "documents",
        "drift_terms",
        "episodes",
        "explanations",
        "intensity_latest",
        "moves",
        "narrative_drift",
        "narratives",
        "prices_latest",
        "sources",
        "suspects",
        "topic_changes",
        "topic_documents",
        "topic_weeks",
        "topics",
    }
)
"""Tables and views that a sentence may cite."""


@dataclass(frozen=True, slots=True)
class Between:
    """Values from ``low`` until before ``high``; instants and days as the text of the tables."""

    low: Value
    high: Value


Where = Mapping[str, Value | Between | Sequence[str] | None]


def cited(db: Connection, table: str, columns: Sequence[str], where: Where) -> list[Row]:
    """Return columns of the rows whose keys are as given, ordered by those columns.

    Parameters
    ----------
    where : mapping of column to value
        A value, :class:`Between`, a list of values, or None for NULL.

    Raises
    ------
    StoreError
        When the table is none of :data:`CITABLE`, or a column has no plain name.
    """
    if table not in CITABLE:
        raise StoreError(f"no table {table!r} that can be cited: it is one of {sorted(CITABLE)}")
    if odd := [name for name in (*columns, *where) if not name.isidentifier()]:
        raise StoreError(f"no column {odd[0]!r} can be cited: names are letters and underscores")
    conditions, values = ["1"], []
    for name, wanted in where.items():
        if isinstance(wanted, Between):
            conditions.append(f'"{name}" >= ? AND "{name}" < ?')
            values += [wanted.low, wanted.high]
        elif wanted is None:
            conditions.append(f'"{name}" IS NULL')
        elif isinstance(wanted, (str, int, float)):
            conditions.append(f'"{name}" = ?')
            values.append(wanted)
        else:
            conditions.append(f'"{name}" IN ({", ".join("?" * len(wanted))})')
            values += wanted
    listed = ", ".join(f'"{name}"' for name in columns)
    return rows(
        db,
        f"SELECT {listed} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {listed}",
        values,
    )
