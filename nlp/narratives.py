"""Narratives: read, checked, merged to a taxonomy with a version.

The shipped set is ``narratives.toml`` beside this file. A user's file has the same form:
``[[narrative]]`` tables with ``id``, ``name``, ``proposition`` and optionally ``examples``,
``keywords``, ``against_cues``, ``signature``, ``core``, ``languages``, ``found_on``.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from nlp.errors import LabelSchemeError
from store.records import Narrative

SIGNS = ("+", "++", "-", "--", "0", "0/+", "0/-")
DEFAULT = Path(__file__).with_name("narratives.toml")
_TEXT = ("id", "name", "proposition")
_LISTS = ("examples", "keywords", "against_cues", "core", "languages")
_KEYS = {*_TEXT, *_LISTS, "signature", "found_on"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """The narratives in use, and the version that labels are stored under.

    Attributes
    ----------
    version : str
        12 hex digits over all that can change a label: ids, propositions, examples,
        keywords and cues. A new signature or day of finding does not call for new labels.
    digests : mapping of narrative id to str
        The same for each narrative alone, as far as they were read from a file.
    against_cues : mapping of narrative id to phrases
        Phrases that tend to deny the proposition, inside a passage on the narrative.
    """

    narratives: Sequence[Narrative]
    version: str
    against_cues: Mapping[str, Sequence[str]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Narrative]:
        return iter(self.narratives)

    def only(self, ids: Collection[str]) -> "Taxonomy":
        """Return a part of the taxonomy, with a version of its own."""
        kept = tuple(narrative for narrative in self.narratives if narrative.id in ids)
        version = _digest([self.version, [narrative.id for narrative in kept]])
        return replace(self, narratives=kept, version=version)

    @property
    def ids(self) -> list[str]:
        """Ids in the order of the files."""
        return [narrative.id for narrative in self.narratives]


def load_taxonomy(files: Sequence[Path | Literal["default"]] = ("default",)) -> Taxonomy:
    """Read narrative files in order and merge them.

    Parameters
    ----------
    files : sequence of Path or "default"
        ``"default"`` stands for the shipped set.

    Raises
    ------
    LabelSchemeError
        A file is missing or no TOML, or an entry breaks the scheme; the message names both.
    """
    narratives: list[Narrative] = []
    cues: dict[str, Sequence[str]] = {}
    for file in files:
        path = DEFAULT if file == "default" else Path(file)
        label = "the default narratives" if file == "default" else repr(str(path))
        for position, entry in enumerate(_read(path, label), start=1):
            narrative = _narrative(entry, f"entry {position} of {label}", file == "default")
            if narrative.id in {known.id for known in narratives}:
                raise LabelSchemeError(
                    f"narrative {narrative.id!r} in entry {position} of {label} is defined "
                    "twice: rename one of them"
                )
            narratives.append(narrative)
            cues[narrative.id] = tuple(entry.get("against_cues", ()))
    if not narratives:
        raise LabelSchemeError(
            'no narratives are defined: list "default" or a TOML file under [narratives] files'
        )
    digests = {n.id: _digest([_material(n, cues)]) for n in narratives}
    return Taxonomy(
        narratives=tuple(narratives),
        version=_digest([_material(narrative, cues) for narrative in narratives]),
        against_cues=cues,
        digests=digests,
    )


def _read(path: Path, label: str) -> list[dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabelSchemeError(
            f"the narratives file {label} cannot be read ({error.strerror}): check the path "
            "under [narratives] files"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LabelSchemeError(f"{label} is not valid TOML: {error}") from error
    entries = data.get("narrative", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise LabelSchemeError(f"{label} must hold [[narrative]] tables, with double brackets")
    return entries


def _narrative(entry: dict[str, Any], where: str, default: bool) -> Narrative:
    _check_fields(entry, where, default)
    name = entry.get("name", entry["id"])
    return Narrative(
        id=entry["id"].strip(),
        name=name.strip(),
        proposition=" ".join(entry["proposition"].split()),
        examples=tuple(entry.get("examples", ())),
        keywords=tuple(entry.get("keywords", ())),
        signature=dict(entry.get("signature", {})),
        core=tuple(entry.get("core", ())),
        languages=tuple(entry.get("languages", ("en",))),
        origin="default" if default else "custom",
        found_on=_found_on(entry, where, default),
    )


def _found_on(entry: dict[str, Any], where: str, default: bool) -> date | None:
    """Return the day on which a narrative was found; None: it was known beforehand."""
    given = entry.get("found_on")
    if given is None:
        return None
    where = f"narrative {entry['id']!r} ({where})"
    if default:
        raise LabelSchemeError(
            f"{where}: a default narrative was known beforehand: leave found_on out"
        )
    if isinstance(given, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        with suppress(ValueError):
            return date.fromisoformat(given)
    # A time of day is a date for Python, and none for the sessions that it is held against.
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    raise LabelSchemeError(f"{where}: found_on is {given!r}, write a day such as 2026-01-24")


def _check_fields(entry: dict[str, Any], where: str, default: bool) -> None:
    for key in ("id", "proposition"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise LabelSchemeError(f'{where} has no {key}: add {key} = "..."')
    where = f"narrative {entry['id']!r} ({where})"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", entry["id"].strip()):
        raise LabelSchemeError(f"{where}: an id has letters, digits, '-' and '_', at most 64")
    if unknown := sorted(set(entry) - _KEYS):
        raise LabelSchemeError(f"{where} has an unknown key {unknown[0]!r}: use {sorted(_KEYS)}")
    if not isinstance(entry.get("name", ""), str):
        raise LabelSchemeError(f"{where}: name must be text")
    for key in _LISTS:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise LabelSchemeError(f"{where}: {key} must be a list of texts")
    if not default and set(entry.get("languages", ["en"])) != {"en"}:
        raise LabelSchemeError(
            f"{where}: narratives of your own are looked for in English text only: leave "
            "languages out"
        )
    _check_signature(entry.get("signature", {}), where)


def _check_signature(signature: Any, where: str) -> None:
    if not isinstance(signature, dict):
        raise LabelSchemeError(f'{where}: signature must be a table such as {{ GLD = "+" }}')
    for asset, sign in signature.items():
        if sign not in SIGNS:
            raise LabelSchemeError(
                f"{where}: signature of {asset!r} is {sign!r}, use one of {', '.join(SIGNS)}"
            )


def _material(narrative: Narrative, cues: Mapping[str, Sequence[str]]) -> list[Any]:
    """Return all that can change a narrative's labels."""
    fields = asdict(narrative)
    for key in ("name", "signature", "core", "found_on"):
        del fields[key]
    return [fields, list(cues[narrative.id])]


def _digest(material: list[Any]) -> str:
    data = json.dumps(material, sort_keys=True).encode()
    return hashlib.blake2b(data, digest_size=6).hexdigest()
