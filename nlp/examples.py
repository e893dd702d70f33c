"""Labelled examples for training and evaluation, read from JSON lines.

Two kinds of files. Passages are our own text and are stored whole:
``{"text", "labels", "causal", "causal_for", "lang"}``. Passages of an archive belong to
their publishers, so only a hash of the text is kept with its labels:
``{"hash", "set", "at", "pool", "labels", "causal_for", "split"}``, where ``at`` says in which
row and field of the archive the text stands, and between which characters. The text is
looked up where the archive is at hand, and the example is left out where it is not.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from nlp.errors import TrainingError
from store.records import Stance

Split = Literal["train", "dev", "test"]
ARCHIVES: Mapping[str, str] = {
    "headlines": "headlines.parquet",
    "reuters21578": "reuters21578.parquet",
    "crypto_2021_2022": "crypto_2021_2022.parquet",
    "fomc_communications": "fomc_communications.parquet",
}
TITLE, BODY = ("title",), ("body", "text", "Text")  # columns, as the archives name them


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled passage.

    Attributes
    ----------
    labels : mapping of narrative id to stance
        The narratives present; empty means none is.
    causal : mapping of narrative id to bool
        Whether the passage says, or denies, that this narrative moved a market; a narrative
        that is missing here was not labelled for it.
    pool : str
        How the example was found: ``own`` (written for this project), ``sample`` (drawn
        at random), ``mined`` (sought by keyword), ``hard`` (a suspicious prediction),
        ``second`` (drawn by an earlier model: likely, doubtful and random passages).
    """

    id: str
    text: str
    labels: Mapping[str, Stance]
    split: Split = "train"
    pool: str = "own"
    causal: Mapping[str, bool] = field(default_factory=dict)
    language: str = "en"
    extra: Mapping[str, str] = field(default_factory=dict)


def text_hash(text: str) -> str:
    """Return 16 hex digits of blake2b over NFKC, case-folded, single-spaced text."""
    normal = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.blake2b(normal.encode(), digest_size=8).hexdigest()


def read_examples(path: Path) -> list[Example]:
    """Read own passages, or an evaluation file, from JSON lines.

    About 15 % are set aside for testing and 10 % for choosing thresholds, by hash of the
    text, so that a passage never changes sides when others are added; near-identical
    passages, written as contrasts, state their split instead.

    Raises
    ------
    TrainingError
        A line is not an object with ``text`` and ``labels`` that map to stances.
    """
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            text, labels = str(item["text"]), _stances(item["labels"])
            causal = _causal(item, labels)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"line {number} of {str(path)!r} is no labelled example ({error!r}): "
                'write {"id", "text", "labels": {narrative: stance}}'
            ) from error
        examples.append(
            Example(
                id=str(item.get("id") or text_hash(text)),
                text=text,
                labels=labels,
                split=item.get("split") or split_of(text),
                causal=causal,
                language=str(item.get("lang") or "en"),
            )
        )
    return examples


def read_archive(path: Path, archive: Path) -> list[Example]:
    """Read hashed passages and look their text up in an archive of Parquet files.

    Parameters
    ----------
    archive : Path
        Folder with the files named in `ARCHIVES`; sets whose file is missing are left out,
        and so is a passage whose place holds another text than the one labelled.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    examples = []
    for name, file in ARCHIVES.items():
        wanted = [row for row in rows if row["set"] == name]
        if not wanted or not (archive / file).is_file():
            continue
        fields = _fields(archive / file)
        for row in wanted:
            part, document, start, end = row["at"]
            stored = fields[part][document] if document < len(fields[part]) else None
            text = " ".join(str(stored)[start:end].split())
            if text_hash(text) == row["hash"]:
                examples.append(_archived(row, text))
    return examples


def select(examples: Iterable[Example], split: Split, *, language: str = "en") -> list[Example]:
    """Return the examples of one split and language."""
    return [e for e in examples if e.split == split and e.language == language]


def split_of(text: str) -> Split:
    """Return the split that a text falls into by its hash."""
    place = int(text_hash(text)[:4], 16) % 100
    return "test" if place < 15 else "dev" if place < 25 else "train"


def _archived(row: Mapping[str, Any], text: str) -> Example:
    labels = _stances(row["labels"])
    return Example(
        id=row["hash"],
        text=text,
        labels=labels,
        split=row["split"],
        pool=row["pool"],
        causal=_causal(row, labels),
        extra={"set": row["set"]},
    )


def _fields(path: Path) -> dict[str, list[Any]]:
    """Return the columns of an archive that hold titles and texts."""
    from pandas import read_parquet

    frame = read_parquet(path)
    return {
        part: next((frame[name].tolist() for name in names if name in frame), [])
        for part, names in (("title", TITLE), ("text", BODY))
    }


def _causal(item: Mapping[str, Any], labels: Mapping[str, Stance]) -> dict[str, bool]:
    """Say for which narratives a causal role is known.

    Older passages carry one verdict for the whole passage. No claim at all settles every
    narrative; a claim settles only the single narrative of a passage that has one.
    """
    if "causal_for" in item:
        claimed = set(item["causal_for"])
        if strange := sorted(claimed - set(labels)):
            raise ValueError(f"causal_for names {strange[0]!r}, which is not among the labels")
        return {key: key in claimed for key in labels}
    verdict = item.get("causal")
    if verdict is None or (verdict and len(labels) != 1):
        return {}
    return {key: bool(verdict) for key in labels}


def _stances(labels: Mapping[str, str]) -> dict[str, Stance]:
    unknown = sorted({stance for stance in labels.values() if stance not in get_args(Stance)})
    if unknown:
        raise ValueError(f"unknown stance {unknown[0]!r}, use favor, against or none")
    return {key: cast(Stance, stance) for key, stance in labels.items()}
