"""The tuned encoder with its heads: loaded from a weights folder, applied to texts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import Calibration, sigmoid, softmax
from nlp.custom import Curve
from nlp.encoder import Encoder, load_default
from nlp.errors import ModelNotFoundError
from nlp.features import keyword_features
from nlp.narratives import Taxonomy

Floats = NDArray[np.float64]
WEIGHTS = Path(__file__).with_name("weights")
NAME = "minilm-tapestory-1"


@dataclass(frozen=True, slots=True)
class Output:
    """Calibrated output of the trained heads, in the order of the weights' ids."""

    presence: Floats
    stance: Floats
    causal: Floats
    mean: Floats


@dataclass(slots=True)
class Trained:
    """The tuned encoder with its heads, as `nlp.train` wrote them.

    Attributes
    ----------
    ids : list of str
        Narratives in the order of the heads.
    """

    encoder: Encoder
    heads: Any
    pair: Any
    ids: list[str]
    taxonomy: Taxonomy
    calibration: Calibration
    curve: Curve
    _base: Encoder | None = None

    def run(self, texts: Sequence[str]) -> Output:
        """Encode passages and apply every head."""
        import torch

        from nlp.network import encode

        features = torch.from_numpy(keyword_features(texts, self.taxonomy)).to(self.encoder.device)
        count, width = len(texts), self.encoder.width
        presence_, stance = np.zeros((count, len(self.ids))), np.zeros((count, len(self.ids), 3))
        causal, mean = np.zeros(count), np.zeros((count, width))
        with torch.inference_mode():
            for places, ids, mask in self.encoder.batches(texts):
                states = encode(self.encoder.network, ids, mask)
                out = self.heads(states, mask, features[places])
                presence_[places] = out["presence"].double().cpu().numpy()
                stance[places] = out["stance"].double().cpu().numpy()
                causal[places] = out["causal"].double().cpu().numpy()
                mean[places] = out["mean"].double().cpu().numpy()
        fit = self.calibration
        return Output(
            presence=sigmoid(fit.scale * presence_ + fit.offset),
            stance=softmax(stance / fit.temperature),
            causal=sigmoid(fit.causal_scale * causal + fit.causal_offset),
            mean=mean,
        )

    def pair_stance(self, passages: Floats, proposition: Floats) -> Floats:
        """Return stances of shape (n, 3) on any proposition."""
        import torch

        with torch.inference_mode():
            left = torch.from_numpy(passages).float().to(self.encoder.device)
            right = torch.from_numpy(proposition).float().to(self.encoder.device)
            logits = self.pair(left, right.expand_as(left))
        return softmax(logits.double().cpu().numpy())

    def base(self) -> Encoder:
        """Return the encoder without our delta, loaded at the first call."""
        if self._base is None:
            self._base = load_default(self.encoder.device)
        return self._base


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


def load_trained(folder: Path, device: str = "cpu") -> Trained:
    """Load the delta and the heads of a weights folder onto the default encoder."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from nlp.network import Heads, Pair, merge_low_rank
    from nlp.weights_config import read_config

    try:
        delta = load_file(folder / "adapter.safetensors")
        tensors = load_file(folder / "heads.safetensors")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        ids, taxonomy, calibration, curve = read_config(config)
        encoder = load_default("cpu")
        merge_low_rank(encoder.network, delta)
        heads, pair = Heads(encoder.width, len(ids)), Pair(encoder.width)
        for name, module in (("heads.", heads), ("pair.", pair)):
            own = {
                k.removeprefix(name): v.float() for k, v in tensors.items() if k.startswith(name)
            }
            module.load_state_dict(own)
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ModelNotFoundError(
            f"the weights in {str(folder)!r} are missing or damaged ({type(error).__name__}): "
            "reinstall, or write them with tapestory train",
            model=str(folder),
        ) from error
    encoder.network.to(device)
    return Trained(
        Encoder(encoder.name, encoder.network, encoder.tokenize, encoder.width, device),
        heads.eval().to(device),
        pair.eval().to(device),
        ids,
        taxonomy,
        calibration,
        curve,
    )


def weights_digest(folder: Path = WEIGHTS) -> str:
    """Return 16 hex digits over the files of a weights folder."""
    digest = hashlib.blake2b(digest_size=8)
    for name in ("adapter.safetensors", "heads.safetensors", "config.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
