"""End-to-end training of the tagger: low-rank deltas and heads; one function, `fit`.

Multi-task: presence of every narrative, stance and causal role of those present.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nlp.descent import Report, descend, half_precision, padded, shuffled
from nlp.encoder import Encoder
from nlp.errors import TrainingError
from nlp.examples import Example
from nlp.features import keyword_features
from nlp.narratives import Taxonomy
from nlp.network import Heads, add_low_rank, encode, start_low_rank
from nlp.stances import STANCES

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How to train.

    Attributes
    ----------
    head_lr, delta_lr : float
        Peak learning rates of the heads and of the low-rank deltas.
    """

    seed: int = 7
    epochs: int = 4
    batch: int = 24
    rank: int = 32
    head_lr: float = 2e-3
    delta_lr: float = 6e-4
    stance_weight: float = 1.5
    causal_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of a training batch; absent stances and unlabelled causal roles are -100."""

    ids: "torch.Tensor"
    mask: "torch.Tensor"
    keywords: "torch.Tensor"
    presence: "torch.Tensor"
    stance: "torch.Tensor"
    causal: "torch.Tensor"


def fit(
    encoder: Encoder,
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    settings: TrainSettings,
    report: Report = print,
    start: "Mapping[str, torch.Tensor] | None" = None,
) -> Heads:
    """Train heads, and low-rank deltas inside `encoder`, which is changed in place.

    Parameters
    ----------
    start : mapping of tensors or None
        Deltas to start from, as `nlp.network.extract_low_rank` returned them.
    """
    import torch

    torch.manual_seed(settings.seed)
    add_low_rank(encoder.network, settings.rank, alpha=2.0 * settings.rank, dropout=0.1)
    if start is not None:
        start_low_rank(encoder.network, start)
    heads = Heads(encoder.width, len(taxonomy.narratives))
    deltas = [p for p in encoder.network.parameters() if p.requires_grad]
    rarity = _rarity(examples, taxonomy)
    generator = torch.Generator().manual_seed(settings.seed)
    plan = [
        shuffled(examples, settings.batch, lambda example: len(example.text), generator)
        for _ in range(settings.epochs)
    ]

    def loss_of(chosen: Sequence[Example]) -> "torch.Tensor":
        batch = _tensors(chosen, encoder, taxonomy)
        with half_precision():
            states = encode(encoder.network, batch.ids, batch.mask)
        return _loss(heads(states.float(), batch.mask, batch.keywords), batch, rarity, settings)

    groups = [
        {"params": deltas, "lr": settings.delta_lr, "weight_decay": 0.01},
        {"params": list(heads.parameters()), "lr": settings.head_lr, "weight_decay": 0.05},
    ]
    descend((encoder.network, heads), groups, plan, loss_of, report)
    return heads


def _loss(
    out: dict[str, "torch.Tensor"], batch: Batch, rarity: "torch.Tensor", settings: TrainSettings
) -> "torch.Tensor":
    from torch.nn import functional as f

    loss = f.binary_cross_entropy_with_logits(
        out["presence"], batch.presence, pos_weight=rarity, reduction="none"
    )
    total = loss.sum(1).mean()
    if (batch.stance >= 0).any():
        stance = f.cross_entropy(
            out["stance"].transpose(1, 2), batch.stance, ignore_index=-100, label_smoothing=0.1
        )
        total = total + settings.stance_weight * stance
    known = batch.causal >= 0
    if known.any():
        causal = f.binary_cross_entropy_with_logits(out["causal"][known], batch.causal[known])
        total = total + settings.causal_weight * causal
    return total


def _tensors(chosen: Sequence[Example], encoder: Encoder, taxonomy: Taxonomy) -> Batch:
    import torch

    ids = encoder.tokenize([example.text for example in chosen])
    presence = [[float(key in e.labels) for key in taxonomy.ids] for e in chosen]
    stance = [
        [STANCES.index(e.labels[key]) if key in e.labels else -100 for key in taxonomy.ids]
        for e in chosen
    ]
    causal = [[float(e.causal.get(key, -100)) for key in taxonomy.ids] for e in chosen]
    return Batch(
        ids=padded(ids),
        mask=padded([[1] * len(row) for row in ids]),
        keywords=torch.from_numpy(keyword_features([e.text for e in chosen], taxonomy)),
        presence=torch.tensor(presence),
        stance=torch.tensor(stance),
        causal=torch.tensor(causal),
    )


def _rarity(examples: Sequence[Example], taxonomy: Taxonomy) -> "torch.Tensor":
    import torch

    counts = [sum(key in e.labels for e in examples) for key in taxonomy.ids]
    if missing := [k for k, n in zip(taxonomy.ids, counts, strict=True) if n == 0]:
        raise TrainingError(f"no training example carries {missing[0]!r}: add some")
    total = len(examples)
    return torch.tensor([min(3.0, math.sqrt((total - n) / n) / 2 + 0.5) for n in counts])
