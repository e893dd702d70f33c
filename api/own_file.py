"""A person's TOML files: appended to, never rewritten, and whole at every instant."""

import json
import os
from pathlib import Path

from api.config import FILE_NAME
from api.errors import ConfigError


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


def quoted(text: str) -> str:
    """Return any text as a basic string of TOML, in one line that reads as it is meant."""
    # A JSON string is one. What does not print could end the line or turn it around in an editor.
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in json.dumps(text, ensure_ascii=False)
    )


def joined(before: bytes, text: str) -> bytes:
    """Return a file with a text below, in the file's own line ends."""
    end = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before else end if before.endswith(b"\n") else end * 2
    return before + gap + text.encode().replace(b"\n", end)


def write_beside(path: Path, body: bytes) -> Path:
    """Write a file's next version beside it, with the rights that it has, and return where."""
    real = path.resolve()
    fresh = real.with_name(f"{real.name}.new")
    with fresh.open("wb") as file:
        file.write(body)
        file.flush()
        # Else a power cut after the renaming can leave an empty file.
        os.fsync(file.fileno())
    if real.exists():
        fresh.chmod(real.stat().st_mode & 0o7777)
    return fresh


def replace_whole(path: Path, body: bytes) -> None:
    """Write a file whole or not at all, with the rights that it had."""
    write_beside(path, body).replace(path.resolve())
