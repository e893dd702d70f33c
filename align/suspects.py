"""Evidence -> parts, scores, statuses and the verdict, by the rules of ``weights.toml``.

A score ranks; it is no probability. Three outcomes are possible, and two of them decline:
the leading suspect cannot be told from the second, or no suspect is adequate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.alibis import Alibi
from align.evidence import TextEvidence
from align.signatures import Match, Signature, collinearity
from align.wording import say_list
from store.records import SuspectParts, SuspectStatus, Verdict

_TEXT = ("intensity", "causal_claims", "timing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One narrative with its score and what the score rests on.

    Attributes
    ----------
    adequate : bool
        At least two lines of evidence are unusual, one of them text.
    rejected : bool
        A falsifier fired that keeps it from being the main cause.
    fired : sequence of str
        All falsifiers that fired, in words.
    later : bool
        It was found after the move, and no suspect of it.
    """

    narrative_id: str
    score: float
    low: float
    high: float
    status: SuspectStatus
    parts: SuspectParts
    contradicted_by: Sequence[str]
    pre_move_share: float | None
    placebo_percentile: float | None
    adequate: bool
    rejected: bool
    fired: Sequence[str]
    later: bool = False

    @property
    def may_lead(self) -> bool:
        """Whether neither the assets, nor the order in time, nor an alibi stand against it."""
        ruled_out = self.status in ("contradicted", "follower") or self.rejected
        return not ruled_out and not self.later


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All narratives by rank, with the verdict and its clarity."""

    suspects: Sequence[Judged]
    verdict: Verdict
    clarity: float


def judge(
    narrative_ids: Sequence[str],
    text: TextEvidence | None,
    matches: Mapping[str, Match],
    hard: Mapping[str, float],
    signatures: Mapping[str, Signature],
    *,
    alibis: Mapping[str, Sequence[Alibi]],
    unusual: bool,
    weights: Mapping[str, Any],
) -> Judgement:
    """Rank narratives as explanations of one move.

    Parameters
    ----------
    text : TextEvidence or None
        None when the day lies outside the collected documents: text parts are 0 then.
    alibis : mapping of narrative to sequence of Alibi
        The falsifiers that fired.
    unusual : bool
        The size gate: any asset moved enough to need an explanation.

    Notes
    -----
    A narrative that was found after the move is listed last and as quiet, since nothing of it is
    evidence, neither for nor against.
    """
    judged = [
        _found_later(narrative_id, alibis[narrative_id])
        if any(alibi.later for alibi in alibis.get(narrative_id, ()))
        else _judge_one(
            place,
            narrative_id,
            text,
            matches[narrative_id],
            hard,
            alibis.get(narrative_id, ()),
            weights,
        )
        for place, narrative_id in enumerate(narrative_ids)
    ]
    # Whoever cannot lead ranks behind those who can, however much it is talked about, and what
    # was told after the move behind all: it is no candidate even where nobody else is one.
    judged.sort(
        key=lambda one: (
            one.later,
            one.status == "follower",
            not one.may_lead,
            -one.score,
            one.narrative_id,
        )
    )
    verdict = _verdict(judged, signatures, unusual, weights)
    if verdict == "suspects":
        judged = _with_leader(judged)
    return Judgement(suspects=judged, verdict=verdict, clarity=clarity_of(judged))


def clarity_of(judged: Sequence[Judged]) -> float:
    """Return 1 - H / log(n) of the scores as shares: 1 for one suspect alone, 0 for a tie.

    The idea, not the coding, of Baker, Bloom, Davis & Sammon (2021, NBER 28687).
    """
    scores = np.array([one.score for one in judged])
    if len(scores) < 2:
        return 1.0 if scores.sum() > 0 else 0.0
    if scores.sum() <= 0:
        return 0.0
    share = scores[scores > 0] / scores.sum()
    entropy = -float((share * np.log(share)).sum())
    return round(min(max(1.0 - entropy / float(np.log(len(scores))), 0.0), 1.0), 6)


def _judge_one(
    place: int,
    narrative_id: str,
    text: TextEvidence | None,
    match: Match,
    hard: Mapping[str, float],
    alibis: Sequence[Alibi],
    weights: Mapping[str, Any],
) -> Judged:
    follower = text is not None and _follows(text, place, weights)
    scale = _scales(bool(match.contradicted_by), follower, weights)
    if any(alibi.untestable for alibi in alibis):
        scale |= dict.fromkeys(("intensity", "timing"), 0.0)
    values, draws = _text_values(place, text, weights)
    fixed = {
        "signature": _signature_value(match, weights),
        "hard_data": min(max((hard.get(narrative_id, 0.0) - 0.5) / 0.5, 0.0), 1.0),
    }
    # Rounded parts, and the score as their sum: they must add up for whoever checks.
    parts = SuspectParts(
        **{name: round(scale[name] * value, 6) for name, value in {**values, **fixed}.items()}
    )
    shape = np.array(
        [_signature_value(match, weights, cosine) for cosine in match.draws or (None,)]
    )
    drawn = (
        sum(scale[name] * line for name, line in draws.items())
        + scale["signature"] * shape
        + scale["hard_data"] * fixed["hard_data"]
    )
    rule = weights["bootstrap"]
    low, high = (float(np.quantile(drawn, rule[end])) for end in ("low", "high"))
    pre = None if text is None or np.isnan(text.pre_share[place]) else text.pre_share[place]
    rejected = any(alibi.rejects for alibi in alibis)
    adequate = not match.contradicted_by and not follower and not rejected
    return Judged(
        narrative_id=narrative_id,
        score=round(parts.total, 6),
        low=round(min(max(low, 0.0), parts.total), 6),
        high=round(min(max(high, parts.total), 1.0), 6),
        status=_status(place, text, match, follower, weights),
        parts=parts,
        contradicted_by=match.contradicted_by,
        pre_move_share=None if pre is None else round(float(pre), 4),
        placebo_percentile=None if match.percentile is None else round(match.percentile, 4),
        adequate=adequate and _adequate(place, text, match, hard.get(narrative_id), weights),
        rejected=rejected,
        fired=tuple(alibi.words for alibi in alibis),
    )


def _found_later(narrative_id: str, alibis: Sequence[Alibi]) -> Judged:
    """Return a narrative that nobody could have suspected at the time."""
    return Judged(
        narrative_id=narrative_id,
        score=0.0,
        low=0.0,
        high=0.0,
        status="quiet",
        parts=SuspectParts(
            intensity=0.0, causal_claims=0.0, timing=0.0, signature=0.0, hard_data=0.0
        ),
        contradicted_by=(),
        pre_move_share=None,
        placebo_percentile=None,
        adequate=False,
        rejected=False,
        fired=tuple(alibi.words for alibi in alibis),
        later=True,
    )


def _scales(contradicted: bool, follower: bool, weights: Mapping[str, Any]) -> dict[str, float]:
    """Return what each part counts: less for the contradicted, less talk for a follower."""
    whole = weights["contradiction"]["factor"] if contradicted else 1.0
    talk = weights["follower"]["factor"] if follower else 1.0
    return {
        name: whole * (talk if name in _TEXT else 1.0) * weights["parts"][name]
        for name in (*_TEXT, "signature", "hard_data")
    }


def _text_values(
    place: int, text: TextEvidence | None, weights: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Return the three text parts in [0, 1], and their bootstrap draws."""
    if text is None:
        return dict.fromkeys(_TEXT, 0.0), {name: np.zeros(1) for name in _TEXT}
    observed = _text_part(
        text.z[place : place + 1],
        text.causal_share[place : place + 1],
        text.pace[place : place + 1],
        text.z_before[place],
        weights,
    )
    drawn = _text_part(
        text.z_draws[:, place],
        text.causal_draws[:, place],
        text.pace_draws[:, place],
        text.z_before[place],
        weights,
    )
    return {name: float(line[0]) for name, line in observed.items()}, drawn


def _text_part(
    z: NDArray[np.float64],
    causal: NDArray[np.float64],
    pace: NDArray[np.float64],
    z_before: float,
    weights: Mapping[str, Any],
) -> dict[str, NDArray[np.float64]]:
    surged = bool(z_before >= weights["timing"]["surge_z"])
    least = weights["timing"]["follower_pace"]
    timing = np.clip((np.nan_to_num(pace, nan=least, posinf=1.0) - least) / (1.0 - least), 0.0, 1.0)
    return {
        "intensity": np.clip(np.nan_to_num(z) / weights["intensity"]["full_z"], 0.0, 1.0),
        "causal_claims": np.clip(causal / weights["causal_claims"]["full_share"], 0.0, 1.0),
        "timing": timing if surged else np.zeros_like(timing),
    }


def _signature_value(
    match: Match, weights: Mapping[str, Any], cosine: float | None = None
) -> float:
    """Return the part in [0, 1], for the cosine itself or for one drawn in its place."""
    if match.cosine is None or match.percentile is None:
        return 0.0
    value = max(match.cosine if cosine is None else cosine, 0.0) * match.percentile
    return value * weights["signature"]["core_silent_factor"] if match.core_silent else value


def _follows(text: TextEvidence, place: int, weights: Mapping[str, Any]) -> bool:
    """Return whether the talk came after the move.

    Six sessions of talk end at the close and three begin there: a story that broke the day
    before and goes on has less than half of its surge before the close, too. It follows
    nothing when its pace before was a fair part of that after; what follows is at its usual
    level until then, give or take the noise of a few days.
    """
    rule = weights["timing"]
    late = (
        text.pre_share[place] < rule["follower_share"] and text.z_after[place] >= rule["follower_z"]
    )
    return bool(late and text.pace[place] < rule["follower_pace"])


def _unusual_talk(
    text: TextEvidence, place: int, ranks: NDArray[np.float64], weights: Mapping[str, Any]
) -> bool:
    rule = weights["adequate"]
    if np.isnan(ranks[place]):
        return bool(text.z[place] >= rule["fallback_z"])
    return bool(ranks[place] >= rule["percentile"] and text.z[place] >= rule["intensity_z"])


def _status(
    place: int,
    text: TextEvidence | None,
    match: Match,
    follower: bool,
    weights: Mapping[str, Any],
) -> SuspectStatus:
    if match.contradicted_by:
        return "contradicted"
    if follower:
        return "follower"
    rule = weights["quiet"]
    silent = text is None or (not text.z[place] >= rule["z"] and text.causal_stories[place] == 0)
    mismatch = match.cosine is None or match.cosine < rule["cosine"]
    return "quiet" if silent and mismatch else "possible"


def _adequate(
    place: int,
    text: TextEvidence | None,
    match: Match,
    hard: float | None,
    weights: Mapping[str, Any],
) -> bool:
    """Return whether two lines of evidence are unusual, one of them text.

    One line is not enough: with twelve suspects and four lines, some line of somebody passes
    its 90th placebo percentile on nearly every day.
    """
    if text is None:
        return False
    rule = weights["adequate"]
    shape = (
        match.cosine is not None
        and match.percentile is not None
        and match.cosine >= rule["cosine"]
        and match.percentile >= rule["percentile"]
        and not match.core_silent
    )
    data = hard is not None and hard >= rule["percentile"]
    # Prices that single out one narrative leave one test of its talk; else there are twelve.
    ranks = text.own_percentile if shape and data else text.percentile
    intensity = _unusual_talk(text, place, ranks, weights)
    claims = bool(
        text.causal_share[place] >= rule["causal_share"]
        and text.causal_stories[place] >= rule["causal_stories"]
    )
    return (intensity or claims) and sum((intensity, claims, shape, data)) >= 2


def _verdict(
    judged: Sequence[Judged],
    signatures: Mapping[str, Signature],
    unusual: bool,
    weights: Mapping[str, Any],
) -> Verdict:
    eligible = [one for one in judged if one.may_lead]
    if not unusual or not any(one.adequate for one in eligible):
        return "no adequate suspect"
    first = eligible[0]
    if not first.adequate:
        # Somebody else has the better evidence in number of lines, this one in weight.
        return "not distinguishable"
    if len(eligible) == 1:
        return "suspects"
    second = eligible[1]
    near = collinearity(signatures[first.narrative_id], signatures[second.narrative_id])
    if second.high >= first.low or near >= weights["signature"]["collinear"]:
        return "not distinguishable"
    return "suspects"


def _with_leader(judged: Sequence[Judged]) -> list[Judged]:
    """Mark the best of those that may lead; it has rank 1 among them by its score."""
    from dataclasses import replace

    leader = next(one for one in judged if one.may_lead)
    return [replace(one, status="leading") if one is leader else one for one in judged]


def none_of_these(suspects: Sequence[Judged], *, unusual: bool, stories: int) -> str:
    """Say whether the answer is that no narrative of the list explains the move, and why.

    Parameters
    ----------
    unusual : bool
        The size gate of :func:`judge`.
    stories : int
        Stories behind the answer.
    """
    if not suspects:
        return ""
    if not stories:
        return (
            "No document of that time is stored: the ranks rest on prices alone, and without"
            " text no suspect is adequate."
        )
    adequate = [f"“{one.narrative_id}”" for one in suspects if one.adequate]
    verb = "have" if len(adequate) > 1 else "has"
    lines = "two unusual lines of evidence, one of them text"
    if not unusual:
        though = f", though {say_list(adequate)} {verb} {lines}" if adequate else ""
        return f"No listed asset moved enough to need a story{though}."
    if adequate:
        return f"“None of these” does not hold: {say_list(adequate)} {verb} {lines}."
    counts = (
        (sum(one.status == "contradicted" for one in suspects), "contradicted by the assets"),
        (sum(one.status == "follower" for one in suspects), "told after the move"),
        (
            sum(one.rejected and one.status in ("possible", "quiet") for one in suspects),
            "rejected by a falsifier",
        ),
    )
    rest = [
        f"{number} {'was' if number == 1 else 'were'} {words}" for number, words in counts if number
    ]
    tail = f"; {say_list(rest)}" if rest else ""
    return f"“None of these” holds: not one of {len(suspects)} narratives has {lines}{tail}."
