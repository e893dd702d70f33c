"""Add a narrative to a person's own file, and the file to the settings."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from api.config import Settings, load_settings
from api.errors import ConfigError
from api.narrative_entry import Entry, id_in, table
from api.own_file import joined, quoted, replace_whole, write_beside
from store.errors import TapestoryError

NAME = "narratives.toml"
_Files = Sequence[Path | Literal["default"]]


def home_of(settings: Settings, file: Path | None) -> Path:
    """Return the file that a new narrative belongs in.

    That is the one given, else the last of ``[narratives] files`` that is the user's own, else
    ``narratives.toml`` beside the settings.
    """
    if file is not None:
        return file
    own = [name for name in settings.narrative_files if name != "default"]
    return settings.base_dir / (own[-1] if own else NAME)


def entry_of(settings: Settings, home: Path, topic_id: str) -> tuple[str, Path] | None:
    """Return the narrative that stands for a topic in one of the files, and which; or None.

    Raises
    ------
    ConfigError
        When a file cannot be read.
    """
    own = [settings.base_dir / name for name in settings.narrative_files if name != "default"]
    for path in dict.fromkeys([*own, home]):
        if not path.exists():
            continue
        try:
            text = path.read_text(encoding="utf-8")
            tomllib.loads(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot read narratives {str(path)!r} ({error}): mend it") from error
        if found := id_in(text, topic_id):
            return found, path
    return None


def add_entry(
    settings: Settings, home: Path, entry: Entry, *, check: Callable[[_Files], object]
) -> None:
    """Append an entry to a file, which stays as it was where the result is no taxonomy.

    Parameters
    ----------
    check : callable
        Reads narrative files in order, as the project does, and raises where they break the
        scheme: ``nlp.narratives.load_taxonomy``.

    Raises
    ------
    ConfigError
        The file cannot be written, or would not be valid with the entry.
    """
    try:
        before = home.read_bytes() if home.exists() else b""
        fresh = write_beside(home, joined(before, table(entry)))
    except OSError as error:
        raise ConfigError(f"cannot write {str(home)!r} ({error}): check its folder") from error
    files = _files(settings)
    if home.resolve() in files:
        files[files.index(home.resolve())] = fresh
    else:
        files.append(fresh)
    try:
        check(files)
    except TapestoryError as error:
        fresh.unlink()
        reason = str(error).replace(str(fresh), str(home))
        raise ConfigError(
            f"narrative {entry.id!r} was not added, {str(home)!r} is as it was: {reason}"
        ) from error
    fresh.replace(home.resolve())


def _files(settings: Settings) -> list[Path | Literal["default"]]:
    return ["default" if name == "default" else (settings.base_dir / name).resolve()
            for name in settings.narrative_files]  # fmt: skip


def list_file(config_path: Path, home: Path) -> bool:
    """Name a file under ``[narratives] files`` of the settings; False where it is named already.

    Everything else stays, byte for byte: a name is put into the list, or the table is added at
    the end.

    Raises
    ------
    ConfigError
        When that cannot be done safely; the message has the line for a person to write.
    """
    settings = load_settings(config_path)
    if home.resolve() in _files(settings):
        return False
    base = settings.base_dir.resolve()
    inside = home.resolve().is_relative_to(base)
    name = (home.resolve().relative_to(base) if inside else home.resolve()).as_posix()
    wanted = [*settings.narrative_files, name]
    line = f"files = [{', '.join(quoted(one) for one in wanted)}]"
    try:
        before = config_path.read_bytes()
        for body in _ways(before, name, line):
            if _says(body, before, wanted):
                replace_whole(config_path, body)
                return True
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(config_path)!r} ({error}): write {line} below its [narratives]"
            " yourself, then repeat"
        ) from error
    raise ConfigError(
        f"[narratives] of {str(config_path)!r} cannot be edited safely: write {line} there"
        " yourself, then repeat"
    )


def _ways(before: bytes, name: str, line: str) -> Iterator[bytes]:
    """Yield bodies of the settings that may name one file more; only some say what is meant."""
    if "narratives" not in tomllib.loads(before.decode()):
        yield joined(before, f"[narratives]\n{line}\n")
        return
    below = False
    lines = before.splitlines(keepends=True)
    for place, found in enumerate(lines):
        # The table, or a dotted key; what stands before is of others.
        below = below or found.strip().lstrip(b"[ \t").startswith(b"narratives")
        if not below:
            continue
        head, tail = b"".join(lines[:place]), b"".join(lines[place + 1 :])
        for end in (at for at, one in enumerate(found) if one == ord("]")):
            for gap in (b", ", b" "):  # without and with a comma at the end of the list
                yield head + found[:end] + gap + quoted(name).encode() + found[end:] + tail
        end_of_line = found[len(found.rstrip(b"\r\n")) :]
        yield head + found + line.encode() + end_of_line + tail


def _says(body: bytes, before: bytes, wanted: Sequence[str]) -> bool:
    """Return whether settings say what others say, and these files of narratives."""
    try:
        found, meant = tomllib.loads(body.decode()), tomllib.loads(before.decode())
    except tomllib.TOMLDecodeError:
        return False
    meant.setdefault("narratives", {})["files"] = list(wanted)
    return found == meant
