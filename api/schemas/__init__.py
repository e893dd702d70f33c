"""The JSON that Tapestory gives out, as JSON Schema (draft 2020-12), one file per document.

``shapes.json`` holds what several documents share; ``fields.toml`` says in a sentence what each
field means, by its name, or by ``document.path.name`` where the name means something else there.
A key that no schema has fails the tests: names are added here, and never renamed.
"""

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from store.errors import NotFoundError

__all__ = ["NAMES", "fields_of", "meanings", "references", "schema", "shapes", "used"]

NAMES = (
    "home",
    "narrative",
    "asset",
    "day",
    "document",
    "source",
    "search",
    "alerts",
    "alert",
    "topics",
    "topic",
    "reports",
    "refusal",
    "explain",
    "report",
    "status",
    "alert_list",
    "topic_list",
    "topic_detail",
)
"""The documents that have a schema, in the order of the docs."""
_HERE = Path(__file__).parent
_SHARED = "shapes.json#/$defs/"
_LOCAL = "#/$defs/"

Schema = dict[str, Any]


def schema(name: str) -> Schema:
    """Return the schema of a document with all that it refers to, and every field described.

    Returns
    -------
    dict
        A schema that needs no other file: the shapes that it uses stand under ``$defs``. The
        caller may change it.

    Raises
    ------
    NotFoundError
        When no document has this name.
    """
    if name not in NAMES:
        raise NotFoundError(f"no schema {name!r}: there are {', '.join(NAMES)}")
    return deepcopy(_bundled(name))


@cache
def _bundled(name: str) -> Schema:
    own = _described(_read(name), name)
    defs = {key: _described(part, key) for key, part in own.pop("$defs", {}).items()}
    wanted = [own, *defs.values()]
    while wanted:
        for reference in references(wanted.pop()):
            key = reference.rpartition("/")[2]
            if key not in defs:
                defs[key] = shapes()[key]
                wanted.append(defs[key])
    bundled: Schema = _relinked({**own, "$defs": dict(sorted(defs.items()))})
    return bundled if defs else own


@cache
def shapes() -> dict[str, Schema]:
    """Return the shapes and vocabularies that documents share, by name, fields described."""
    return {key: _described(part, key) for key, part in _read("shapes")["$defs"].items()}


def fields_of(part: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield the fields below a schema with their paths: ``alerts[].id``, ``names.*``.

    What lies behind a reference is left out; the items of a list and the values of a map have
    no name of their own and are yielded only for their fields.
    """
    for name, field in part.get("properties", {}).items():
        where = f"{path}.{name}".lstrip(".")
        yield where, field
        yield from fields_of(field, where)
    if isinstance(items := part.get("items"), dict):
        yield from fields_of(items, f"{path}[]")
    if isinstance(values := part.get("additionalProperties"), dict):
        yield from fields_of(values, f"{path}.*")
    for either in part.get("anyOf", ()):
        yield from fields_of(either, path)


def used(owner: str, path: str) -> str:
    """Return the entry of ``fields.toml`` that describes a field of a document or shape.

    Raises
    ------
    NotFoundError
        When none does.
    """
    plain = f"{owner}.{path.replace('[]', '').replace('.*', '')}"
    for entry in (plain, plain.rpartition(".")[2]):
        if entry in meanings():
            return entry
    raise NotFoundError(f"{plain!r} is described nowhere: add it to fields.toml")


def _described(part: Schema, owner: str) -> Schema:
    found = deepcopy(part)
    for path, field in list(fields_of(found)):
        field["description"] = meanings()[used(owner, path)]
    return found


def references(part: Any) -> Iterator[str]:
    """Yield what a schema refers to, as it is written there."""
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def _relinked(part: Any) -> Any:
    """Return a schema whose references stay within it."""
    if isinstance(part, dict):
        return {
            key: value.replace(_SHARED, _LOCAL)
            if key == "$ref" and isinstance(value, str)
            else _relinked(value)
            for key, value in part.items()
        }
    return [_relinked(value) for value in part] if isinstance(part, list) else part


@cache
def _read(name: str) -> Schema:
    found: Schema = json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def meanings() -> dict[str, str]:
    """Return what each field means, by name or by ``document.path.name``."""
    return tomllib.loads((_HERE / "fields.toml").read_text(encoding="utf-8"))
