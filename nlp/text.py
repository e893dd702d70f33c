"""Text to passages: language, paragraphs, sentences, with exact offsets.

A passage is one to three sentences of one paragraph, about 20 to 70 words. The title is a
passage of its own. Offsets count characters of the stored field, untouched:
``field[start:end] == text``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from store.records import PassagePart

LANGUAGES = ("en", "zh", "de", "fr", "es", "ja", "ru", "pt", "it", "ko")
MIN_WORDS, MAX_WORDS, MAX_SENTENCES = 20, 70, 3
# A cell of 1 MB must not become ten thousand passages; 400 are about 20,000 words.
MAX_PASSAGES = 400
# A piece without a sentence end (a table, a log) is cut here; some 150 words.
MAX_CHARS = 900
# Shorter ASCII texts are mostly headlines, on which language guessers err for names.
SHORT_ASCII = 120
_TITLE_CHARS = 600
_SENTENCE_ENDS = [".", "!", "?", "…", "。", "！", "？", "；", "｡", "‼", "⁉"]
_CLOSERS = (".", "!", "?", ":", "。", "！", "？")
# Agencies and mailing lists break lines at 64 to 80 characters.
_WRAP_CHARS = 90
_LINE = re.compile(r"[^\n\r]+")
# A paragraph of hard-wrapped text goes on until a blank or an indented line.
_WRAPPED = re.compile(r"[^\n\r]+(?:\r?\n(?![ \t\r\n])[^\n\r]+)*")
# The tokenizer peels marks off a word one by one: 18,000 brackets took it 25 seconds.
_MOST_MARKS = 64
_MARKS = re.compile(rf"(?:[^\w\s]|_|(?<=['’])[sS]|(?:US|C|A)(?=\$)){{{_MOST_MARKS + 1},}}")
_CJK = re.compile(r"[\u4e00-\u9fff]")
_CHINESE_SENTENCE = re.compile(r"[^。！？；!?]+[。！？；!?]*")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")


_Sized = tuple[int, int, int]  # start, end, words


@dataclass(frozen=True, slots=True)
class Span:
    """A passage by its place in a field of a document."""

    part: PassagePart
    start: int
    end: int
    text: str


def detect_language(text: str, stated: str | None = None) -> str:
    """Return the two-letter language of a text.

    Parameters
    ----------
    stated : str or None
        What the source says (``en-US``); believed unless the script contradicts it.

    Returns
    -------
    str
        One of `LANGUAGES` where it had to be guessed; ``en`` for short ASCII text.
    """
    sample = text[:4000]
    script = _by_script(sample)
    if stated and stated.strip():
        base = re.split(r"[-_]", stated.strip().lower())[0]
        return script if script and base not in {script, "zh", "ja"} else base
    if script:
        return script
    if not sample.strip() or (sample.isascii() and len(sample) <= SHORT_ASCII):
        return "en"
    language, _ = _identifier().classify(sample)
    return str(language)


def split_passages(title: str, text: str, language: str = "en") -> tuple[list[Span], str | None]:
    """Split a document into passages.

    Returns
    -------
    list of Span
        Title first, then the text in order; at most `MAX_PASSAGES`.
    str or None
        What was left out, for a person to read; None when nothing was.
    """
    spans = list(_title_span(title))
    for start, end in _pieces(text, _after_title(title, text), language):
        if len(spans) == MAX_PASSAGES:
            return spans, f"only the first {MAX_PASSAGES} passages of {len(text):,} characters"
        spans.append(Span("text", start, end, text[start:end]))
    return spans, None


def split_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the sentences of a text, each of at most `MAX_CHARS` characters."""
    paragraph_of = _WRAPPED if _is_hard_wrapped(text) else _LINE
    for paragraph in paragraph_of.finditer(text):
        start, end = paragraph.span()
        if len(_CJK.findall(paragraph[0])) * 5 <= len(paragraph[0]):
            yield from _sentences(text, start, end, "en")
            continue
        # Among Chinese characters a full stop is a decimal point.
        for sentence in _CHINESE_SENTENCE.finditer(text, start, end):
            for piece in _chunks(text, *sentence.span(), MAX_CHARS):
                trimmed = _trim(text, *piece)
                if trimmed[0] < trimmed[1]:
                    yield trimmed


def count_words(text: str) -> int:
    """Count words; two Chinese or Japanese characters count as about one word."""
    return len(text.split()) + len(_CJK.findall(text)) // 2 + len(_KANA.findall(text)) // 2


def _by_script(text: str) -> str | None:
    letters = sum(character.isalpha() for character in text)
    if not letters:
        return None
    kana = len(_KANA.findall(text))
    counts = {
        "zh": len(_CJK.findall(text)),
        "ja": 3 * kana,
        "ko": len(_HANGUL.findall(text)),
        "ru": len(_CYRILLIC.findall(text)),
    }
    script, count = max(counts.items(), key=lambda pair: pair[1])
    if script == "zh" and kana > counts["zh"] / 10:
        script = "ja"
    return script if count > 0.3 * letters else None


def _title_span(title: str) -> Iterator[Span]:
    start, end = _trim(title, 0, len(title))
    end = min(end, start + _TITLE_CHARS)
    if start < end:
        yield Span("title", start, end, title[start:end])


def _after_title(title: str, text: str) -> int:
    """Return where the text goes on after repeating its title, else 0."""
    head = title.strip()
    start = len(text) - len(text.lstrip())
    # Feeds put the title in front of the text; a very short one may be a word by chance.
    if len(head) >= 12 and text[start : start + len(head)].casefold() == head.casefold():
        rest = re.compile(r"[\s.:…\-–—|]*").match(text, start + len(head))
        return rest.end() if rest else start + len(head)
    return 0


def _pieces(text: str, start: int, language: str) -> Iterator[tuple[int, int]]:
    paragraph_of = _WRAPPED if _is_hard_wrapped(text) else _LINE
    for paragraph in paragraph_of.finditer(text, start):
        sentences = _sentences(text, *paragraph.span(), language)
        sized = ((left, right, _size(text[left:right])) for left, right in sentences)
        for group in _groups(sized):
            yield group[0][0], group[-1][1]


def _is_hard_wrapped(text: str) -> bool:
    """Return whether lines end as a typewriter's do: short, and in mid-sentence.

    A list of headlines has short lines too, but its next line does not go on in lower case.
    """
    lines = [line.strip() for line in text[:4000].splitlines()]
    inner = [(line, after) for line, after in pairwise(lines) if line and after]
    if len(inner) < 2 or max(map(len, lines)) > _WRAP_CHARS:
        return False
    open_ended = sum(not line.endswith(_CLOSERS) for line, _ in inner)
    long = sum(len(line) > _WRAP_CHARS // 2 for line, _ in inner)
    goes_on = sum(after[0].islower() or after[0].isdigit() for _, after in inner)
    share = len(inner) / 2
    return open_ended > share and long > share and goes_on > share


def _size(sentence: str) -> int:
    # Twelve characters without a space weigh a word: text may have no words at all.
    return max(count_words(sentence), len(sentence) // 12)


def _groups(sentences: Iterator[_Sized]) -> Iterator[list[_Sized]]:
    """Group sentences of a paragraph; a short last one joins its predecessor if it fits."""
    done: list[_Sized] = []
    group: list[_Sized] = []
    for sentence in sentences:
        words = sum(size for _, _, size in group)
        full = len(group) == MAX_SENTENCES or words >= MIN_WORDS
        if group and (full or words + sentence[2] > MAX_WORDS):
            if done:
                yield done
            done, group = group, []
        group.append(sentence)
    words = sum(size for _, _, size in group)
    fits = len(done + group) <= MAX_SENTENCES and sum(s for _, _, s in done + group) <= MAX_WORDS
    if done and group and words < MIN_WORDS and fits:
        done, group = done + group, []
    yield from (part for part in (done, group) if part)


def _sentences(text: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    for left, right in _chunks(text, start, end, 20 * MAX_CHARS):
        for sentence in _sentencizer(language)(_hushed(text[left:right])).sents:
            first, last = left + sentence.start_char, left + sentence.end_char
            for piece in _chunks(text, first, last, MAX_CHARS):
                trimmed = _trim(text, *piece)
                if trimmed[0] < trimmed[1]:
                    yield trimmed


def _hushed(text: str) -> str:
    """Return a text of the same length in which no run of marks is long.

    A letter for each mark beyond the limit, so that no sentence ends or begins elsewhere, unless
    in the run itself. Dots are read in one go, and lead to the numbers of a table.
    """
    return _MARKS.sub(
        lambda run: (
            run[0] if set(run[0]) == {"."} else run[0][:_MOST_MARKS].ljust(len(run[0]), "x")
        ),
        text,
    )


def _chunks(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch at white space into parts of at most `size` characters."""
    while end - start > size:
        cut = text.rfind(" ", start + 1, start + size)
        cut = cut if cut > start else start + size
        yield start, cut
        start = cut
    yield start, end


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


@cache
def _sentencizer(language: str) -> Any:
    import spacy

    # Japanese and Korean tokenizers need packages of their own: "xx" splits on the same marks.
    code = language if language in {"en", "zh", "de", "fr", "es", "pt", "it", "ru"} else "xx"
    pipeline = spacy.blank(code)
    pipeline.add_pipe("sentencizer", config={"punct_chars": _SENTENCE_ENDS})
    return pipeline


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return identifier
