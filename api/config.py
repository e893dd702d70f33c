"""Settings: TOML and options become one frozen record. The only reader of files and environment."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from api.alerts.rules import AlertSettings, ReportDelivery
from api.alerts.settings import parse_alerts, parse_report
from api.discovering import DiscoverChoices, parse_discover
from api.errors import ConfigError
from store.records import Asset, AssetClass, AssetUnit, NamedCell, Source, SourceKind

FILE_NAME = "tapestory.toml"
SOURCES_NAME = "sources.toml"
_CONTACT = "https://example.org/about-this-crawler"
_TABLES = {
    "crawler": {"contact", "allow_addresses", "host_interval_s", "plain_authors"},
    "sources": {"files"},
    "narratives": {"files"},
    "models": {"encoder", "stance"},
    "store": {"backups"},
    "schedule": {"time", "report"},
    "align": {"cell"},
}
# Checked by api.alerts.settings.
_ALERTS = ("alerts", "alert", "channel", "report")
# Checked by api.discovering.
_DISCOVER = "discover"
_SOURCE_KEYS = {
    "id", "kind", "url", "name", "weight", "language", "full_text", "token_env", "handle", "terms",
}  # fmt: skip
_Sign = Literal["+", "-"]
# As the scan has them, and as many as can be open at once (align/weights.toml).
LONGEST_LAG = 10
MOST_CELLS = 30
_CELL_KEYS = {"narrative", "asset", "lag", "sign", "named"}
_ASSET_KEYS = {"id", "name", "class", "unit", "calendar", "source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a run needs to know besides its database and the time.

    Attributes
    ----------
    base_dir : Path
        Folder against which the paths of the file are read.
    schedule, report_schedule : str
        Local times of the nightly run, ``23:15``, and of the weekly report, ``Sat 07:30``.
    source_files : tuple of str
        Files that hold sources, ``default`` for the shipped ones; empty when the sources stand
        in the settings alone.
    secrets : mapping
        Tokens by the name of their environment variable.
    cells : tuple of NamedCell
        Cells of the scan that were named beforehand.
    discover : DiscoverChoices
        When and how new narratives are looked for.
    alerts, report : AlertSettings and ReportDelivery
        What a person is told, and where the weekly report goes.
    """

    sources: tuple[Source, ...]
    assets: tuple[Asset, ...]
    source_files: tuple[str, ...] = ()
    narrative_files: tuple[str, ...] = ("default",)
    encoder: str = "default"
    stance: str = "default"
    contact: str = _CONTACT
    allow_addresses: tuple[str, ...] = ()
    host_interval_s: float = 2.0
    plain_authors: bool = False
    backups: str = "backups/"
    schedule: str = "23:15"
    report_schedule: str = "Sat 07:30"
    base_dir: Path = Path()
    origin: str = "shipped defaults"
    secrets: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[NamedCell, ...] = ()
    discover: DiscoverChoices = field(default_factory=DiscoverChoices)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    report: ReportDelivery = field(default_factory=ReportDelivery)


def default_text() -> str:
    """Return the shipped ``tapestory.toml``, comments included."""
    return (files("api") / "defaults" / FILE_NAME).read_text(encoding="utf-8")


def default_sources_text() -> str:
    """Return the shipped ``sources.toml``, comments included."""
    return (files("api") / "defaults" / SOURCES_NAME).read_text(encoding="utf-8")


def own_text() -> str:
    """Return the settings that ``init`` writes: the sources stand in a file beside them."""
    shipped, own = f'[sources]\nfiles = ["default"]{" " * 6}', f'files = ["{SOURCES_NAME}"]'
    return default_text().replace(shipped, f"[sources]\n{own} ", 1)


def load_settings(path: Path | None = None) -> Settings:
    """Read settings from a file, else ``tapestory.toml`` here, else the shipped defaults.

    Raises
    ------
    ConfigError
        When the file is missing, is no TOML, or holds a key or value that is not known;
        the message names the file and the entry.
    """
    if path is None and Path(FILE_NAME).exists():
        path = Path(FILE_NAME)
    if path is None:
        return parse_settings(default_text(), origin="shipped defaults", base_dir=Path.cwd())
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read settings {str(path)!r} ({error}): check the path"
        ) from error
    return parse_settings(text, origin=str(path), base_dir=path.resolve().parent)


def parse_settings(text: str, *, origin: str, base_dir: Path) -> Settings:
    """Return the settings that a TOML text states, shipped defaults where it is silent."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not valid TOML ({error}): mend that line") from error
    known = {*_TABLES, *_ALERTS, _DISCOVER, "source", "asset"}
    if unknown := sorted(set(given) - known):
        raise ConfigError(f"{origin} has unknown table {unknown[0]!r}: known are {sorted(known)}")
    for table, keys in _TABLES.items():
        if not isinstance(given.get(table, {}), dict):
            raise ConfigError(f"{origin}: write [{table}] as a table, in single brackets")
        _refuse_unknown(given.get(table, {}), keys, f"[{table}] of {origin}")
    shipped: dict[str, Any] = {} if "asset" in given else tomllib.loads(default_text())
    source_files = _source_files(given, origin)
    sources = _sources(given, source_files, origin, base_dir)
    assets = [
        _asset(entry, number, origin)
        for number, entry in enumerate(given.get("asset", shipped.get("asset", [])), 1)
    ]
    _refuse_repeated([asset.id for asset in assets], "asset", origin)
    alerts = parse_alerts(given, origin)
    names = {source.token_env for source in sources if source.token_env}
    names |= {name for channel in alerts.channels for name in channel.variables}
    crawler = given.get("crawler", {})
    return Settings(
        sources=tuple(sources),
        assets=tuple(assets),
        source_files=source_files,
        narrative_files=tuple(given.get("narratives", {}).get("files", ("default",))),
        encoder=given.get("models", {}).get("encoder", "default"),
        stance=given.get("models", {}).get("stance", "default"),
        contact=crawler.get("contact", _CONTACT),
        allow_addresses=tuple(crawler.get("allow_addresses", ())),
        host_interval_s=float(crawler.get("host_interval_s", 2.0)),
        plain_authors=bool(crawler.get("plain_authors", False)),
        backups=given.get("store", {}).get("backups", "backups/"),
        schedule=_daily(given.get("schedule", {}).get("time", "23:15"), origin),
        report_schedule=_weekly(given.get("schedule", {}).get("report", "Sat 07:30"), origin),
        base_dir=base_dir,
        origin=origin,
        secrets={name: os.environ[name] for name in sorted(names) if name in os.environ},
        cells=_cells(given, origin),
        discover=parse_discover(given, origin),
        alerts=alerts,
        report=parse_report(given, origin, alerts.channels),
    )


def _daily(value: Any, origin: str) -> str:
    """Return the time of the nightly run: ``23:15``."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ConfigError(f"[schedule] of {origin} has time = {value!r}: give a time, '23:15'")
    return value


def _weekly(value: Any, origin: str) -> str:
    """Return the day and time of the weekly report: ``Sat 07:30``."""
    if not isinstance(value, str) or not re.fullmatch(
        r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d", value
    ):
        raise ConfigError(
            f"[schedule] of {origin} has report = {value!r}: give a day and a time, 'Sat 07:30'"
        )
    return value


def _refuse_unknown(entry: Mapping[str, Any], keys: set[str], where: str) -> None:
    if unknown := sorted(set(entry) - keys):
        raise ConfigError(f"{where} has unknown key {unknown[0]!r}: known are {sorted(keys)}")


def _refuse_repeated(
    ids: list[str], what: str, origin: str, advice: str = "give each its own id"
) -> None:
    for id_ in ids:
        if ids.count(id_) > 1:
            raise ConfigError(f"{origin} names {what} {id_!r} twice: {advice}")


def _required(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where} lacks {key!r}: add it as a text")
    return value


def _choice(value: str, literal: Any, key: str, where: str) -> Any:
    if value not in get_args(literal):
        raise ConfigError(f"{where} has {key} = {value!r}: choose one of {list(get_args(literal))}")
    return value


def _source_files(given: Mapping[str, Any], origin: str) -> tuple[str, ...]:
    """Return the files that hold sources; a file's own sources alone stand for themselves."""
    if "sources" not in given:
        return () if "source" in given else ("default",)
    names = given["sources"].get("files", ["default"])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f'[sources] of {origin} has files = {names!r}: give a list, ["default"]')
    _refuse_repeated(names, "file", f"[sources] of {origin}", "take one out")
    return tuple(names)


def _sources(
    given: Mapping[str, Any], names: tuple[str, ...], origin: str, base_dir: Path
) -> list[Source]:
    """Return the sources of the files and of the settings themselves, in this order."""
    sources: list[Source] = []
    homes: dict[str, str] = {}
    lists = [_source_list(name, base_dir) for name in names]
    for home, entries in [*lists, (origin, _entries(given, origin))]:
        found = [_source(entry, number, home) for number, entry in enumerate(entries, 1)]
        _refuse_repeated([source.id for source in found], "source", home)
        for source in found:
            if source.id in homes:
                raise ConfigError(
                    f"source {source.id!r} stands in {homes[source.id]} and in {home}: give each"
                    " its own id, or take it out of one"
                )
            homes[source.id] = home
        sources += found
    return sources


def _source_list(name: str, base_dir: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return where a list of sources stands, for messages, and its entries."""
    if name == "default":
        return "the shipped sources", _entries(tomllib.loads(default_sources_text()), name)
    home = str(base_dir / name)
    try:
        given = tomllib.loads((base_dir / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read sources {home!r} ({error}): check [sources] files"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{home} is not valid TOML ({error}): mend that line") from error
    _refuse_unknown(given, {"source"}, home)
    return home, _entries(given, home)


def _entries(given: Mapping[str, Any], home: str) -> list[dict[str, Any]]:
    entries = given.get("source", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{home}: write each source below its own line [[source]]")
    return entries


def _source(entry: Mapping[str, Any], number: int, origin: str) -> Source:
    where = f"[[source]] {entry.get('id', f'number {number}')!r} of {origin}"
    _refuse_unknown(entry, _SOURCE_KEYS, where)
    weight = entry.get("weight", 1.0)
    if not isinstance(weight, (int, float)) or not 0 < weight < float("inf"):
        raise ConfigError(f"{where} has weight = {weight!r}: give a number above 0")
    return Source(
        id=_required(entry, "id", where),
        kind=_choice(_required(entry, "kind", where), SourceKind, "kind", where),
        url=_required(entry, "url", where),
        name=entry.get("name", entry["id"]),
        weight=float(weight),
        language=entry.get("language"),
        full_text=entry.get("full_text", True),
        token_env=entry.get("token_env"),
        handle=entry.get("handle"),
    )


def _asset(entry: Mapping[str, Any], number: int, origin: str) -> Asset:
    where = f"[[asset]] {entry.get('id', f'number {number}')!r} of {origin}"
    _refuse_unknown(entry, _ASSET_KEYS, where)
    return Asset(
        id=_required(entry, "id", where),
        name=entry.get("name", entry["id"]),
        asset_class=_choice(_required(entry, "class", where), AssetClass, "class", where),
        unit=_choice(entry.get("unit", "price"), AssetUnit, "unit", where),
        calendar=entry.get("calendar", "XNYS"),
        source=entry.get("source", ""),
    )


def _cells(given: Mapping[str, Any], origin: str) -> tuple[NamedCell, ...]:
    """Return the cells of ``[[align.cell]]``; a cell is named once."""
    entries = given.get("align", {}).get("cell", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{origin}: write each cell below its own line [[align.cell]]")
    if len(entries) > MOST_CELLS:
        raise ConfigError(
            f"{origin} names {len(entries)} cells: {MOST_CELLS} at most, what is named without"
            " choosing is not named"
        )
    cells = [_cell(entry, f"[[align.cell]] number {n} of {origin}")
             for n, entry in enumerate(entries, 1)]  # fmt: skip
    keys = [f"{cell.narrative_id} {cell.asset_id} {cell.lag}" for cell in cells]
    _refuse_repeated(keys, "cell", origin, "a cell is named once; take one out")
    return tuple(cells)


def _cell(entry: Mapping[str, Any], where: str) -> NamedCell:
    _refuse_unknown(entry, _CELL_KEYS, where)
    lag, named = entry.get("lag"), entry.get("named")
    if type(lag) is not int or abs(lag) > LONGEST_LAG:
        raise ConfigError(
            f"{where} has lag = {lag!r}: give sessions from -{LONGEST_LAG} to {LONGEST_LAG};"
            " positive: the narrative comes first"
        )
    # A TOML date is a date; a time would be a datetime, which is one, too.
    if type(named) is not date:
        raise ConfigError(f"{where} has named = {named!r}: give the day as a date, 2026-01-30")
    return NamedCell(
        narrative_id=_required(entry, "narrative", where),
        asset_id=_required(entry, "asset", where),
        lag=lag,
        sign=1 if _choice(_required(entry, "sign", where), _Sign, "sign", where) == "+" else -1,
        named=named,
    )
