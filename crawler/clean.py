"""Hostile text to plain text: no markup, no controls, no tricks of direction. Pure.

What comes out may hold ``<`` and ``&`` as characters: it is text, and every output escapes it.
"""

import re
import unicodedata
from html import unescape

import nh3

MAX_TITLE = 1000
MAX_AUTHOR = 200
MAX_TEXT = 200_000
# Markup is many times its text; what lies beyond this is not read at all.
_MAX_MARKUP = 4_000_000

_BLOCKS = re.compile(
    r"<\s*/?\s*(?:p|div|br|hr|li|ul|ol|tr|table|blockquote|pre|section|article|figure|h[1-6])"
    r"\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
# A tag that a browser would know, whole or with an attribute: `a<b then c` is no markup, and an
# HTML parser would swallow the rest of it.
_NAMES = (
    r"a|abbr|article|aside|audio|b|base|big|blockquote|body|br|button|center"
    r"|cite|code|col|dd|del|details|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form"
    r"|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|map|mark|marquee"
    r"|math|meta|mtext|nav|noscript|object|ol|option|p|param|picture|pre|q|s|script|section|select"
    r"|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea"
    r"|tfoot|th|thead|time|title|tr|tt|u|ul|video|wbr"
)
_TAG = re.compile(
    rf"<(?=[!/a-z])(?:!--|!doctype|/?(?:{_NAMES})(?:\s*/?>|[\s/]+[a-z:_-]{{1,40}}\s*=))",
    re.IGNORECASE,
)
_WHOLE_TAG = re.compile(rf"<(?=[/a-z])/?(?:{_NAMES})(?:[\s/][^<>]{{0,2000}})?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
# Controls but tab and newline, marks and overrides of direction, zero-width characters that
# carry no meaning (the zero-width joiner does, in emoji and in several scripts).
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069"
    "\ufeff\ufff9-\ufffb]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# Unicode's stream-safe format allows 30 marks on one character; sorting thousands of them
# into canonical order takes quadratic time.
_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{30})"
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
# Not a lone space, which would be replaced by itself: nearly all white space is one.
_SPACES = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
_EDGES = re.compile(r" ?\n ?")
_BREAKS = re.compile(r"\n{3,}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?![a-z])")
_NO_LANGUAGE = frozenset({"und", "mul", "zxx"})


def plain_text(markup: str, limit: int = MAX_TEXT) -> str:
    """Return the text of HTML or of plain text, with its paragraph breaks.

    Script and style go with their content; entities are resolved once. Text without a tag that
    a browser knows is left as it is: a lone ``<`` in it is a character.
    """
    return _tidy(_strip(markup, keep_breaks=False), limit)


def plain_line(markup: str, limit: int = MAX_TITLE) -> str:
    """Return the text of a title or name on one line."""
    return " ".join(_tidy(_strip(markup, keep_breaks=True), limit).split())


def language_of(tag: object) -> str | None:
    """Return the language of a tag such as ``zh-CN``, None when it names none.

    Two or three letters as the tag has them: the first two of a three-letter code are another
    language, and those of a word such as ``English`` are none; nor are ISO 639's codes for
    an unknown language, for several and for no words at all.
    """
    match = _LANGUAGE.match(tag.strip().lower()) if isinstance(tag, str) else None
    return match.group() if match and match.group() not in _NO_LANGUAGE else None


def _strip(markup: str, *, keep_breaks: bool) -> str:
    # Controls go first: one inside a tag would hide the tag.
    markup = _DROPPED.sub("", _SURROGATES.sub("\ufffd", markup[:_MAX_MARKUP]))
    if _TAG.search(markup) is None:
        return _ENTITY.sub(lambda entity: unescape(entity.group()), markup)
    if not keep_breaks and _BLOCKS.search(markup) is not None:
        # Only block markup makes paragraphs: the line breaks of its source are white space.
        markup = _BLOCKS.sub("\n\n", markup.replace("\r", " ").replace("\n", " "))
    # The sanitiser returns text in escaped form: resolve that once, and only once. What still
    # looks like a tag was hidden from it, in an attribute or a <noscript>.
    return _WHOLE_TAG.sub("", unescape(nh3.clean(markup, tags=set())))


def _tidy(text: str, limit: int) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    # Again: entities can stand for what was dropped above.
    text = _DROPPED.sub("", text)
    if not text.isascii():
        text = _MARKS.sub(r"\1", _SURROGATES.sub("\ufffd", text))
        text = unicodedata.normalize("NFC", text)
    text = _BREAKS.sub("\n\n", _EDGES.sub("\n", _SPACES.sub(" ", text))).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
