"""Public stance, entailment and entity-sentiment sets, read as statements.

Used: IBM Debater arguments and claims (CC-BY-SA), MNLI, SNLI, CommitmentBank, FraCaS,
SEntFiN (MIT). Left out: tweets (research terms), SICK (non-commercial).
"""

import ast
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nlp.statements import TURNED, Statement
from store.records import Stance

_NLI: Mapping[str, Stance] = {"entailment": "favor", "contradiction": "against", "neutral": "none"}
_NLI_SETS = ("mnli", "snli", "commitment_bank", "fracas")
_SENTIMENT: Mapping[str, Stance] = {"positive": "favor", "negative": "against", "neutral": "none"}
_UP = ("{} is doing well.", "{} is rising.", "Things are looking up for {}.")
_DOWN = ("{} is in trouble.", "{} is falling.", "{} is under pressure.")


def public_pairs(folder: Path, seed: int) -> list[Statement]:
    """Read the public sets.

    Parameters
    ----------
    folder : Path
        Holds ``stance``, ``ibm_claim_stance``, ``nli`` and ``sentfin`` as Parquet files.
    """
    from pandas import read_parquet

    sets = read_parquet(folder / "stance.parquet")
    arguments = sets[sets["set"] == "ibm30k"]
    claims = read_parquet(folder / "ibm_claim_stance.parquet")
    nli = read_parquet(folder / "nli.parquet")
    nli = nli[nli["set"].isin(_NLI_SETS) & nli["label"].isin(list(_NLI))]
    sentiment = read_parquet(folder / "sentfin.parquet")
    draw = random.Random(seed)
    return [
        *_pairs(zip(arguments["text"], arguments["target"], arguments["stance"], strict=True)),
        *_pairs(
            zip(
                claims["claims.claimCorrectedText"],
                claims["topicText"],
                claims["claims.stance"].map({"PRO": "favor", "CON": "against"}),
                strict=True,
            )
        ),
        *_pairs(zip(nli["premise"], nli["hypothesis"], nli["label"].map(_NLI), strict=True)),
        *(
            statement
            for title, decisions in zip(sentiment["Title"], sentiment["Decisions"], strict=True)
            for statement in _entities(title, decisions, draw)
        ),
    ]


def _pairs(rows: Iterable[tuple[Any, Any, Stance]]) -> Iterator[Statement]:
    for text, proposition, stance in rows:
        if isinstance(text, str) and isinstance(proposition, str):
            yield Statement(text, proposition, stance, relevant=None)


def _entities(title: str, decisions: str, draw: random.Random) -> Iterator[Statement]:
    try:
        found: dict[str, str] = ast.literal_eval(decisions)
    except (SyntaxError, ValueError):  # names with quotation marks in them
        return
    for entity, sentiment in found.items():
        rising = draw.random() < 0.6
        stance = _SENTIMENT[sentiment] if rising else TURNED[_SENTIMENT[sentiment]]
        proposition = draw.choice(_UP if rising else _DOWN).format(entity)
        yield Statement(title, proposition, stance, relevant=None)
