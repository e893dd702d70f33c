"""Which falsifiers of each narrative the numbers of a day have set off.

Gold that falls is an alibi for geopolitics, a flat credit market one for a general squeeze,
however much either is talked about. An alibi that *rejects* keeps a narrative from leading;
the others are printed beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from align.evidence import TextEvidence
from align.signatures import Match, Signature
from align.wording import ordinal, say_list, say_sigma
from store.records import PlumbingLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Alibi:
    """One falsifier that fired.

    Attributes
    ----------
    rejects : bool
        The narrative cannot be the main cause of this move.
    untestable : bool
        It predicts nothing about the assets and is not blamed: its talk says nothing about
        the move, as that of sport or of the weather does not.
    later : bool
        The narrative was found after the move.
    """

    words: str
    rejects: bool
    untestable: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """The numbers of a day that alibis look at.

    Attributes
    ----------
    moves : Series
        Vol-scaled moves of the window by column, not clipped.
    calm_before : ndarray of bool, shape (n_past,)
        Which earlier sessions of ``text.past_z`` were no large move.
    """

    moves: pd.Series
    plumbing: Sequence[PlumbingLine]
    text: TextEvidence | None
    calm_before: np.ndarray[Any, np.dtype[np.bool_]]
    spoken: Mapping[str, str]


def alibis_of(
    narrative_ids: Sequence[str],
    matches: Mapping[str, Match],
    signatures: Mapping[str, Signature],
    scene: Scene,
    weights: Mapping[str, Any],
) -> dict[str, list[Alibi]]:
    """Return what fired for each narrative, those that reject it first."""
    found = {}
    for place, narrative_id in enumerate(narrative_ids):
        fired = [
            alibi
            for rule in weights["falsify"]
            if narrative_id in rule["narratives"] and (alibi := _fired(rule, scene)) is not None
        ]
        if matches[narrative_id].core_silent:
            legs = [leg for leg in signatures[narrative_id].core if _known(scene.moves, leg)]
            words = f"its core assets hardly moved: {_listed(legs, scene)}"
            fired.append(Alibi(words=words, rejects=True))
        fired += _other_way(signatures[narrative_id], scene, weights)
        fired += _untestable(place, signatures[narrative_id], scene, weights)
        fired += _repeated(place, scene, weights)
        found[narrative_id] = sorted(fired, key=lambda alibi: not alibi.rejects)
    return found


def _fired(rule: Mapping[str, Any], scene: Scene) -> Alibi | None:
    limit, rejects = rule["limit"], rule["rejects"]
    if rule["when"] == "low":
        line = next((one for one in scene.plumbing if one.series in rule["legs"]), None)
        if line is None or line.percentile is None or line.percentile >= limit:
            return None
        words = (
            f"{line.name} stood at {round(line.value)} {line.unit}, its"
            f" {ordinal(line.percentile)} percentile of two years and under the {ordinal(limit)}"
        )
        return Alibi(words=words, rejects=rejects)
    legs = [leg for leg in rule["legs"] if _known(scene.moves, leg)]
    if rule["when"] == "flat":
        # All of them have to be there: a market without credit does not show calm credit.
        flat = len(legs) == len(rule["legs"]) and all(abs(scene.moves[leg]) < limit for leg in legs)
        words = f"{_listed(legs, scene)} hardly moved"
        return Alibi(words=words, rejects=rejects) if flat else None
    sign = 1.0 if rule["when"] == "above" else -1.0
    moved = [leg for leg in legs if sign * scene.moves[leg] >= limit and scene.moves[leg] != 0]
    if not moved:
        return None
    verb = "rose" if sign > 0 else "fell"
    return Alibi(words=_listed(moved, scene, verb), rejects=rejects)


def _other_way(signature: Signature, scene: Scene, weights: Mapping[str, Any]) -> list[Alibi]:
    """Return that the core assets moved against the narrative and none of them with it.

    Two liquid assets make a contradiction; a narrative of one asset would never have one.
    """
    least = weights["signature"]["core_sigma"]
    core = [leg for leg in signature.core if _known(scene.moves, leg)]
    along = {leg: scene.moves[leg] * np.sign(signature.signs.get(leg, 0.0)) for leg in core}
    against = [leg for leg in core if along[leg] <= -least]
    if not against or max(along.values()) >= least:
        return []
    return [
        Alibi(words=f"its core assets moved the other way: {_listed(against, scene)}", rejects=True)
    ]


def _untestable(
    place: int, signature: Signature, scene: Scene, weights: Mapping[str, Any]
) -> list[Alibi]:
    """Return that nothing ties a narrative's talk to the move, when nothing does."""
    if any(signature.signs.values()):
        return []
    rule, text = weights["adequate"], scene.text
    if (
        text is not None
        and text.causal_stories[place] >= rule["causal_stories"]
        and text.causal_share[place] >= rule["causal_share"]
    ):
        return []
    words = "no signature to hold against the move, and few stories blame it"
    return [Alibi(words=words, rejects=True, untestable=True)]


def _repeated(place: int, scene: Scene, weights: Mapping[str, Any]) -> list[Alibi]:
    """Return that as much talk came on calm days before, when it did."""
    text = scene.text
    if text is None or not text.z[place] >= weights["adequate"]["intensity_z"]:
        return []
    as_much = (text.past_z[:, place] >= text.z[place]) & scene.calm_before
    number = int(as_much.sum())
    if number < weights["surge"]["before"]:
        return []
    words = f"it was told as much on {number} earlier days without a large move"
    return [Alibi(words=words, rejects=False)]


def _listed(legs: Sequence[str], scene: Scene, verb: str = "") -> str:
    """Return ``gold (-7.9 sigma)``, or with a verb ``gold fell (-7.9 sigma)``."""
    middle = f" {verb} " if verb else " "
    return say_list(
        [
            f"{scene.spoken.get(leg, leg)}{middle}({say_sigma(float(scene.moves[leg]))})"
            for leg in legs
        ]
    )


def _known(moves: pd.Series, leg: str) -> bool:
    return leg in moves.index and not np.isnan(moves[leg])
