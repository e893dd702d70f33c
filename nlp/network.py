"""The network on top of the encoder: low-rank deltas, pooling and heads.

One pass of the encoder serves all heads. Each narrative has its own attention over the
tokens (Mullenbach et al. 2018, CAML), so that its presence and its stance are read where
the passage speaks of it; what counts as support is particular to each narrative, so each
has its own stance weights. Keyword counts enter as two features per narrative.

References
----------
Hu et al. (2022), LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685.
Mullenbach et al. (2018), Explainable Prediction of Medical Codes from Clinical Text,
doi:10.18653/v1/N18-1100.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

TARGETS = ("query", "key", "value", "dense")  # every dense layer of a BERT block


class LowRank(nn.Module):
    """A frozen linear layer plus a trainable product of two thin matrices."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float, dropout: float) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)
        self.scale = alpha / rank
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the base's output plus the scaled low-rank update."""
        delta = nn.functional.linear(nn.functional.linear(self.dropout(x), self.down), self.up)
        out: Tensor = self.base(x) + self.scale * delta
        return out


def dense_layers(encoder: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Linear]]:
    """Yield name, parent, attribute and layer of every dense layer that takes a delta."""
    for name, module in encoder.named_modules():
        for child_name, child in module.named_children():
            if isinstance(child, nn.Linear) and child_name in TARGETS and "pooler" not in name:
                yield f"{name}.{child_name}", module, child_name, child


def add_low_rank(encoder: nn.Module, rank: int, alpha: float, dropout: float) -> None:
    """Freeze an encoder and put a trainable delta beside each of its dense layers."""
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    for _, parent, attribute, layer in list(dense_layers(encoder)):
        setattr(parent, attribute, LowRank(layer, rank, alpha, dropout))


def extract_low_rank(encoder: nn.Module) -> dict[str, Tensor]:
    """Return the deltas as ``name.down`` and ``name.up``, the scale folded into ``up``."""
    tensors = {}
    for name, module in encoder.named_modules():
        if isinstance(module, LowRank):
            tensors[f"{name}.down"] = module.down.detach().half().contiguous()
            tensors[f"{name}.up"] = (module.up.detach() * module.scale).half().contiguous()
    return tensors


def start_low_rank(encoder: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Continue from stored deltas of the same rank."""
    for name, module in encoder.named_modules():
        if isinstance(module, LowRank):
            with torch.no_grad():
                module.down.copy_(tensors[f"{name}.down"].float())
                module.up.copy_(tensors[f"{name}.up"].float() / module.scale)


def merge_low_rank(encoder: nn.Module, tensors: dict[str, Tensor]) -> int:
    """Add stored deltas to the weights of a plain encoder, in fp32.

    Returns
    -------
    int
        Layers changed.
    """
    layers = {name: layer for name, _, _, layer in dense_layers(encoder)}
    names = {key.rsplit(".", 1)[0] for key in tensors}
    for name in sorted(names):
        delta = tensors[f"{name}.up"].float() @ tensors[f"{name}.down"].float()
        with torch.no_grad():
            layers[name].weight += delta
    return len(names)


def token_moments(states: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean, shape (width,), and overall standard deviation about it, of token states."""
    tokens = torch.cat(list(states))
    center = tokens.mean(0)
    return center, (tokens - center).std()


def recenter(encoder: Any, center: Tensor, spread: Tensor) -> None:
    """Fold ``(state - center) / spread`` into the encoder's last layer norm.

    The states of some encoders share one large direction, in which heads see next to nothing
    of a text (Ethayarajh 2019, doi:10.18653/v1/D19-1006).
    """
    last = encoder.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        last.weight /= spread
        last.bias.copy_((last.bias - center) / spread)


class Heads(nn.Module):
    """Presence, stance and causal heads over the encoder's token states.

    Parameters
    ----------
    width : int
        Size of a token state.
    narratives : int
        Number of narratives, in the order of the weights' own list of ids.
    """

    def __init__(self, width: int, narratives: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(narratives, width) * 0.02)
        self.presence_mean = nn.Linear(width, narratives)
        self.presence_own = nn.Parameter(torch.zeros(narratives, width))
        self.presence_keywords = nn.Parameter(torch.full((narratives, 1), 0.5))
        self.stance = nn.Parameter(torch.zeros(narratives, 3, 2 * width))
        self.stance_shared = nn.Linear(2 * width, 3)
        self.stance_bias = nn.Parameter(torch.zeros(narratives, 3))
        self.stance_cues = nn.Parameter(torch.zeros(narratives, 3))
        self.stance_mix = nn.Linear(2 * width, width)
        self.stance_deep = nn.Linear(width, 3)
        self.causal = nn.Linear(2 * width, 1)
        self.dropout = nn.Dropout(0.2)

    def forward(self, states: Tensor, mask: Tensor, keywords: Tensor) -> dict[str, Tensor]:
        """Score a batch.

        Parameters
        ----------
        states : Tensor of shape (batch, tokens, width)
        mask : Tensor of shape (batch, tokens)
            1 for a token, 0 for padding.
        keywords : Tensor of shape (batch, narratives, 2)
            Logarithms of one plus the hits of keywords and of against-cues.

        Returns
        -------
        dict
            Logits ``presence`` (batch, narratives), ``stance`` (batch, narratives, 3) and
            ``causal`` (batch, narratives).
        """
        mean = _mean(states, mask)
        attention = states @ self.queries.T  # (batch, tokens, narratives)
        attention = attention.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).softmax(1)
        own = self.dropout(attention.transpose(1, 2) @ states)  # (batch, narratives, width)
        pooled = self.dropout(mean)
        presence = (
            self.presence_mean(pooled)
            + (own * self.presence_own).sum(-1)
            + keywords[..., 0] * self.presence_keywords[:, 0]
        )
        joint = torch.cat([own, pooled.unsqueeze(1).expand_as(own)], dim=-1)
        stance = (
            torch.einsum("bnd,nsd->bns", joint, self.stance)
            + self.stance_shared(joint)
            + self.stance_deep(nn.functional.gelu(self.stance_mix(joint)))
            + self.stance_bias
            + keywords[..., 1:2] * self.stance_cues
        )
        return {
            "presence": presence,
            "stance": stance,
            "causal": self.causal(joint).squeeze(-1),
        }


class PairHead(nn.Module):
    """Stance, causal role and relevance of a passage for any proposition.

    Reads the token states of ``passage [SEP] proposition``, encoded together, so that both
    attend to each other in every layer (a cross-encoder).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.1)
        self.mix = nn.Linear(3 * width, width)
        self.stance = nn.Linear(width, 3)
        self.causal = nn.Linear(width, 1)
        self.relevance = nn.Linear(width, 1)

    def forward(self, states: Tensor, mask: Tensor, types: Tensor) -> dict[str, Tensor]:
        """Score a batch of pairs.

        Parameters
        ----------
        states : Tensor of shape (batch, tokens, width)
        mask, types : Tensor of shape (batch, tokens)
            1 for a token; 0 for the passage's and 1 for the proposition's tokens.

        Returns
        -------
        dict
            Logits ``stance`` (batch, 3), ``causal`` and ``relevance`` (batch,).
        """
        pooled = torch.cat(
            [states[:, 0], _mean(states, mask * (1 - types)), _mean(states, mask * types)], dim=-1
        )
        mixed = self.dropout(torch.tanh(self.mix(self.dropout(pooled))))
        return {
            "stance": self.stance(mixed),
            "causal": self.causal(mixed).squeeze(-1),
            "relevance": self.relevance(mixed).squeeze(-1),
        }


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weight = mask.unsqueeze(-1).to(states.dtype)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


def encode(encoder: Any, input_ids: Tensor, mask: Tensor) -> Tensor:
    """Return the encoder's last token states, shape (batch, tokens, width)."""
    states: Tensor = encoder(input_ids=input_ids, attention_mask=mask).last_hidden_state
    return states
