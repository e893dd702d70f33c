"""Add sources to a person's settings: appended, never rewritten, taken back if they are wrong."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from api.config import Settings, load_settings
from api.errors import ConfigError
from api.own_file import joined, quoted, replace_whole
from store.records import Source

# Classes of docs/sources.md: what is added by hand is commentary, what is social weighs least.
COMMENTARY, SOCIAL = 0.7, 0.4
_LONGEST_ID = 40
_SHIPPED = (
    '[sources]\nfiles = ["default"]  # the shipped list stays; without this line only [[source]]\n'
)


def usual_weight(kind: str) -> float:
    """Return the weight of a source whose user gives none."""
    return COMMENTARY if kind in {"feed", "page", "rsshub"} else SOCIAL


def suggest_id(title: str, url: str, taken: Collection[str]) -> str:
    """Return an id that is not taken: from the title, else from the host of the address."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    host = (urlsplit(url).hostname or "source").removeprefix("www.")
    for text in (plain, host):
        stem = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_ID].strip("-")
        if stem:
            break
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found


def source_table(source: Source) -> str:
    """Return a source as a ``[[source]]`` table, without the keys that have their default."""
    lines = [
        "[[source]]",
        f"id = {quoted(source.id)}",
        f"kind = {quoted(source.kind)}",
        f"name = {quoted(source.name or source.id)}",
        f"url = {quoted(source.url)}",
    ]
    if source.handle:
        lines.append(f"handle = {quoted(source.handle)}")
    lines.append(f"weight = {source.weight}")
    if source.language:
        lines.append(f"language = {quoted(source.language)}")
    if not source.full_text:
        lines.append("full_text = false")
    if source.token_env:
        lines.append(f"token_env = {quoted(source.token_env)}")
    return "\n".join(lines) + "\n"


def append_sources(config_path: Path, settings: Settings, sources: Sequence[Source]) -> Path:
    """Append sources to the user's list, and return the file that was written.

    That is the last file of ``[sources] files`` that is the user's own, else the settings file
    itself. What stood there stays, byte for byte.

    Raises
    ------
    ConfigError
        When the settings are not valid afterwards; the file is then as it was.
    """
    own = [name for name in settings.source_files if name != "default"]
    path = settings.base_dir / own[-1] if own else config_path
    try:
        before = path.read_bytes()
        text = "\n".join(source_table(source) for source in sources)
        # A file that names no sources has the shipped ones; its first own would put them out.
        if path == config_path and settings.source_files == ("default",):
            text = text if _names_files(before) else f"{_SHIPPED}\n{text}"
        replace_whole(path, joined(before, text))
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r} ({error}): check its rights") from error
    try:
        load_settings(config_path)
    except ConfigError:
        replace_whole(path, before)
        raise
    return path


def _names_files(settings: bytes) -> bool:
    import tomllib

    return "sources" in tomllib.loads(settings.decode())
