"""An explanation as JSON and as lines for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api import wording
from api.wording import percentile
from store.records import BlameDay, Explanation, Move, PlumbingLine, Suspect, Unusual
from store.results import document_of

# What stands beside the suspects; not a part of any score.
_BESIDE = ("unusual", "timing", "dose", "plumbing", "blame", "none_of_these")


def explain_document(explanation: Explanation) -> dict[str, Any]:
    """Return the object that ``explain --json`` prints, in the contract's shape."""
    plain = document_of(explanation)
    return {
        "date": plain["date"],
        "window": {"start": plain["window_start"], "end": plain["window_end"]},
        "moves": [_renamed(move, {"asset_id": "asset"}) for move in plain["moves"]],
        "premise": plain["premise"],
        "verdict": plain["verdict"],
        "clarity": plain["clarity"],
        "suspects": [
            _renamed(suspect, {"narrative_id": "narrative"}) for suspect in plain["suspects"]
        ],
        "analogs": plain["analogs"],
        "analog_verdict": {"like": plain["analog_like"], "statement": plain["analog_statement"]},
        "falsifiers": plain["falsifiers"],
        "coverage": plain["coverage"],
        **{name: plain[name] for name in _BESIDE},
    }


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in row.items()}


def explain_lines(explanation: Explanation, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the explanation for a person at a terminal."""
    yield explanation.premise
    yield ""
    yield f"verdict: {explanation.verdict} (clarity {explanation.clarity:.2f})"
    if explanation.none_of_these:
        yield wording.with_names(explanation.none_of_these, names)
    if explanation.unusual is not None:
        yield _unusual_line(explanation.unusual)
    yield ""
    yield f"{'move':30} {'change':>10} {'sigma':>7}"
    for move in explanation.moves:
        sigma = wording.fixed(move.sigma, 1, signed=True)
        yield f"{move.name:30} {_change(move):>10} {sigma:>7}"
    yield ""
    assets = {move.asset_id: move.name for move in explanation.moves}
    for suspect in explanation.suspects:
        yield from _suspect_lines(suspect, names, assets)
    yield ""
    if explanation.plumbing:
        yield "as known at the close:"
    for line in explanation.plumbing:
        yield f"  {_plumbing_line(line)}"
    yield from _blame_lines(explanation.blame, names)
    yield explanation.analog_statement
    if explanation.falsifiers:
        yield "would overturn it:"
    for falsifier in explanation.falsifiers:
        yield f"  {wording.sentence(wording.with_names(falsifier.condition, names))}"
    coverage = explanation.coverage
    yield (
        f"rests on {coverage.stories:,} stories from {coverage.sources} of"
        f" {coverage.sources_expected} sources"
        f" ({wording.percent(coverage.share_of_panel)} of the panel);"
        " association, not cause"
    )


def rivals_of(explanation: Explanation) -> list[Suspect]:
    """Return the suspects that a verdict names: the leader, or those it cannot tell apart.

    At most three, whose intervals reach that of the first; none when no suspect is adequate.
    """
    ranked = sorted(explanation.suspects, key=lambda suspect: suspect.rank)
    if explanation.verdict == "suspects":
        return [one for one in ranked if one.status == "leading"] or ranked[:1]
    if explanation.verdict == "no adequate suspect":
        return []
    rivals = [one for one in ranked if one.status == "possible" and not one.rejected]
    return [one for one in rivals if one.high >= rivals[0].low][:3]


def _suspect_lines(
    suspect: Suspect, names: Mapping[str, str], assets: Mapping[str, str]
) -> Iterator[str]:
    name = names.get(suspect.narrative_id, suspect.narrative_id)
    yield (
        f"{suspect.rank:2}. {name:24} {suspect.score:.2f} [{suspect.low:.2f}, {suspect.high:.2f}]"
        f"  {wording.status_words(suspect, assets)}"
    )
    if suspect.fired:
        yield f"      against it: {'; '.join(suspect.fired)}"
    for quote in suspect.quotes[:2]:
        source = quote.url or quote.document_id
        yield f"      “{quote.quote}” ({quote.stance}; {source})"


def _unusual_line(unusual: Unusual) -> str:
    return (
        f"size: {percentile(unusual.size_percentile)} of the {unusual.days} days before;"
        f" common direction: placebo p {unusual.placebo_p:.2f}, Kolari-Pynnonen p"
        f" {unusual.p_kp:.2f}"
    )


def _plumbing_line(line: PlumbingLine) -> str:
    rank = "" if line.percentile is None else f", {percentile(line.percentile)} of two years"
    flags = f" ({', '.join(line.flags)})" if line.flags else ""
    return f"{line.name:24} {line.value:,.2f} {line.unit} on {line.value_date}{rank}{flags}"


def _blame_lines(days: Sequence[BlameDay], names: Mapping[str, str]) -> Iterator[str]:
    if days:
        stated = any(day.basis == "claims" for day in days)
        what = "cause that stories state" if stated else "what stories talk about"
        yield f"{what}, by sessions after the move:"
    for day in days:
        first = [
            f"{names.get(one.narrative_id, one.narrative_id)} {one.share:.0%}"
            for one in day.shares[:3]
        ]
        yield (
            f"  day {day.after} ({day.date}): {', '.join(first)}"
            f" ({day.stories} stories by {day.basis}, entropy {day.entropy:.2f})"
        )


def _change(move: Move) -> str:
    if move.unit == "return":
        return wording.change(move.change, move.unit)
    unit = "bp" if move.unit == "bp" else "pts"
    return f"{wording.fixed(move.change, 1, signed=True)} {unit}"
