"""Add sources to a person's settings: appended, never rewritten, taken back if they are wrong."""

import json
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from api.config import FILE_NAME, Settings, load_settings
from api.errors import ConfigError
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
        f"id = {_quoted(source.id)}",
        f"kind = {_quoted(source.kind)}",
        f"name = {_quoted(source.name or source.id)}",
        f"url = {_quoted(source.url)}",
    ]
    if source.handle:
        lines.append(f"handle = {_quoted(source.handle)}")
    lines.append(f"weight = {source.weight}")
    if source.language:
        lines.append(f"language = {_quoted(source.language)}")
    if not source.full_text:
        lines.append("full_text = false")
    if source.token_env:
        lines.append(f"token_env = {_quoted(source.token_env)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for this one character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def settings_file(config_path: Path | None) -> Path:
    """Return the settings file that is in use.

    Raises
    ------
    ConfigError
        When there is none: the shipped settings are not to be written to.
    """
    path = config_path or Path(FILE_NAME)
    if not path.exists():
        raise ConfigError(
            f"no settings file at {str(path)!r}: write one with 'tapestory init DIR', or name"
            " yours with --config"
        )
    return path


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
        _replace(path, _joined(before, text))
    except OSError as error:
        raise ConfigError(f"cannot write {str(path)!r} ({error}): check its rights") from error
    try:
        load_settings(config_path)
    except ConfigError:
        _replace(path, before)
        raise
    return path


def _names_files(settings: bytes) -> bool:
    import tomllib

    return "sources" in tomllib.loads(settings.decode())


def _joined(before: bytes, text: str) -> bytes:
    """Return a file with a text below, in the file's own line ends."""
    end = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before else end if before.endswith(b"\n") else end * 2
    return before + gap + text.encode().replace(b"\n", end)


def _replace(path: Path, body: bytes) -> None:
    """Write a file whole or not at all, with the rights that it had."""
    real = path.resolve()
    fresh = real.with_name(f"{real.name}.new")
    fresh.write_bytes(body)
    fresh.chmod(real.stat().st_mode & 0o7777)
    fresh.replace(real)
