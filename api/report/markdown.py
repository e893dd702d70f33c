"""Text in Markdown: what was crawled can set no heading, link, image or tag."""

import re

from markupsafe import Markup

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")
_LINE_START = re.compile(r"^([-+=:]|\d+(?=[.)]))")


def escaped(value: object) -> str:
    """Return a value as one line of Markdown that shows it as it is.

    ``Markup`` passes: it was made by this package.
    """
    if isinstance(value, Markup):
        return str(value)
    text = " ".join(str(value).split())
    text = _SPECIAL.sub(r"\\\1", text)
    # HTML would be live in most renderers, and so would a bare address.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
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
    # A sign is escaped; a number keeps its digits and hides the dot from list parsing.
    start = match.group(1)
    return f"{start}&#8203;" if start[0].isdigit() else f"\\{start}"
