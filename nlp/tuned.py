"""A tuned encoder with its heads: loaded from a weights folder, applied to texts."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import Calibration, sigmoid, softmax
from nlp.custom import Custom
from nlp.encoder import Encoder, load_default
from nlp.errors import ModelNotFoundError
from nlp.features import keyword_features
from nlp.multilingual import load_multilingual
from nlp.narratives import Taxonomy
from nlp.pairs import PairModel
from nlp.space import Vectors, Words, place
from nlp.weights_config import WeightsConfig, read_config

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
WEIGHTS = Path(__file__).with_name("weights")
NAME = "tapestory-2"
# Which encoder each file's delta belongs to.
PARTS: dict[str, Callable[[], Encoder]] = {
    "english": load_default,
    "pairs": load_default,
    "multilingual": load_multilingual,
}


@dataclass(frozen=True, slots=True)
class Output:
    """Calibrated output of the trained heads, in the order of the weights' ids.

    Attributes
    ----------
    presence, causal : ndarray of shape (n, n_narratives)
    stance : ndarray of shape (n, n_narratives, 3)
    vectors : ndarray of shape (n, width of the space)
        Of length one, by `nlp.space.place`.
    """

    presence: Floats
    stance: Floats
    causal: Floats
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Tagger:
    """A tuned encoder with its heads, as `nlp.train` wrote them.

    Attributes
    ----------
    ids : list of str
        Narratives in the order of the heads.
    taxonomy : Taxonomy
        The keyword lists that the heads were trained with.
    words : Words or None
        Rare words, where those of the encoder's language were counted.
    """

    encoder: Encoder
    heads: Any
    ids: list[str]
    taxonomy: Taxonomy
    calibration: Calibration
    words: Words | None = None

    def run(self, texts: Sequence[str]) -> Output:
        """Encode passages once and apply every head."""
        raw = raw_output(self.encoder, self.heads, texts, self.taxonomy, self.words)
        fit = self.calibration
        return replace(
            raw,
            presence=sigmoid(fit.scale * raw.presence + fit.offset),
            stance=softmax(raw.stance / fit.temperature),
            causal=sigmoid(fit.causal_scale * raw.causal + fit.causal_offset),
        )


def raw_output(
    encoder: Encoder,
    heads: Any,
    texts: Sequence[str],
    taxonomy: Taxonomy,
    words: Words | None = None,
) -> Output:
    """Return logits in place of probabilities."""
    import torch

    from nlp.network import encode

    features = torch.from_numpy(keyword_features(texts, taxonomy)).to(encoder.device)
    count, narratives = len(texts), len(taxonomy.narratives)
    presence, stance = np.zeros((count, narratives)), np.zeros((count, narratives, 3))
    causal = np.zeros((count, narratives))
    vectors = np.zeros((count, encoder.width * (1 if words is None else 2)), dtype=np.float32)
    with torch.inference_mode():
        for places, ids, mask in encoder.batches(texts):
            states = encode(encoder.network, ids, mask)
            vectors[places] = place(states, ids, mask, words)
            out = heads(states, mask, features[places])
            presence[places] = out["presence"].double().cpu().numpy()
            stance[places] = out["stance"].double().cpu().numpy()
            causal[places] = out["causal"].double().cpu().numpy()
    return Output(presence, stance, causal, vectors)


def place_texts(encoder: Encoder, texts: Sequence[str], words: Words | None = None) -> Vectors:
    """Return the vectors of `raw_output` alone."""
    import torch

    from nlp.network import encode

    vectors = np.zeros((len(texts), encoder.width * (1 if words is None else 2)), dtype=np.float32)
    with torch.inference_mode():
        for places, ids, mask in encoder.batches(texts):
            vectors[places] = place(encode(encoder.network, ids, mask), ids, mask, words)
    return vectors


def mean_vectors(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """Return mean-pooled token states of shape (n, width)."""
    import torch

    from nlp.network import encode

    vectors = np.zeros((len(texts), encoder.width))
    with torch.inference_mode():
        for places, ids, mask in encoder.batches(texts):
            states = encode(encoder.network, ids, mask)
            weight = mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weight).sum(1) / weight.sum(1)
            vectors[places] = mean.double().cpu().numpy()
    return vectors


def load_config(folder: Path) -> WeightsConfig:
    """Read what the heads of a weights folder mean.

    Raises
    ------
    ModelNotFoundError
        The folder holds no weights, or those of another version.
    """
    try:
        return read_config(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, error) from error


def load_tagger(folder: Path, part: str, device: str = "cpu") -> Tagger:
    """Load ``english`` or ``multilingual``: encoder, delta, heads and calibration.

    Raises
    ------
    ModelNotFoundError
        The encoder's package or the weights are missing or damaged.
    """
    from nlp.network import Heads

    config = load_config(folder)
    if part not in config.calibrations:
        raise _damaged(folder, KeyError(part))
    encoder, tensors = _load_part(folder, part, device)
    heads = Heads(encoder.width, len(config.ids))
    _fill(heads, tensors, folder)
    return Tagger(
        encoder,
        heads.eval().to(device),
        config.ids,
        config.taxonomy,
        config.calibrations[part],
        _words(folder, encoder) if part == "english" else None,
    )


def load_pairs(folder: Path, device: str = "cpu") -> PairModel:
    """Load the model that reads a passage and a proposition together."""
    from nlp.network import PairHead

    config = load_config(folder)
    encoder, tensors = _load_part(folder, "pairs", device)
    head = PairHead(encoder.width)
    _fill(head, tensors, folder)
    return PairModel(encoder, head.eval().to(device), config.pair_temperature)


def load_custom(
    folder: Path, pairs: PairModel, device: str = "cpu", encoder: Encoder | None = None
) -> Custom:
    """Load what finds narratives without heads.

    Parameters
    ----------
    encoder : Encoder or None
        A user's own; the untouched default one where None.

    Raises
    ------
    ModelNotFoundError
        The folder holds no curve: ``tapestory train --part custom`` fits it.
    """
    curve = load_config(folder).curve
    if curve is None:
        raise ModelNotFoundError(
            f"the weights in {str(folder)!r} cannot judge narratives of your own yet: "
            "run tapestory train --part custom",
            model=str(folder),
        )
    if encoder is not None:
        return Custom(encoder, pairs, curve)
    return Custom(load_default(device), pairs, curve, _rarity(folder))


def weights_digest(folder: Path = WEIGHTS) -> str:
    """Return 16 hex digits over the files of a weights folder."""
    digest = hashlib.blake2b(digest_size=8)
    for name in ("config.json", "custom.safetensors", *(f"{part}.safetensors" for part in PARTS)):
        path = folder / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def _load_part(folder: Path, part: str, device: str) -> "tuple[Encoder, dict[str, torch.Tensor]]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from nlp.network import merge_low_rank, recenter

    try:
        tensors = load_file(folder / f"{part}.safetensors")
    except (OSError, SafetensorError) as error:
        raise _damaged(folder, error) from error
    encoder = PARTS[part]()
    delta = {k.removeprefix("delta."): v for k, v in tensors.items() if k.startswith("delta.")}
    try:
        merge_low_rank(encoder.network, delta)
        if "center" in tensors:
            recenter(encoder.network, tensors["center"].float(), tensors["spread"].float())
    except (KeyError, RuntimeError) as error:
        raise _damaged(folder, error) from error
    encoder.network.to(device)
    return replace(encoder, device=device), tensors


def _rarity(folder: Path) -> NDArray[np.float32]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found: NDArray[np.float16] = load_file(folder / "custom.safetensors")["rarity"]
    except (OSError, SafetensorError, KeyError) as error:
        raise _damaged(folder, error) from error
    return found.astype(np.float32)


def _words(folder: Path, encoder: Encoder) -> Words | None:
    """Return the words of the English encoder; None where the part that counts them is missing."""
    if not (folder / "custom.safetensors").is_file():
        return None
    return Words.of(encoder.network, _rarity(folder))


def _fill(module: Any, tensors: "dict[str, torch.Tensor]", folder: Path) -> None:
    own = {k.removeprefix("head."): v.float() for k, v in tensors.items() if k.startswith("head.")}
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"the weights in {str(folder)!r} are missing or damaged ({type(error).__name__}): "
        "reinstall, or write them with tapestory train",
        model=str(folder),
    )
