"""What a new version of a text changed, word by word."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

# A comparison may take the square of the words that differ; beyond this the stretch that
# differs is shown as replaced whole.
MOST_WORDS = 4000
_CONTEXT = 90  # characters kept on either side of a change
_WORDS = re.compile(r"\s+|[^\s]+")

Changes = list[tuple[str, str]]


def changes(old: str, new: str) -> Changes:
    """Return ``(kind, text)`` in order: ``same``, ``removed``, ``added``, ``skipped``.

    Long unchanged stretches are cut to what stands beside a change, ``skipped`` in between;
    the same texts give an empty list. ``same`` and ``added`` are pieces of `new`, ``removed``
    are pieces of `old`.
    """
    if old == new:
        return []
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    middle_old = before[start : len(before) - end]
    middle_new = after[start : len(after) - end]
    found: Changes = [("same", "".join(after[:start]))]
    found += _compared(middle_old, middle_new)
    found.append(("same", "".join(after[len(after) - end :])))
    return _cut([(kind, text) for kind, text in found if text])


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two sequences share at their beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _compared(old: list[str], new: list[str]) -> Changes:
    if max(len(old), len(new)) > MOST_WORDS:
        return [("removed", "".join(old)), ("added", "".join(new))]
    found: Changes = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(new[k:m])))
        else:
            found += [("removed", "".join(old[i:j])), ("added", "".join(new[k:m]))]
    return found


def _cut(found: Changes) -> Changes:
    """Leave out what lies far from a change."""
    kept: Changes = []
    for place, (kind, text) in enumerate(found):
        if kind != "same" or len(text) <= 3 * _CONTEXT:
            kept.append((kind, text))
            continue
        if place > 0:
            kept.append(("same", text[:_CONTEXT]))
        kept.append(("skipped", "…"))
        if place < len(found) - 1:
            kept.append(("same", text[-_CONTEXT:]))
    return kept
