"""Train the pair model: public pairs first, then our own labels in many wordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nlp.descent import Report, descend, half_precision, padded, shuffled
from nlp.encoder import Encoder
from nlp.network import PairHead, add_low_rank, start_low_rank
from nlp.pairs import encode_pairs
from nlp.stances import STANCES
from nlp.statements import Statement

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """How to train the pair model.

    Attributes
    ----------
    public : int
        Public pairs that are seen, once each, in the first stage.
    public_lr, lr : float
        Peak learning rates of the two stages.
    """

    seed: int = 7
    epochs: int = 2
    batch: int = 32
    rank: int = 32
    public: int = 58_500
    public_lr: float = 8e-4
    lr: float = 5e-4
    relevance_weight: float = 0.5
    causal_weight: float = 0.3


def fit_pairs(
    encoder: Encoder,
    epochs: Sequence[Sequence[Statement]],
    settings: PairSettings,
    rate: float,
    start: "tuple[Mapping[str, torch.Tensor], PairHead] | None" = None,
    report: Report = print,
) -> PairHead:
    """Train a head, and low-rank deltas inside `encoder`, which is changed in place.

    Parameters
    ----------
    epochs : sequence of sequences of Statement
        What each epoch sees.
    rate : float
        Peak learning rate.
    start : pair or None
        Deltas and head of an earlier stage, to go on from.
    """
    import torch

    torch.manual_seed(settings.seed)
    add_low_rank(encoder.network, settings.rank, alpha=2.0 * settings.rank, dropout=0.05)
    head = PairHead(encoder.width)
    if start is not None:
        start_low_rank(encoder.network, start[0])
        head = start[1]
    generator = torch.Generator().manual_seed(settings.seed)
    plan = [
        shuffled(drawn, settings.batch, lambda s: len(s.text) + len(s.proposition), generator)
        for drawn in epochs
    ]

    def loss_of(chosen: Sequence[Statement]) -> "torch.Tensor":
        ids, mask, types = _tensors(chosen, encoder)
        with half_precision():
            states = encode_pairs(encoder, ids, mask, types)
        return _loss(head(states.float(), mask, types), chosen, settings)

    deltas = [p for p in encoder.network.parameters() if p.requires_grad]
    groups = [
        {"params": deltas, "lr": rate, "weight_decay": 0.01},
        {"params": list(head.parameters()), "lr": rate, "weight_decay": 0.01},
    ]
    descend((encoder.network, head), groups, plan, loss_of, report)
    return head


def _tensors(
    chosen: Sequence[Statement], encoder: Encoder
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    rows = encoder.tokenize_pairs([(s.text, s.proposition) for s in chosen])
    ids, types = padded(row for row, _ in rows), padded(row for _, row in rows)
    return ids, padded([1] * len(row) for row, _ in rows), types


def _loss(
    out: Mapping[str, "torch.Tensor"], chosen: Sequence[Statement], settings: PairSettings
) -> "torch.Tensor":
    import torch
    from torch.nn import functional as f

    stance = torch.tensor([-100 if s.stance is None else STANCES.index(s.stance) for s in chosen])
    total = torch.zeros(())
    if (stance >= 0).any():
        total = total + f.cross_entropy(
            out["stance"], stance, ignore_index=-100, label_smoothing=0.05
        )
    for name, values, weight in (
        ("relevance", [s.relevant for s in chosen], settings.relevance_weight),
        ("causal", [s.causal for s in chosen], settings.causal_weight),
    ):
        known = [place for place, value in enumerate(values) if value is not None]
        if known:
            truth = torch.tensor([float(bool(values[place])) for place in known])
            loss = f.binary_cross_entropy_with_logits(out[name][known], truth)
            total = total + weight * loss
    return total
