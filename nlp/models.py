"""The one place that loads weights and turns passages into scores.

English passages go through the packaged MiniLM with our low-rank delta merged in, Chinese ones
through multilingual-e5-small with another; one pass serves all default narratives. A second
model reads English passage and proposition together and judges narratives of the user's own.
Scores do not depend on which passages share a batch, and each text is scored once per `Models`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlp.custom import Custom
from nlp.encoder import Encoder, choose_device, load_hugging_face
from nlp.errors import ModelNotFoundError
from nlp.judge import Judge
from nlp.multilingual import available
from nlp.narratives import Taxonomy
from nlp.pairs import PairModel
from nlp.rates import DIGITS, read_rates
from nlp.tuned import (
    NAME,
    WEIGHTS,
    Tagger,
    load_config,
    load_custom,
    load_pairs,
    load_tagger,
    place_texts,
    weights_digest,
)
from store.records import ErrorCounts, Narrative

Floats = NDArray[np.float64]
_CACHE_ROWS = 50_000  # about 3 KB a row for twelve narratives


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which models to use.

    Attributes
    ----------
    encoder : str
        ``default``; a folder that ``tapestory train`` wrote; or the name or folder of a
        Hugging Face encoder, which scores every narrative by similarity.
    stance : str
        ``default``, or the name or folder of a Hugging Face sequence classifier over pairs
        (passage, proposition), with stances or NLI classes as its labels.
    """

    encoder: str = "default"
    stance: str = "default"


@dataclass(frozen=True, slots=True)
class Scores:
    """What the models say about one passage, in the order of the taxonomy.

    Attributes
    ----------
    presence, threshold : ndarray of shape (n_narratives,)
        Calibrated probabilities, and from where on a narrative counts as present.
    stance : ndarray of shape (n_narratives, 3)
        Probabilities of favor, against, none.
    causal : ndarray of shape (n_narratives,)
        Probability that the passage says, or denies, that the narrative moved a market.
    vector : ndarray of float16, shape (width of the space,), or None
        Where the passage lies; None where its encoder had nothing to find here.
    """

    presence: Floats
    threshold: Floats
    stance: Floats
    causal: Floats
    vector: NDArray[np.float16] | None = None


@dataclass
class Models:
    """Weights, loaded as they are needed, ready to score passages.

    Attributes
    ----------
    model_id : str
        Name and digest of all weights in use; labels are stored under it.
    languages : frozenset of str
        Languages that the models were trained and measured on.
    similar : Encoder or None
        A user's encoder, which replaces the trained heads.
    judge : Judge or None
        A user's stance classifier.
    rates : sequence of ErrorCounts
        How often presence is wrong, as far as it was counted for these weights.
    """

    model_id: str
    languages: frozenset[str]
    folder: Path
    device: str = "cpu"
    similar: Encoder | None = None
    judge: Judge | None = None
    rates: Sequence[ErrorCounts] = ()
    _cache: dict[tuple[str, str, str], Scores] = field(default_factory=dict)

    def check(self) -> None:
        """Load everything that labelling may need.

        Raises
        ------
        ModelNotFoundError
            Something is missing or damaged.
        """
        _ = self.english, self.pairs, self.custom
        if "zh" in self.languages:
            _ = self.multilingual

    @cached_property
    def english(self) -> Tagger:
        """The tagger of English passages."""
        return load_tagger(self.folder, "english", self.device)

    @cached_property
    def multilingual(self) -> Tagger:
        """The tagger of the other covered languages."""
        return load_tagger(self.folder, "multilingual", self.device)

    @cached_property
    def pairs(self) -> PairModel:
        """The model that reads passage and proposition together."""
        return load_pairs(self.folder, self.device)

    @cached_property
    def custom(self) -> Custom:
        """Presence of narratives that have no trained head."""
        return load_custom(self.folder, self.pairs, self.device, self.similar)

    def score(self, texts: Sequence[str], taxonomy: Taxonomy, language: str = "en") -> list[Scores]:
        """Score passages of one language, each different text once."""
        keys = [(taxonomy.version, language, text) for text in texts]
        new = list(dict.fromkeys(key for key in keys if key not in self._cache))
        if len(self._cache) + len(new) > _CACHE_ROWS:
            self._cache.clear()
            new = list(dict.fromkeys(keys))
        if new:
            fresh = self._score([text for *_, text in new], taxonomy, language)
            self._cache.update(zip(new, fresh, strict=True))
        return [self._cache[key] for key in keys]

    def place(self, texts: Sequence[str], language: str = "en") -> list[NDArray[np.float16]]:
        """Return the vectors of `Scores`, for passages that were scored without one."""
        if self.similar is not None:
            return list(place_texts(self.similar, texts).astype(np.float16))
        tagger = self.english if language == "en" else self.multilingual
        return list(place_texts(tagger.encoder, texts, tagger.words).astype(np.float16))

    def score_given(
        self,
        texts: Sequence[str],
        taxonomy: Taxonomy,
        present: NDArray[np.bool_],
        language: str = "en",
    ) -> list[Scores]:
        """Score passages whose narratives are known, so that each of these gets a stance.

        Parameters
        ----------
        present : ndarray of shape (n_texts, n_narratives)
            For evaluation: a stance is wanted also where the narrative would be missed.
        """
        return self._score(texts, taxonomy, language, present)

    def _score(
        self,
        texts: Sequence[str],
        taxonomy: Taxonomy,
        language: str,
        given: NDArray[np.bool_] | None = None,
    ) -> list[Scores]:
        tagger = self.english if language == "en" else self.multilingual
        narratives = list(taxonomy)
        shape = (len(texts), len(narratives))
        present, stance, causal = np.zeros(shape), np.zeros((*shape, 3)), np.zeros(shape)
        threshold = np.ones(len(narratives))
        heads = [self._head(narrative, tagger) for narrative in narratives]
        vectors: Sequence[NDArray[np.float16] | None] = [None] * len(texts)
        if any(place is not None for place in heads):
            out = tagger.run(texts)
            vectors = list(out.vectors.astype(np.float16))
            for column, place in enumerate(heads):
                if place is not None:
                    present[:, column] = out.presence[:, place]
                    threshold[column] = tagger.calibration.threshold[place]
                    stance[:, column] = out.stance[:, place]
                    causal[:, column] = out.causal[:, place]
        if language == "en":
            own = [column for column, place in enumerate(heads) if place is None]
            if own:
                chosen = [narratives[column] for column in own]
                present[:, own], threshold[own] = self.custom.presence(texts, chosen)
        # Neighbours in a batch move the last bits of a float: rounded before any threshold is
        # applied, a label does not depend on them.
        present = present.round(DIGITS)
        if language == "en":
            found = present >= threshold if given is None else given | (present >= threshold)
            headless = np.array([place is None for place in heads])
            self._judge_pairs(texts, narratives, found, headless, stance, causal)
        stance, causal = stance.round(DIGITS), causal.round(DIGITS)
        return [
            Scores(present[row], threshold, stance[row], causal[row], vectors[row])
            for row in range(len(texts))
        ]

    def _head(self, narrative: Narrative, tagger: Tagger) -> int | None:
        """Return the trained head's place, None where the narrative has none."""
        known = narrative.origin == "default" and narrative.id in tagger.ids
        return tagger.ids.index(narrative.id) if known and self.similar is None else None

    def _judge_pairs(
        self,
        texts: Sequence[str],
        narratives: Sequence[Narrative],
        present: NDArray[np.bool_],
        headless: NDArray[np.bool_],
        stance: Floats,
        causal: Floats,
    ) -> None:
        """Ask the pair model about narratives without a head, the user's model about all."""
        rows, columns = np.nonzero(present & headless)
        if rows.size:
            verdicts = self.pairs.judge(_pairs(texts, narratives, rows, columns))
            stance[rows, columns], causal[rows, columns] = verdicts.stance, verdicts.causal
        if self.judge is not None and present.any():
            rows, columns = np.nonzero(present)
            stance[rows, columns] = self.judge.judge(_pairs(texts, narratives, rows, columns))


def _pairs(
    texts: Sequence[str],
    narratives: Sequence[Narrative],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> list[tuple[str, str]]:
    return [
        (texts[int(row)], narratives[int(column)].proposition)
        for row, column in zip(rows, columns, strict=True)
    ]


def _weights_folder(settings: ModelSettings) -> Path:
    """Return the folder of the heads: the user's own training, else what is shipped."""
    own = Path(settings.encoder)
    trained = (own / "config.json").is_file() and (own / "english.safetensors").is_file()
    return own if trained else WEIGHTS


def _foreign_encoder(settings: ModelSettings) -> bool:
    """Return whether an encoder without heads of ours is to judge by similarity."""
    return settings.encoder != "default" and _weights_folder(settings) == WEIGHTS


def languages(settings: ModelSettings) -> frozenset[str]:
    """Return what the settings can label, without loading anything."""
    trained = "multilingual" in load_config(_weights_folder(settings)).calibrations
    chinese = trained and available() and not _foreign_encoder(settings)
    return frozenset({"en", "zh"} if chinese else {"en"})


def model_id(settings: ModelSettings) -> str:
    """Return the id that labels carry, without loading anything."""
    names = [f"{NAME}:{weights_digest(_weights_folder(settings))[:8]}"]
    names += [f"encoder={settings.encoder}"] if _foreign_encoder(settings) else []
    names += [f"stance={settings.stance}"] if settings.stance != "default" else []
    return "+".join(names)


def error_rates(settings: ModelSettings) -> list[ErrorCounts]:
    """Return how often presence is wrong, without loading anything; empty where unknown."""
    return [] if _foreign_encoder(settings) else read_rates(_weights_folder(settings))


@lru_cache(maxsize=2)
def load_models(settings: ModelSettings = ModelSettings()) -> Models:  # frozen
    """Prepare what the settings name, once per process; our own weights load when first used.

    Raises
    ------
    ModelNotFoundError
        A model is neither installed nor a folder nor to be had, or its weights are damaged.
    """
    device = choose_device()
    folder = _weights_folder(settings)
    parts = ("english", "pairs")
    if missing := [part for part in parts if not (folder / f"{part}.safetensors").is_file()]:
        raise ModelNotFoundError(
            f"the weights in {str(folder)!r} lack {missing[0]!r}: reinstall, or write it with "
            f"tapestory train --part {missing[0]}",
            model=str(folder),
        )
    similar = load_hugging_face(settings.encoder, device) if _foreign_encoder(settings) else None
    judge = None if settings.stance == "default" else Judge.load(settings.stance, device)
    return Models(
        model_id=model_id(settings),
        languages=languages(settings),
        folder=folder,
        device=device,
        similar=similar,
        judge=judge,
        rates=error_rates(settings),
    )
