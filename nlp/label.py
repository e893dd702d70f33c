"""Passages to labels, and labels of passages to those of a whole text.

Document level, as the contract has it: a narrative's probability is its highest over the
passages; its stance the probability-weighted majority, where a passage weighs presence
times stance probability, three times as much when it is a causal claim: there the author
says what moved the market and what did not, while the other passages may only describe the
story that is then denied. The quote is the passage that says it best.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from nlp.models import Models, ModelSettings, Scores, load_models
from nlp.narratives import Taxonomy
from nlp.stances import STANCES
from nlp.text import Span, detect_language, split_passages
from store.records import CAUSAL_WEIGHT, Narrative, Stance

CHUNK = 64  # items that are encoded together by label_items
# Probability from which a label is a causal claim: the passage says, or denies, that this
# narrative moved prices ("stocks fell on tariff fears", "it was not the tariffs").
CAUSAL_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A narrative judged present in one passage."""

    narrative_id: str
    probability: float
    stance: Stance
    stances: tuple[float, float, float]
    causal: bool

    @property
    def stance_probability(self) -> float:
        """Probability of the stance given."""
        return self.stances[STANCES.index(self.stance)]


def findings(scores: Scores, narratives: Sequence[Narrative], language: str) -> list[Finding]:
    """Return the narratives present in a passage, in the order of the taxonomy."""
    found = []
    for place, narrative in enumerate(narratives):
        probability = float(scores.presence[place])
        covered = language in narrative.languages
        if not covered or probability < scores.threshold[place]:
            continue
        favor, against, none = (float(value) for value in scores.stance[place])
        stances = (favor, against, none)
        found.append(
            Finding(
                narrative_id=narrative.id,
                probability=probability,
                stance=STANCES[stances.index(max(stances))],
                stances=stances,
                causal=float(scores.causal[place]) >= CAUSAL_THRESHOLD,
            )
        )
    return found


def summarise(passages: Iterable[tuple[str, Sequence[Finding]]]) -> list[dict[str, Any]]:
    """Fold the findings of a text's passages into one label per narrative.

    Parameters
    ----------
    passages : iterable of (str, sequence of Finding)
        Text and findings of each passage, in order.

    Returns
    -------
    list of dict
        ``narrative, probability, stance, stance_probability, quote``, most probable first.
    """
    grouped: dict[str, list[tuple[str, Finding]]] = {}
    for text, found in passages:
        for finding in found:
            grouped.setdefault(finding.narrative_id, []).append((text, finding))
    labels = [_fold(narrative, group) for narrative, group in grouped.items()]
    return sorted(labels, key=lambda label: -float(label["probability"]))


def label_items(
    items: Iterable[Mapping[str, Any]], taxonomy: Taxonomy, models: Models | ModelSettings
) -> Iterator[dict[str, Any]]:
    """Label texts that need no database.

    Parameters
    ----------
    items : iterable of mapping
        ``id``, ``text`` and optionally ``title``, ``lang``; one with ``error`` (it could not
        be read) is passed on.

    Yields
    ------
    dict
        ``{"id", "labels": [...]}`` in the order of the items, or ``{"id", "error"}``.
    """
    loaded = load_models(models) if isinstance(models, ModelSettings) else models
    chunk: list[Mapping[str, Any]] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield from _label_chunk(chunk, taxonomy, loaded)
            chunk = []
    yield from _label_chunk(chunk, taxonomy, loaded)


def score_by_language(
    models: Models, taxonomy: Taxonomy, documents: Sequence[tuple[str, Sequence[str]]]
) -> list[list[Scores]]:
    """Score the passages of documents, those of one language together.

    Parameters
    ----------
    documents : sequence of (language, passages)

    Returns
    -------
    list of list of Scores
        One list a document, one item a passage.
    """
    found: dict[int, list[Scores]] = {place: [] for place in range(len(documents))}
    for language in sorted({language for language, passages in documents if passages}):
        places = [place for place, document in enumerate(documents) if document[0] == language]
        texts = [text for place in places for text in documents[place][1]]
        scores = iter(models.score(texts, taxonomy, language))
        for place in places:
            found[place] = list(islice(scores, len(documents[place][1])))
    return [found[place] for place in range(len(documents))]


def _label_chunk(
    chunk: Sequence[Mapping[str, Any]], taxonomy: Taxonomy, models: Models
) -> Iterator[dict[str, Any]]:
    narratives = list(taxonomy)
    prepared = [_prepare(item, models) for item in chunk]
    scores = score_by_language(
        models,
        taxonomy,
        [(language, [s.text for s in spans]) for _, spans, language, _ in prepared],
    )
    for (key, spans, language, error), found in zip(prepared, scores, strict=True):
        if error is not None:
            yield {"id": key, "error": error}
            continue
        rows = [
            (span.text, findings(score, narratives, language))
            for span, score in zip(spans, found, strict=True)
        ]
        yield {"id": key, "labels": summarise(rows)}


def _prepare(item: Mapping[str, Any], models: Models) -> tuple[Any, list[Span], str, str | None]:
    key = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping):
        return key, [], "", 'not an object: write {"id", "text"}'
    if item.get("error"):
        return key, [], "", str(item["error"])
    title, text = item.get("title") or "", item.get("text") or ""
    if not isinstance(title, str) or not isinstance(text, str):
        return key, [], "", "text and title must be strings"
    if not (title.strip() or text.strip()):
        return key, [], "", "no text: give a text or a title"
    stated = item.get("lang")
    language = detect_language(f"{title}\n{text}", stated if isinstance(stated, str) else None)
    if language not in models.languages:
        return key, [], language, f"language {language!r} is not covered by this model"
    return key, split_passages(title, text, language)[0], language, None


def _fold(narrative: str, group: Sequence[tuple[str, Finding]]) -> dict[str, Any]:
    totals = [0.0, 0.0, 0.0]
    for _, finding in group:
        weight = finding.probability * (CAUSAL_WEIGHT if finding.causal else 1.0)
        totals[STANCES.index(finding.stance)] += weight * finding.stance_probability
    stance = STANCES[totals.index(max(totals))]
    quote, _ = max(group, key=lambda pair: _fitness(pair[1], stance))
    return {
        "narrative": narrative,
        "probability": round(max(finding.probability for _, finding in group), 4),
        "stance": stance,
        "stance_probability": round(totals[STANCES.index(stance)] / sum(totals), 4),
        "quote": quote,
    }


def _fitness(finding: Finding, stance: Stance) -> float:
    weight = CAUSAL_WEIGHT if finding.causal else 1.0
    return finding.probability * finding.stances[STANCES.index(stance)] * weight
