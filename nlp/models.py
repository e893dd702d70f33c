"""The one place that loads weights and turns passages into scores.

The default model is the packaged MiniLM with our low-rank delta merged in, in fp32, and
our heads. Scores do not depend on which passages share a batch (to 1e-5), and each text
is scored once per `Models`, however often it occurs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlp.custom import anchors, presence
from nlp.encoder import Encoder, choose_device, load_hugging_face
from nlp.judge import Judge
from nlp.narratives import Taxonomy
from nlp.tuned import NAME, WEIGHTS, Output, Trained, load_trained, mean_vectors, weights_digest
from store.records import Narrative

Floats = NDArray[np.float64]
_DIGITS = 4
_CACHE_ROWS = 200_000  # about 300 bytes a row for twelve narratives


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
    causal : float
        Probability that the passage says or denies what moved a market.
    """

    presence: Floats
    threshold: Floats
    stance: Floats
    causal: float


@dataclass(slots=True)
class Models:
    """Loaded weights, ready to score passages.

    Attributes
    ----------
    model_id : str
        Name and digest of all weights in use; labels are stored under it.
    languages : frozenset of str
        Languages that the model was trained and measured on.
    """

    model_id: str
    languages: frozenset[str]
    trained: Trained
    similar: Encoder | None
    judge: Judge | None
    _references: dict[str, dict[str, Floats]] = field(default_factory=dict)
    _cache: dict[tuple[str, str], Scores] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """Where the weights are: ``cpu`` or ``cuda``."""
        return self.trained.encoder.device

    def score(self, texts: Sequence[str], taxonomy: Taxonomy) -> list[Scores]:
        """Score passages, each different text once."""
        keys = [(taxonomy.version, text) for text in texts]
        new = list(dict.fromkeys(key for key in keys if key not in self._cache))
        if len(self._cache) + len(new) > _CACHE_ROWS:
            self._cache.clear()
            new = list(dict.fromkeys(keys))
        if new:
            fresh = self._score([text for _, text in new], taxonomy)
            self._cache.update(zip(new, fresh, strict=True))
        return [self._cache[key] for key in keys]

    def _score(self, texts: Sequence[str], taxonomy: Taxonomy) -> list[Scores]:
        out = self.trained.run(texts)
        narratives = list(taxonomy)
        shape = (len(texts), len(narratives))
        present, stance = np.zeros(shape), np.zeros((*shape, 3))
        threshold = np.zeros(len(narratives))
        vectors = self._vectors(texts, out, narratives)
        for column, narrative in enumerate(narratives):
            place = self._head(narrative)
            if place is not None:
                present[:, column] = out.presence[:, place]
                threshold[column] = self.trained.calibration.threshold[place]
                stance[:, column] = out.stance[:, place]
                continue
            reference = self._reference(narrative)
            present[:, column], threshold[column] = presence(
                texts, narrative, vectors, reference["similar"], self.trained.curve
            )
            stance[:, column] = self.trained.pair_stance(out.mean, reference["tuned"][0])
        # Neighbours in a batch move the last bits of a float: rounded before any threshold is
        # applied, a label does not depend on them.
        present = present.round(_DIGITS)
        if self.judge is not None:
            self._rejudge(texts, narratives, present >= threshold, stance)
        stance, causal = stance.round(_DIGITS), out.causal.round(_DIGITS)
        return [
            Scores(present[row], threshold, stance[row], float(causal[row]))
            for row in range(len(texts))
        ]

    def _head(self, narrative: Narrative) -> int | None:
        """Return the trained head's place, None where similarity has to do."""
        known = narrative.origin == "default" and narrative.id in self.trained.ids
        return self.trained.ids.index(narrative.id) if known and self.similar is None else None

    def _vectors(
        self, texts: Sequence[str], out: Output, narratives: Sequence[Narrative]
    ) -> Floats:
        if all(self._head(narrative) is not None for narrative in narratives):
            return np.zeros((len(texts), 1))
        return self._similar_space(texts) if self._space() is not None else out.mean

    def _space(self) -> Encoder | None:
        """Return the encoder for similarities, None for the tuned one."""
        if self.similar is None and self.trained.curve.space == "base":
            return self.trained.base()
        return self.similar

    def _similar_space(self, texts: Sequence[str]) -> Floats:
        encoder = self._space()
        return self.trained.run(texts).mean if encoder is None else mean_vectors(encoder, texts)

    def _reference(self, narrative: Narrative) -> dict[str, Floats]:
        texts = anchors(narrative)
        key = "\n".join(texts)
        if key not in self._references:
            self._references[key] = {
                "similar": self._similar_space(texts),
                "tuned": self.trained.run(texts).mean,
            }
        return self._references[key]

    def _rejudge(
        self,
        texts: Sequence[str],
        narratives: Sequence[Narrative],
        present: NDArray[np.bool_],
        stance: Floats,
    ) -> None:
        """Replace stances of present narratives by the configured classifier's."""
        assert self.judge is not None
        rows, columns = np.nonzero(present)
        pairs = [
            (texts[int(r)], narratives[int(c)].proposition)
            for r, c in zip(rows, columns, strict=True)
        ]
        if pairs:
            stance[rows, columns] = self.judge.judge(pairs)


def _weights_folder(settings: ModelSettings) -> Path:
    """Return the folder of the heads: the user's own training, else what is shipped."""
    own = Path(settings.encoder)
    trained = settings.encoder != "default" and (own / "heads.safetensors").is_file()
    return own if trained else WEIGHTS


def _foreign_encoder(settings: ModelSettings) -> bool:
    """Return whether another encoder is to judge custom narratives."""
    return settings.encoder != "default" and _weights_folder(settings) == WEIGHTS


def model_id(settings: ModelSettings) -> str:
    """Return the id that labels carry, without loading anything."""
    names = [f"{NAME}:{weights_digest(_weights_folder(settings))[:8]}"]
    names += [f"encoder={settings.encoder}"] if _foreign_encoder(settings) else []
    names += [f"stance={settings.stance}"] if settings.stance != "default" else []
    return "+".join(names)


@lru_cache(maxsize=2)
def load_models(settings: ModelSettings = ModelSettings()) -> Models:  # frozen
    """Load what the settings name, once per process.

    Raises
    ------
    ModelNotFoundError
        A model is neither installed nor a folder nor to be had, or its weights are damaged.
    """
    device = choose_device()
    folder = _weights_folder(settings)
    similar = None
    if _foreign_encoder(settings):
        similar = load_hugging_face(settings.encoder, device)
    judge = None if settings.stance == "default" else Judge.load(settings.stance, device)
    trained = load_trained(folder, device)
    return Models(
        model_id=model_id(settings),
        # A model of the user's own may know other languages; ours knows English only.
        languages=frozenset({"en"}),
        trained=trained,
        similar=similar,
        judge=judge,
    )
