"""Claims about several assets at once: all of them, one against another, one alone."""

from collections.abc import Sequence

from align.catalogue import asset_words
from align.claim_moves import figures_of
from align.claim_tape import Series, Tape
from align.claim_times import (
    Asked,
    Judgement,
    Window,
    no_value,
    not_stored,
    verdict_of,
    windows,
)
from align.wording import say_amount, say_list
from store.records import Claim, ClaimFigure, Subject

_ALL = ("equity", "credit", "metal", "energy", "fx", "rates", "crypto")
_RISK = ("equity", "credit", "metal", "energy", "crypto")
_SHOWN = 4
_LEAST_ASSETS = 5

_Moved = tuple[Series, Window, float]


def judge_breadth(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "almost all assets plummeted": the share of assets that moved enough that way."""
    classes = _RISK if claim.group == "risk assets" else _ALL
    moved = _moves(claim, tape.of_classes(asset_words().core, classes), asked)
    if len(moved) < _LEAST_ASSETS:
        return Judgement(
            "not checkable",
            f"Not checked: {len(moved)} assets have a move then, {_LEAST_ASSETS} are needed.",
        )
    need = asked.rules["strong_sigma" if claim.strong else "plain_sigma"]
    sign = -1.0 if claim.direction == "down" else 1.0
    with_it = [one for one in moved if sign * one[2] >= need]
    share = len(with_it) / len(moved)
    word = "fell" if claim.direction == "down" else "rose"
    whom = "risk assets" if claim.group == "risk assets" else "assets"
    said = (
        f"{len(with_it)} of {len(moved)} {whom} {word} {need:g} sigma or more"
        f" {moved[0][1].said}: {_named(with_it) if with_it else 'none'}"
    )
    if rest := [one for one in moved if one not in with_it]:
        said += f"; not so {_named(sorted(rest, key=lambda one: -sign * one[2]))}"
    verdict = verdict_of(share >= asked.rules["breadth_share"])
    half = verdict == "contradicted" and share >= asked.rules["breadth_half"]
    return Judgement(verdict, f"{said}.", "half" if half else "", _figures(moved))


def judge_confined(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "concentrated in crypto": it moved two sigma and hardly anything else did."""
    own = [series for one in claim.subjects if (series := tape.find(one)[0]) is not None]
    if not own:
        return not_stored(claim.subjects[0])
    classes = {series.asset.asset_class for series in own}
    others = tape.of_classes(asset_words().core, [name for name in _ALL if name not in classes])
    inside, outside = _moves(claim, own, asked), _moves(claim, others, asked)
    if not inside or len(outside) < _LEAST_ASSETS:
        return no_value(claim.subjects[0], asked)
    need = asked.rules["strong_sigma"]
    spread = [one for one in outside if abs(one[2]) >= need]
    holds = (
        all(abs(one[2]) >= need for one in inside)
        and len(spread) / len(outside) <= asked.rules["confined_share"]
    )
    said = (
        f"{_named(inside)} {inside[0][1].said}; of {len(outside)} other assets"
        f" {len(spread)} moved {need:g} sigma or more"
    )
    if spread:
        said += f": {_named(spread)}"
    return Judgement(verdict_of(holds), f"{said}.", "", _figures([*inside, *outside]))


def judge_relative(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "A did better than B", or money that left risk assets for the dollar."""
    if claim.group:
        return _flight(claim, tape, asked)
    better, missing = _stored(claim.subjects, tape)
    worse, missing_too = _stored(claim.others, tape)
    if not better or not worse:
        return not_stored((missing or missing_too or list(claim.subjects))[0])
    above = [(one, window[0]) for one in better if (window := windows(claim, one, asked))]
    below = [(one, window[0]) for one in worse if (window := windows(claim, one, asked))]
    if not above or not below:
        return no_value(claim.subjects[0], asked)
    least = max(one.change(window.start, window.end) for one, window in below)
    beat = [pair for pair in above if pair[0].change(pair[1].start, pair[1].end) > least]
    said = f"{_changes(above)} against {_changes(below)} {above[0][1].said}"
    verdict = verdict_of(len(beat) == len(above))
    half = verdict == "contradicted" and len(beat) * 2 >= len(above)
    figures = [one.change_figure(window.start, window.end) for one, window in (*above, *below)]
    if missing or missing_too:
        said += f"; not stored: {say_list([one.name for one in (*missing, *missing_too)])}"
    return Judgement(verdict, f"{said}.", "half" if half else "", figures)


def _flight(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge both legs: the haven rose a sigma, and most risk assets fell one."""
    series, _ = tape.find(claim.subjects[0])
    if series is None:
        return not_stored(claim.subjects[0])
    haven = _moves(claim, [series], asked)
    risk = _moves(claim, tape.of_classes(asset_words().core, _RISK), asked)
    if not haven or len(risk) < _LEAST_ASSETS:
        return no_value(claim.subjects[0], asked)
    need = asked.rules["plain_sigma"]
    down = [one for one in risk if one[2] <= -need]
    legs = (haven[0][2] >= need, len(down) / len(risk) >= asked.rules["breadth_share"])
    said = (
        f"{_named(haven)} {haven[0][1].said}; {len(down)} of {len(risk)} risk assets fell"
        f" {need:g} sigma or more: {_named(down) if down else 'none'}"
    )
    half = any(legs) and not all(legs)
    return Judgement(
        verdict_of(all(legs)), f"{said}.", "half" if half else "", _figures([*haven, *risk])
    )


def _moves(claim: Claim, series: Sequence[Series], asked: Asked) -> list[_Moved]:
    """Return the series with a move of known size, the largest first."""
    found = []
    for one in series:
        for window in windows(claim, one, asked)[:1]:
            sigma = one.sigma(window.start, window.end)
            if sigma is not None:
                found.append((one, window, sigma))
    return sorted(found, key=lambda moved: (-abs(moved[2]), moved[0].asset.id))


def _named(moved: Sequence[_Moved]) -> str:
    spoken = asset_words().spoken
    parts = [
        f"{spoken.get(series.asset.id, series.asset.id)}"
        f" {say_amount(series.change(window.start, window.end), series.unit, signed=True)}"
        f" ({sigma:+.1f} sigma)"
        for series, window, sigma in moved[:_SHOWN]
    ]
    if len(moved) > _SHOWN:
        parts.append(f"{len(moved) - _SHOWN} more")
    return say_list(parts)


def _changes(pairs: Sequence[tuple[Series, Window]]) -> str:
    spoken = asset_words().spoken
    return say_list([
        f"{spoken.get(one.asset.id, one.asset.id)}"
        f" {say_amount(one.change(window.start, window.end), one.unit, signed=True)}"
        for one, window in pairs
    ])  # fmt: skip


def _figures(moved: Sequence[_Moved]) -> list[ClaimFigure]:
    return [figure for series, window, _ in moved for figure in figures_of(series, window)[:2]]


def _stored(subjects: Sequence[Subject], tape: Tape) -> tuple[list[Series], list[Subject]]:
    found, missing = [], []
    for one in subjects:
        series, _ = tape.find(one)
        if series is None:
            missing.append(one)
        elif series not in found:
            found.append(series)
    return found, missing
