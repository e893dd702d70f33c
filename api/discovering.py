"""The table ``[discover]`` of the settings: when and how new narratives are looked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.errors import ConfigError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Kind, least and largest value of each number.
_NUMBERS: dict[str, tuple[type, float, float]] = {
    "weak": (float, 0.0, 1.0),
    "stories": (int, 3, 10_000),
    "sources": (int, 1, 1_000),
    "days": (int, 1, 28),
    "market": (float, 0.0, 1.0),
    "pvalue": (float, 0.0, 1.0),
    "seed": (int, 0, 2**31),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverChoices:
    """What a user chose; `nlp.topics.settings` and `nlp.topics.candidates` say what each means.

    Attributes
    ----------
    is_on : bool
        Whether the nightly run looks for topics once a week.
    weekday : int
        The day with which that window ends: 1 for Monday to 7 for Sunday.
    """

    is_on: bool = True
    weekday: int = 4
    weak: float = 0.5
    stories: int = 8
    sources: int = 3
    days: int = 3
    market: float = 0.4
    pvalue: float = 0.01
    seed: int = 0


def parse_discover(given: Mapping[str, Any], origin: str) -> DiscoverChoices:
    """Return what ``[discover]`` states, defaults where it is silent.

    Raises
    ------
    ConfigError
        The table holds a key or a value that is not known.
    """
    table = given.get("discover", {})
    where = f"[discover] of {origin}"
    if not isinstance(table, dict):
        raise ConfigError(f"{origin}: write [discover] as a table, in single brackets")
    if unknown := sorted(set(table) - {"on", "day", *_NUMBERS}):
        raise ConfigError(
            f"{where} has unknown key {unknown[0]!r}: known are {sorted({'on', 'day', *_NUMBERS})}"
        )
    numbers = table.keys() & _NUMBERS.keys()
    values: dict[str, Any] = {key: _number(table[key], key, where) for key in numbers}
    if not isinstance(table.get("on", True), bool):
        raise ConfigError(f"{where} has on = {table['on']!r}: write true or false")
    day = table.get("day", "Thu")
    if day not in _DAYS:
        raise ConfigError(f"{where} has day = {day!r}: choose one of {list(_DAYS)}")
    return DiscoverChoices(is_on=table.get("on", True), weekday=_DAYS.index(day) + 1, **values)


def _number(value: Any, key: str, where: str) -> float | int:
    kind, least, most = _NUMBERS[key]
    # A bool is an int, and a number of stories has no fraction.
    fits = isinstance(value, (int, kind)) and not isinstance(value, bool)
    if not fits or not least <= value <= most:
        noun = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{where} has {key} = {value!r}: give {noun} from {least:g} to {most:g}")
    return float(value) if kind is float else int(value)
