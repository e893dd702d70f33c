"""Parquet export and import of the tables that cannot be computed again.

One file per table, zstd, plain columns with the names of the schema. What ``align`` derives
is left out: it follows from these.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.database import Store
from store.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

# In the order in which foreign keys allow them to be read back.
TABLES = (
    "runs",
    "sources",
    "documents",
    "revisions",
    "narratives",
    "assets",
    "taggings",
    "passages",
    "labels",
    "entities",
    "prices",
    # A date on which something was said cannot be computed again.
    "confirmations",
)
_ROWS_PER_GROUP = 20_000
# Tables without a rowid.
_ORDERS = {
    "prices": "asset_id, date, known_at",
    "confirmations": "narrative_id, asset_id, lag",
}


def export_tables(store: Store, folder: Path) -> dict[str, int]:
    """Write each table to ``folder/TABLE.parquet``; return the rows written by table.

    A file is swapped in by rename when it is complete.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for table in TABLES:
        schema = _schema(store, table)
        partial = folder / f"{table}.parquet.tmp"
        counts[table] = 0
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for rows in _batches(store, table, [*schema.names]):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                counts[table] += len(rows)
        partial.replace(folder / f"{table}.parquet")
    return counts


def import_tables(store: Store, folder: Path) -> dict[str, int]:
    """Read back the files of :func:`export_tables`; return the rows added by table.

    Rows that are already there stay as they are. One transaction: all files, or nothing.

    Raises
    ------
    StoreError
        When a file has other columns than the table, or rows without their parents.
    """
    import pyarrow.parquet as pq

    found = [table for table in TABLES if (folder / f"{table}.parquet").exists()]
    if not found:
        raise StoreError(
            f"no exported tables in {str(folder)!r}: it should hold files such as documents.parquet"
        )
    counts: dict[str, int] = {}
    with store.transaction():
        for table in found:
            names = _schema(store, table).names
            file = pq.ParquetFile(folder / f"{table}.parquet")
            if set(file.schema_arrow.names) != set(names):
                odd = sorted(set(file.schema_arrow.names) ^ set(names))
                raise StoreError(
                    f"{table}.parquet does not fit the table {table!r} (columns {odd}): export it"
                    " again with this version"
                )
            counts[table] = sum(
                _insert(store, table, names, batch.to_pylist())
                for batch in file.iter_batches(_ROWS_PER_GROUP)
            )
    return counts


def _insert(store: Store, table: str, names: list[str], rows: list[dict[str, Any]]) -> int:
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    cursor = store.db.conn.executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",
        [[row[name] for name in names] for row in rows],
    )
    return max(cursor.rowcount, 0)


def _schema(store: Store, table: str) -> "pa.Schema":
    import pyarrow as pa

    kinds = {"TEXT": pa.string(), "INTEGER": pa.int64(), "REAL": pa.float64()}
    return pa.schema(
        [
            (column.name, kinds[column.type])
            for column in store.db[table].columns
            if column.name != "number"  # the key of full-text search, made anew on import
        ]
    )


def _batches(store: Store, table: str, names: list[str]) -> Iterator[list[dict[str, Any]]]:
    columns = ", ".join(f'"{name}"' for name in names)
    # A copy must come after the document that it points at, or its foreign key fails.
    order = "duplicate_of IS NOT NULL, number" if table == "documents" else "rowid"
    if table in _ORDERS:
        order = _ORDERS[table]
    cursor = store.db.execute(f"SELECT {columns} FROM {table} ORDER BY {order}")
    while rows := cursor.fetchmany(_ROWS_PER_GROUP):
        yield [dict(zip(names, row, strict=True)) for row in rows]
