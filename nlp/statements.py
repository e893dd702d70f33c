"""Passages judged against propositions: the training data of the pair model.

Two sources of our own: the labelled passages with the twelve propositions, in several
wordings and turned round, and passages written about subjects that no default narrative has
(``propositions.jsonl``). `nlp.public_pairs` reads what comes before either.
"""

import json
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nlp.errors import TrainingError
from nlp.examples import Example, Split, split_of
from nlp.narratives import Taxonomy
from store.records import Stance

TURNED: Mapping[Stance, Stance] = {"favor": "against", "against": "favor", "none": "none"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A passage judged against a proposition.

    Attributes
    ----------
    stance : str or None
        None where the passage is not about the proposition's subject.
    causal : bool or None
        None where nobody labelled it.
    relevant : bool or None
        None where the source says nothing about it.
    """

    text: str
    proposition: str
    stance: Stance | None
    causal: bool | None = None
    relevant: bool | None = True
    subject: str = ""
    split: Split = "train"


@dataclass(frozen=True, slots=True)
class Wordings:
    """Other ways to state a narrative's proposition, and its opposite."""

    same: Sequence[str]
    opposite: Sequence[str]


def read_wordings(path: Path) -> dict[str, Wordings]:
    """Read ``wordings.toml``: a table for each narrative with ``same`` and ``opposite``."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {key: Wordings(entry["same"], entry["opposite"]) for key, entry in data.items()}


def read_statements(path: Path) -> list[Statement]:
    """Read ``propositions.jsonl``; about a fifth of the subjects are set aside for testing.

    Raises
    ------
    TrainingError
        A line is not an object with proposition, subject, text and stance.
    """
    statements = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            item = json.loads(line)
            subject = item["subject"].removesuffix("-rev")
            statements.append(
                Statement(
                    item["text"],
                    item["proposition"],
                    item["stance"],
                    subject=subject,
                    split="test" if _held_out(subject) else "train",
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"line {number} of {str(path)!r} is no statement: {error!r}"
            ) from error
    return statements


def from_examples(
    examples: Iterable[Example], taxonomy: Taxonomy, wordings: Mapping[str, Wordings], seed: int
) -> list[Statement]:
    """Pair labelled passages with propositions.

    Each label gives the proposition as it stands or in other words, and now and then its
    opposite with the stance turned round; one passage in three gives a proposition that it
    is not about. Another seed draws others.
    """
    draw = random.Random(seed)
    statements = []
    for example in examples:
        for narrative in taxonomy:
            stance = example.labels.get(narrative.id)
            if stance is None:
                continue
            causal, other = example.causal.get(narrative.id), wordings[narrative.id]
            wording = draw.choice(other.same) if draw.random() < 0.4 else narrative.proposition
            statements.append(Statement(example.text, wording, stance, causal))
            if draw.random() < 0.25:
                turned = draw.choice(other.opposite)
                statements.append(Statement(example.text, turned, TURNED[stance], causal))
        if draw.random() < 0.35:
            narrative = draw.choice([n for n in taxonomy if n.id not in example.labels])
            wording = draw.choice([narrative.proposition, *wordings[narrative.id].same])
            statements.append(Statement(example.text, wording, None, relevant=False))
    return statements


def strangers(statements: Sequence[Statement], seed: int) -> list[Statement]:
    """Pair each passage with the proposition of another subject, as irrelevant."""
    draw = random.Random(seed)
    found = []
    for statement in statements:
        other = draw.choice([s for s in statements if s.subject != statement.subject])
        found.append(Statement(statement.text, other.proposition, None, relevant=False))
    return found


def _held_out(subject: str) -> bool:
    return split_of(subject) == "test" or split_of(subject + ".") == "dev"
