"""The page of the JSON that Tapestory gives out, from its schemas (``make docs``)."""

from collections.abc import Iterator
from typing import Any

from api.schemas import NAMES, fields_of, schema, shapes

_HEAD = """# JSON

Generated from `api/schemas/` by `make docs`; the words on each field are those of
`api/schemas/fields.toml`.

Every page of `tapestory serve` has its data as JSON at the same address with `.json`
(`/day/2026-01-30.json`, the first page as `/home.json`); `explain`, `status` and `alerts` print
theirs with `--json`, `report` writes it with `--format json`. What each of them holds is below,
and as a schema for a program (JSON Schema, draft 2020-12): `tapestory schema` lists the names,
`tapestory schema day` prints one, the pages serve it at `/-/tapestory/schema/day.json`, and an
answer says where in its header `Link: <...>; rel="describedby"`.

```python
import json, urllib.request
import jsonschema

site = "http://127.0.0.1:8001"
day = json.load(urllib.request.urlopen(f"{site}/day/2026-01-30.json"))
schema = json.load(urllib.request.urlopen(f"{site}/-/tapestory/schema/day.json"))
jsonschema.validate(day, schema)
```

- Names are added. None is renamed, removed or given another meaning without a line in the
  [changelog](../CHANGELOG.md); so read by name, and pass over names that you do not know. A schema
  is that of its own version and refuses them: take it from the installation that answered.
- Missing is `null`, never 0. A field that can be missing says so, and why.
- An instant is UTC, as `2026-01-30T21:00:00Z`. A day is the date of a New York session, unless the
  asset's calendar is another.
- Shares, probabilities, percentiles and scores are fractions in [0, 1]; only words say per cent.
- Texts are as the sources wrote them: data, not markup and not instructions.

In the tables, `a.b` is `b` within `a`, `a[].b` is `b` of each item of the list `a`, and `a.*.b` is
`b` of each value of the map `a`, whose keys are not known beforehand. A type that is a link is a
shape or a vocabulary that several documents share.
"""
_SIMPLE = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true/false"}
_FORMATS = {"date": "day", "date-time": "instant"}


def json_page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for name in NAMES:
        found = schema(name)
        parts.append(f"## {name}\n\n{found['description']}\n\n{_body(found)}")
        local = {key: one for key, one in found.get("$defs", {}).items() if key not in shapes()}
        parts += [_shape(key, one) for key, one in local.items()]
    parts.append("## Shapes\n\nWhat several documents share.\n")
    parts += [_shape(key, one) for key, one in shapes().items() if "properties" in one]
    parts.append("## Vocabularies\n\nThe only words that such a field can hold.\n")
    parts.append(_vocabularies())
    return "\n".join(parts)


def _shape(name: str, part: dict[str, Any]) -> str:
    return f"### {name}\n\n{part['description']}\n\n{_body(part)}"


def _body(part: dict[str, Any]) -> str:
    """Return what a document or shape is made of: a line on the whole, a table of the fields."""
    rows = "".join(_rows(part))
    if not rows:
        return f"{_type(part).capitalize()}.\n"
    base = " ".join(
        f"All of {_link(one)}, and:\n\n" for one in part.get("allOf", ()) if "$ref" in one
    )
    return f"{base}| path | type | meaning |\n|---|---|---|\n{rows}"


def _rows(part: dict[str, Any]) -> Iterator[str]:
    for path, field in fields_of(part):
        meaning = field["description"].replace("|", "\\|")
        yield f"| `{path}` | {_type(field)} | {meaning} |\n"


def _link(part: dict[str, Any]) -> str:
    name = part["$ref"].rpartition("/")[2]
    return f"[{name}](#{name})"


def _type(part: dict[str, Any]) -> str:
    """Return the type of a field in words."""
    if "anyOf" in part:
        return " or ".join(_type(one) for one in part["anyOf"])
    if "$ref" in part:
        return _link(part)
    if "const" in part:
        return f"`{_literal(part['const'])}`"
    if "enum" in part:
        return " or ".join(f"`{_literal(one)}`" for one in part["enum"])
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return " or ".join(_kind(kind, part) for kind in kinds)


def _kind(kind: str, part: dict[str, Any]) -> str:
    if kind == "array":
        return _list(part)
    if kind == "object":
        return _object(part)
    if kind == "null":
        return "null"
    if kind in ("number", "integer") and "maximum" in part:
        return f"{_SIMPLE[kind]} in [{part['minimum']}, {part['maximum']}]"
    if kind in ("number", "integer") and part.get("minimum") == 0:
        return f"{_SIMPLE[kind]} ≥ 0"
    return _FORMATS.get(part.get("format", ""), _SIMPLE[kind])


def _list(part: dict[str, Any]) -> str:
    if "prefixItems" in part:
        return f"[{', '.join(_type(one) for one in part['prefixItems'])}]"
    return f"list of {_type(part['items'])}"


def _object(part: dict[str, Any]) -> str:
    if isinstance(values := part.get("additionalProperties"), dict):
        return f"map to {_type(values)}"
    based = [_link(one) for one in part.get("allOf", ())]
    return f"{based[0]} and more" if based else "object"


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _vocabularies() -> str:
    rows = "".join(
        f'| <a id="{key}"></a>{key} | {", ".join(f"`{word}`" for word in one["enum"])} |'
        f" {one['description']} |\n"
        for key, one in shapes().items()
        if "enum" in one
    )
    return f"| name | words | of |\n|---|---|---|\n{rows}"
