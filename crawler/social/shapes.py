"""What the platform files share: the question, and careful reading of JSON answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An address to ask, and headers that hold a secret."""

    url: str
    secret_headers: Mapping[str, str] = field(default_factory=dict)


def text_of(holder: object, *path: str) -> str:
    """Return the text at a path of keys, empty when it is missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, str) else ""


def mapping_of(holder: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a path of keys, empty when it is missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, dict) else {}


def counts_of(holder: object, **names: str) -> dict[str, int]:
    """Return the counts that are present: our name = the platform's key."""
    found = {name: _at(holder, (key,)) for name, key in names.items()}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }


def _at(holder: object, path: tuple[str, ...]) -> object:
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder
