"""Reuters-21578 topics as custom narratives, from propositions alone.

How well can the shipped models find a subject without an example of it? Stories of the
ModApte test split of which no passage was labelled are ranked for eight topics; the yardstick
is the cosine of the untouched encoder between story and proposition. Interest rates, the dollar
and trade lie near default narratives; gold, crude oil, reserves and the money supply do not.

References
----------
Lewis (1997), Reuters-21578 text categorization test collection.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.encoder import load_default
from nlp.metrics import average_precision
from nlp.models import Models
from nlp.tuned import mean_vectors
from store.records import Narrative

PROPOSITIONS = {
    "dlr": "The dollar's exchange rate is rising or falling.",
    "money-fx": "Currencies are moving and central banks intervene in foreign exchange markets.",
    "interest": "Interest rates are being raised or cut.",
    "gold": "Gold prices and gold mining are changing.",
    "crude": "Crude oil prices and production are changing.",
    "trade": "Trade between countries is in surplus or deficit, or in dispute.",
    "reserves": "A country's foreign exchange and gold reserves are rising or falling.",
    "money-supply": "The money supply is growing or shrinking.",
}
LABELLED = Path(__file__).with_name("training") / "archive.jsonl"
OTHERS = 1500  # stories on none of the topics, drawn at random
LEAD = 450  # characters of the body beside the title: one passage


def measure_reuters(archive: Path, models: Models, others: int = OTHERS) -> dict[str, Any]:
    """Rank stories for each topic.

    Parameters
    ----------
    archive : Path
        Folder with ``reuters21578.parquet``.
    others : int
        Stories on none of the topics.

    Returns
    -------
    dict
        ``stories``; ``average_precision`` and ``cosine`` (of the untouched encoder) by
        topic and as ``macro``.
    """
    texts, truth = _stories(archive / "reuters21578.parquet", others)
    narratives = [
        Narrative(id=key, name=key, proposition=proposition)
        for key, proposition in PROPOSITIONS.items()
    ]
    said, _ = models.custom.presence(texts, narratives)
    base = load_default(models.device)
    stories, stated = (
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for vectors in (mean_vectors(base, texts), mean_vectors(base, list(PROPOSITIONS.values())))
    )
    cosine = stories @ stated.T
    return {
        "stories": len(texts),
        "average_precision": _by_topic(truth, said),
        "cosine": _by_topic(truth, cosine),
    }


def _stories(path: Path, others: int) -> tuple[list[str], NDArray[np.bool_]]:
    import pandas

    frame = pandas.read_parquet(path, columns=["lewissplit", "topics", "title", "body"])
    long = frame["body"].fillna("").str.len() > 60
    rows = map(json.loads, LABELLED.read_text(encoding="utf-8").splitlines())
    labelled = {row["at"][1] for row in rows if row["set"] == "reuters21578"}
    fresh = ~pandas.Series(frame.index.isin(labelled), index=frame.index)
    frame = frame[(frame["lewissplit"] == "TEST") & long & fresh]
    truth = np.array([[key in set(topics) for key in PROPOSITIONS] for topics in frame["topics"]])
    rest = np.flatnonzero(~truth.any(axis=1))
    drawn = np.random.default_rng(1).choice(rest, min(others, len(rest)), replace=False)
    chosen = np.sort(np.concatenate([np.flatnonzero(truth.any(axis=1)), drawn]))
    lead = frame["title"].fillna("") + ". " + frame["body"].str[:LEAD]
    return [" ".join(lead.iloc[row].split()) for row in chosen], truth[chosen]


def _by_topic(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, float]:
    found = {
        key: round(average_precision(truth[:, k], score[:, k]), 4)
        for k, key in enumerate(PROPOSITIONS)
    }
    return found | {"macro": round(float(np.mean(list(found.values()))), 4)}
