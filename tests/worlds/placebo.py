"""Days on which no story of the list can be the cause: dates shifted, and talk of other things.

The talk of a real archive is laid over the prices of other years: its surges, its sources and
its labels are real, and whatever they explain there they explain by chance. Three narratives
about nothing that moves markets are labelled by words in the titles.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from align.errors import AlignError
from align.explanation import World, explain_day
from align.inputs import Inputs
from store.records import Explanation, Narrative

NONSENSE: Mapping[str, str] = {
    "sport": "nfl nba football soccer baseball basketball olympic olympics coach quarterback"
    " tennis athlete athletes sport sports team game games championship league",
    "weather": "storm storms hurricane snow weather rain flood floods heatwave tornado wildfire"
    " wildfires blizzard winter",
    "cooking": "recipe recipes cook cooking kitchen food restaurant restaurants coffee chef"
    " chicken cheese dinner meal meals beef eggs",
}
# Sessions of baseline before a day of the archive is asked about.
FIRST = 45


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One explained day; ``shift`` sessions lie between its talk and its prices."""

    shift: int
    large: bool
    explanation: Explanation


def with_nonsense(inputs: Inputs) -> Inputs:
    """Return the inputs with the three narratives, asserted wherever their words occur."""
    frames = [inputs.labels]
    for name, words in NONSENSE.items():
        pattern = re.compile(rf"\b(?:{'|'.join(words.split())})\b", re.IGNORECASE)
        hits = inputs.stories[[bool(pattern.search(title or "")) for title in inputs.stories.title]]
        columns = {
            "document_id": hits["document_id"],
            "narrative_id": name,
            "probability": 0.9,
            "stance": "favor",
            "causal": False,
            "effective_at": hits["effective_at"],
            "source_id": hits["source_id"],
            "weight": hits["weight"],
        }
        frames.append(pd.DataFrame(columns))
    made = [Narrative(id=name, name=name, proposition=name) for name in NONSENSE]
    return replace(
        inputs,
        labels=pd.concat(frames, ignore_index=True),
        narratives=[*inputs.narratives, *made],
    )


def ask(world: World, shifts: Sequence[int]) -> Iterator[Asked]:
    """Explain every day of the archive, its talk moved back by each number of sessions."""
    assert world.archive is not None
    gate = world.weights["adequate"]["move_sigma"]
    for shift in shifts:
        moved = replace(world.archive, offset=world.archive.offset - shift)
        there = replace(world, archive=moved, innovations=None)
        for row in np.flatnonzero(moved.grid.covered)[FIRST:].tolist():
            day: date = moved.day(row)
            try:
                found = explain_day(there, day)
            except AlignError:
                continue
            large = any(
                abs(move.sigma or 0.0) >= gate
                for move in found.moves
                if world.market.assets[move.asset_id].asset_class != "funding"
            )
            yield Asked(shift=shift, large=large, explanation=found)
