"""Archives as rows: JSONL, CSV and Parquet files read in batches, bad rows named one by one.

A file that cannot be read at all raises; a row that cannot be read is handed on as a
``BadRow``, and the rows around it are kept.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from crawler.errors import ImportFormatError

BATCH = 5000
MAX_CELL = 1_000_000
# The reader must take in a cell to say that it is too long; a line beyond this is skipped.
_MAX_LINE = 64 * 2**20
SUFFIXES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column name; ``where`` is ``file:line``."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, and why."""

    where: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns that an archive must have, may have, and goes by other names.

    Attributes
    ----------
    aliases : mapping
        Accepted name -> ours.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    aliases: Mapping[str, str]

    def ours(self, name: str) -> str:
        """Return our name of a column."""
        plain = name.strip().lower()
        return self.aliases.get(plain, plain)

    def check(self, found: Sequence[str], path: Path) -> tuple[str, ...]:
        """Return the columns that are not used.

        Raises
        ------
        ImportFormatError
            When a required one is missing.
        """
        ours = {self.ours(name) for name in found}
        if missing := [name for name in self.required if name not in ours]:
            raise ImportFormatError(
                f"{path.name}: no column {', '.join(missing)}; it has"
                f" {', '.join(found)[:300] or 'none'}; wanted are {', '.join(self.required)}"
                f" and optionally {', '.join(self.optional)}"
            )
        known = {*self.required, *self.optional}
        return tuple(name for name in found if self.ours(name) not in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An open archive.

    Attributes
    ----------
    ignored : tuple of str
        Columns that are not used.
    batches : iterator
        Lists of rows, good and bad, in the order of the file.
    """

    path: Path
    ignored: tuple[str, ...]
    batches: Iterator[list[Row | BadRow]]


def read_archive(path: Path, columns: Columns, *, batch: int = BATCH) -> Archive:
    """Open an archive by its suffix.

    Raises
    ------
    ImportFormatError
        When the file is missing, empty, of another type or encoding, or lacks a column.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ImportFormatError(
            f"{path.name}: files that end in {', '.join(SUFFIXES)} can be imported"
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            start = handle.read(4096)
    except OSError as error:
        raise ImportFormatError(f"{str(path)!r}: {error.strerror or error}") from error
    if size == 0:
        raise ImportFormatError(f"{path.name}: the file is empty")
    if suffix == ".parquet":
        return _parquet(path, columns, batch)
    _refuse_wide(start, path)
    return _csv(path, columns, batch) if suffix == ".csv" else _jsonl(path, columns, batch)


def _refuse_wide(start: bytes, path: Path) -> None:
    """Refuse UTF-16 and UTF-32, which no row of would survive."""
    marks = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
    if start.startswith(marks) or b"\0" in start:
        offset = 0 if start.startswith(marks) else start.index(b"\0")
        raise ImportFormatError(
            f"{path.name}: not UTF-8 at byte {offset} (it looks like UTF-16 or binary data);"
            " save it as UTF-8"
        )


def _batched(rows: Iterable[Row | BadRow], size: int) -> Iterator[list[Row | BadRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


# -- lines --------------------------------------------------------------------------


@dataclass(slots=True)
class _Lines:
    """The lines of a file as text, with the byte offsets of what is not UTF-8."""

    handle: IO[bytes]
    number: int = 0
    offset: int = 0
    bad_offset: int | None = None

    def __iter__(self) -> Iterator[str]:
        while line := self.handle.readline(_MAX_LINE):
            self.number += 1
            if self.number == 1:
                line = self._without_mark(line)
            yield self._decode(line)
            self.offset += len(line)

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith(b"\xef\xbb\xbf"):
            self.offset = 3
            return line[3:]
        return line

    def _decode(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            if self.bad_offset is None:
                self.bad_offset = self.offset + error.start
            return line.decode(errors="replace")

    def take_bad_offset(self) -> int | None:
        """Return the first bad byte since the last call."""
        offset, self.bad_offset = self.bad_offset, None
        return offset


def _encoding_row(where: str, offset: int) -> BadRow:
    return BadRow(where, "encoding", f"not UTF-8 at byte {offset} of the file")


def _long_cell(where: str, values: Mapping[str, Any]) -> BadRow | None:
    for name, value in values.items():
        if isinstance(value, str) and len(value) > MAX_CELL:
            message = f"column {name!r} has {len(value):,} characters; {MAX_CELL:,} are the most"
            return BadRow(where, "cell_too_large", message)
    return None


# -- CSV ----------------------------------------------------------------------------


def _csv(path: Path, columns: Columns, batch: int) -> Archive:
    with path.open("rb") as handle:
        lines = _Lines(handle)
        header = next(_guarded(csv.reader(iter(lines)), path), [])
        if (offset := lines.take_bad_offset()) is not None:
            raise ImportFormatError(
                f"{path.name}: the header is not UTF-8 at byte {offset}; save the file as UTF-8"
            )
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise ImportFormatError(
            f"{path.name}: the header is {header[0][:80]!r}; columns are separated by commas"
        )
    ignored = columns.check(header, path)
    names = [columns.ours(name) for name in header]
    rows = _csv_rows(path, names)
    return Archive(path=path, ignored=ignored, batches=_batched(rows, batch))


def _csv_rows(path: Path, names: Sequence[str]) -> Iterator[Row | BadRow]:
    with path.open("rb") as handle:
        lines = _Lines(handle)
        reader = csv.reader(iter(lines))
        rows = _guarded(reader, path)
        next(rows)
        line = reader.line_num
        for cells in rows:
            # A quoted cell may span lines: the row is named after the first of them.
            where, line = f"{path.name}:{line + 1}", reader.line_num
            offset = lines.take_bad_offset()
            if offset is not None:
                yield _encoding_row(where, offset)
            elif len(cells) > len(names):
                message = f"{len(cells)} cells for {len(names)} columns; quote commas in text"
                yield BadRow(where, "columns", message)
            elif cells:
                values = dict(zip(names, cells, strict=False))
                yield _long_cell(where, values) or Row(where, values)


def _guarded(reader: Any, path: Path) -> Iterator[list[str]]:
    """Yield the rows of a reader whose cells may be long, and map its errors."""
    before = csv.field_size_limit(_MAX_LINE)
    try:
        yield from reader
    except csv.Error as error:
        raise ImportFormatError(f"{path.name}:{reader.line_num}: {error}") from error
    finally:
        csv.field_size_limit(before)


# -- JSONL --------------------------------------------------------------------------


def _jsonl(path: Path, columns: Columns, batch: int) -> Archive:
    batches = _batched(_jsonl_rows(path, columns), batch)
    first = next(batches, [])
    found = dict.fromkeys(name for row in first if isinstance(row, Row) for name in row.values)
    # A file of which no line can be read has no columns to complain of.
    ignored = columns.check(list(found), path) if found else ()
    return Archive(path=path, ignored=ignored, batches=chain([first], batches))


def _jsonl_rows(path: Path, columns: Columns) -> Iterator[Row | BadRow]:
    with path.open("rb") as handle:
        lines = _Lines(handle)
        for line in lines:
            where = f"{path.name}:{lines.number}"
            offset = lines.take_bad_offset()
            if offset is not None:
                yield _encoding_row(where, offset)
            elif line.strip():
                yield _json_row(where, line, columns)


def _json_row(where: str, line: str, columns: Columns) -> Row | BadRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRow(where, "json", f"no JSON: {error}"[:200])
    if not isinstance(value, dict):
        return BadRow(where, "json", "the line is no JSON object")
    values = {columns.ours(name): cell for name, cell in value.items()}
    return _long_cell(where, values) or Row(where, values)


# -- Parquet ------------------------------------------------------------------------


def _parquet(path: Path, columns: Columns, batch: int) -> Archive:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ImportFormatError(f"{path.name}: no Parquet file ({error})"[:300]) from error
    found = [str(name) for name in file.schema_arrow.names]
    ignored = columns.check(found, path)
    used = [name for name in found if name not in ignored]
    return Archive(
        path=path, ignored=ignored, batches=_parquet_batches(file, path, columns, used, batch)
    )


def _parquet_batches(
    file: Any, path: Path, columns: Columns, used: list[str], batch: int
) -> Iterator[list[Row | BadRow]]:
    names = {name: columns.ours(name) for name in used}
    number = 0
    for record_batch in file.iter_batches(batch_size=batch, columns=used):
        rows: list[Row | BadRow] = []
        for record in record_batch.to_pylist():
            number += 1
            where = f"{path.name}:row {number}"
            values = {names[name]: cell for name, cell in record.items()}
            rows.append(_long_cell(where, values) or Row(where, values))
        yield rows
