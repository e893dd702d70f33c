"""Text in Markdown: what was crawled can set no heading, link, image or tag."""

import re

from markupsafe import Markup

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")
_LINE_START = re.compile(r"^( *)([-+](?= )|-{2,}|={1,}|\d+(?=[.)] ))")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def escaped(value: object) -> str:
    """Return a value as one line of Markdown that shows it as it is.

    ``Markup`` passes: it was made by this package.
    """
    if isinstance(value, Markup):
        return str(value)
    text = re.sub(r"\s+", " ", str(value))
    text = _SPECIAL.sub(r"\\\1", text)
    # HTML would be live in most renderers, and so would a bare address.
    text = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("://", ":&#47;&#47;")
    return _LINE_START.sub(_guarded, text)


def linked(text: str, url: str | None) -> Markup:
    """Return a link, or the text alone when the address is none that a link may carry."""
    if url is None:
        return Markup(escaped(text))
    address = "".join(
        f"%{byte:02X}" if character in '<>()[]"\\`' or ord(character) <= 32 else character
        for character in url
        for byte in [ord(character)]
    )
    return Markup(f"[{escaped(text)}](<{address}>)")


def _guarded(match: re.Match[str]) -> str:
    """Return the start of a line so that it begins no list, rule or underlined heading."""
    space, start = match.groups()
    # A sign takes a backslash; a number is parted from its dot by a space of no width.
    return f"{space}{start}&#8203;" if start[0].isdigit() else f"{space}\\{start}"
