"""The sentence about past episodes: never a bare likeness, always what it is measured against."""

from collections.abc import Mapping, Sequence
from datetime import date

from align.wording import ordinal, per_cent, say_date, say_list
from store.records import Analog

_LONGEST_LIST = 4


def say_analogs(
    found: Sequence[Analog],
    like: Sequence[str],
    names: Mapping[str, str],
    *,
    anchors: set[str],
    nearest: Sequence[tuple[date, float]],
    own_size: float | None,
    large: bool,
    days: int,
) -> str:
    """Say how large the move was, which episode is nearest, and whether it stands out.

    Parameters
    ----------
    found : sequence of Analog
        The nearest in shape first.
    anchors : set of episode ids
        Named beforehand: each is told with its own figures.
    nearest : sequence of (date, cosine)
        Large days, episodes or not; so that an episode is not taken for the nearest day.
    own_size : float or None
        None when the percentiles rest on the episodes alone.
    """
    parts = [_size(own_size, large=large, days=days)]
    if not found:
        return f"{parts[0]} No episode of the library lies before it."
    best = _told(found[0], names)
    if like:
        first, *others = (one for one in found if one.episode in like)
        also = f"; also to {_shortened([_short(one, names) for one in others])}" if others else ""
        parts.append(f"Closer in shape, not necessarily in size, to {_told(first, names)}{also}.")
        if set(like) <= anchors:
            parts.append("For each day chosen beforehand, one large day in twenty is as near.")
        if first is not found[0]:
            parts.append(f"Nearest of the library is {best}.")
    elif own_size is None:
        parts.append(f"So no likeness can be told from chance: nearest in shape is {best}.")
    elif large:
        parts.append(
            f"Not distinguishable from other large days: nearest in shape is {best}, and more than"
            " one large day in twenty has an episode as near."
        )
    else:
        parts.append(f"Not distinguishable from other days: nearest in shape is {best}.")
    named = [
        _short(one, names) for one in found if one.episode in anchors and one.episode not in like
    ]
    if named:
        parts.append(f"Chosen beforehand to compare with: {say_list(named)}.")
    if nearest:
        listed = [f"{say_date(day)} ({near:.2f})" for day, near in nearest]
        parts.append(f"Nearest large days of any kind: {say_list(listed)}.")
    return " ".join(parts)


def _size(own_size: float | None, *, large: bool, days: int) -> str:
    span = "one session" if days == 1 else f"{days} sessions"
    if own_size is None:
        return (
            f"Too few days are stored to rank the move over {span}: percentiles are among the"
            " episodes alone."
        )
    share = "any" if own_size == 1 else f"{per_cent(own_size)} % of those"
    size = f"The move over {span} is larger than {share} before it"
    return f"{size}." if large else f"{size}, which is not among the largest."


def _told(one: Analog, names: Mapping[str, str]) -> str:
    return (
        f"{names[one.episode]} (cosine {one.cosine:.2f}, {ordinal(one.percentile)} percentile of"
        f" large-move days; {_range(one)})"
    )


def _range(one: Analog) -> str:
    parts = []
    if one.low is not None and one.high is not None:
        parts.append(f"{one.low:.2f} to {one.high:.2f} with one asset left out")
    if one.unclipped is not None:
        parts.append(f"{one.unclipped:.2f} unclipped")
    return ", ".join(parts)


def _short(one: Analog, names: Mapping[str, str]) -> str:
    return f"{names[one.episode]} ({one.cosine:.2f}, {ordinal(one.percentile)})"


def _shortened(told: Sequence[str]) -> str:
    more = len(told) - _LONGEST_LIST
    return say_list([*told[:_LONGEST_LIST], *([f"{more} more"] if more > 0 else [])])
