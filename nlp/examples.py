"""Labelled examples for training and evaluation, read from JSON lines.

Two kinds of files. Passages are our own text and are stored whole:
``{"text", "labels", "causal"}``. Headlines belong to their publishers, so only a hash of
the text is kept with its labels: ``{"hash", "set", "pool", "labels", "split"}``; the text
is looked up in the archive it came from, where the archive is at hand, and the example is
left out where it is not. In every set the text is the title alone.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from nlp.errors import TrainingError
from store.records import Stance

Split = Literal["train", "dev", "test"]
TITLES: Mapping[str, str] = {
    "headlines": "headlines.parquet",
    "reuters21578": "reuters21578.parquet",
    "crypto_2021_2022": "crypto_2021_2022.parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled passage.

    Attributes
    ----------
    labels : mapping of narrative id to stance
        The narratives present; empty means none is.
    causal : bool or None
        The passage says or denies that a narrative moved a market; None: not labelled.
    pool : str
        How the example was found: ``own`` (written for this project), ``sample`` (drawn
        at random), ``mined`` (sought by keyword), ``hard`` (a suspicious prediction).
    """

    id: str
    text: str
    labels: Mapping[str, Stance]
    split: Split = "train"
    pool: str = "own"
    causal: bool | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


def text_hash(text: str) -> str:
    """Return 16 hex digits of blake2b over NFKC, case-folded, single-spaced text."""
    normal = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.blake2b(normal.encode(), digest_size=8).hexdigest()


def read_examples(path: Path) -> list[Example]:
    """Read own passages, or an evaluation file, from JSON lines.

    About 15 % are set aside for testing and 10 % for choosing thresholds, by hash of the
    text, so that a passage never changes sides when others are added.

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
                split=_split(text),
                causal=item.get("causal"),
            )
        )
    return examples


def read_headlines(path: Path, archive: Path) -> list[Example]:
    """Read hashed headlines and look their text up in an archive of Parquet files.

    Parameters
    ----------
    archive : Path
        Folder with the files named in `TITLES`; sets whose file is missing are left out.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts: dict[tuple[str, str], str] = {}
    for name, file in TITLES.items():
        if (archive / file).is_file():
            texts |= {(name, text_hash(title)): title for title in _titles(archive / file)}
    return [
        Example(
            id=row["hash"],
            text=texts[row["set"], row["hash"]],
            labels=_stances(row["labels"]),
            split=row["split"],
            pool=row["pool"],
            extra={"set": row["set"]},
        )
        for row in rows
        if (row["set"], row["hash"]) in texts
    ]


def select(examples: Iterable[Example], split: Split, pools: Sequence[str] = ()) -> list[Example]:
    """Return the examples of one split, of some pools only when pools are given."""
    return [e for e in examples if e.split == split and (not pools or e.pool in pools)]


def _titles(path: Path) -> list[str]:
    from pandas import read_parquet

    titles = read_parquet(path, columns=["title"])["title"].dropna()
    return [title.strip() for title in titles.unique() if title.strip()]


def _split(text: str) -> Split:
    place = int(text_hash(text)[:4], 16) % 100
    return "test" if place < 15 else "dev" if place < 25 else "train"


def _stances(labels: Mapping[str, str]) -> dict[str, Stance]:
    unknown = sorted({stance for stance in labels.values() if stance not in get_args(Stance)})
    if unknown:
        raise ValueError(f"unknown stance {unknown[0]!r}, use favor, against or none")
    return {key: cast(Stance, stance) for key, stance in labels.items()}
