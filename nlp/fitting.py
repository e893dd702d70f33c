"""End-to-end training of the low-rank deltas and the heads; one function, `fit`.

Multi-task: presence of every narrative, stance on those present, causal claims. Repeatable
for a seed, a thread count and a CPU.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nlp.encoder import Encoder, load_default
from nlp.errors import TrainingError
from nlp.examples import Example
from nlp.features import keyword_features
from nlp.narratives import Taxonomy
from nlp.network import Heads, add_low_rank, encode
from nlp.stances import STANCES

if TYPE_CHECKING:
    import torch

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How to train.

    Attributes
    ----------
    head_lr, delta_lr : float
        Peak learning rates of the heads and of the low-rank deltas.
    own_weight : float
        Weight of an own passage in the loss, relative to a real headline's 1.
    """

    seed: int = 7
    epochs: int = 6
    batch: int = 16
    rank: int = 16
    head_lr: float = 2e-3
    delta_lr: float = 6e-4
    stance_weight: float = 1.5
    causal_weight: float = 0.3
    own_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of a training batch; absent stances are -100, unlabelled causal is -1."""

    ids: "torch.Tensor"
    mask: "torch.Tensor"
    keywords: "torch.Tensor"
    presence: "torch.Tensor"
    stance: "torch.Tensor"
    causal: "torch.Tensor"
    weight: "torch.Tensor"


def fit(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    settings: TrainSettings,
    report: Report = print,
) -> tuple[Encoder, Heads]:
    """Train deltas and heads on the given examples and return both, in evaluation mode."""
    import torch

    torch.manual_seed(settings.seed)
    encoder = load_default()
    add_low_rank(encoder.network, settings.rank, alpha=2.0 * settings.rank, dropout=0.1)
    heads = Heads(encoder.width, len(taxonomy.narratives))
    deltas = [p for p in encoder.network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": deltas, "lr": settings.delta_lr, "weight_decay": 0.01},
            {"params": list(heads.parameters()), "lr": settings.head_lr, "weight_decay": 0.05},
        ]
    )
    steps = settings.epochs * math.ceil(len(examples) / settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, steps))
    rarity = _rarity(examples, taxonomy)
    generator = torch.Generator().manual_seed(settings.seed)
    started = time.monotonic()
    for epoch in range(settings.epochs):
        encoder.network.train()
        heads.train()
        total = 0.0
        for chosen in _shuffled(examples, settings.batch, generator):
            batch = _tensors(chosen, encoder, taxonomy, settings)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_has_bf16()):
                states = encode(encoder.network, batch.ids, batch.mask)
            loss = _loss(heads(states.float(), batch.mask, batch.keywords), batch, rarity, settings)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_([*deltas, *heads.parameters()], 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        mean, seconds = total / len(examples), time.monotonic() - started
        report(f"epoch {epoch + 1} of {settings.epochs}: loss {mean:.4f}, {seconds:.0f} s")
    return encoder, heads.eval()


def _loss(
    out: dict[str, "torch.Tensor"], batch: Batch, rarity: "torch.Tensor", settings: TrainSettings
) -> "torch.Tensor":
    from torch.nn import functional as f

    presence = f.binary_cross_entropy_with_logits(
        out["presence"], batch.presence, pos_weight=rarity, reduction="none"
    ).sum(1)
    loss = (presence * batch.weight).mean()
    if (batch.stance >= 0).any():
        stance = f.cross_entropy(
            out["stance"].transpose(1, 2), batch.stance, ignore_index=-100, label_smoothing=0.1
        )
        loss = loss + settings.stance_weight * stance
    known = batch.causal >= 0
    if known.any():
        causal = f.binary_cross_entropy_with_logits(out["causal"][known], batch.causal[known])
        loss = loss + settings.causal_weight * causal
    return loss


def _tensors(
    chosen: Sequence[Example], encoder: Encoder, taxonomy: Taxonomy, settings: TrainSettings
) -> Batch:
    import torch

    ids = encoder.tokenize([example.text for example in chosen])
    longest = max(len(row) for row in ids)
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
    presence = [[float(key in e.labels) for key in taxonomy.ids] for e in chosen]
    stance = [
        [STANCES.index(e.labels[key]) if key in e.labels else -100 for key in taxonomy.ids]
        for e in chosen
    ]
    return Batch(
        ids=tokens,
        mask=mask,
        keywords=torch.from_numpy(keyword_features([e.text for e in chosen], taxonomy)),
        presence=torch.tensor(presence),
        stance=torch.tensor(stance),
        causal=torch.tensor([-1.0 if e.causal is None else float(e.causal) for e in chosen]),
        weight=torch.tensor([settings.own_weight if e.pool == "own" else 1.0 for e in chosen]),
    )


def _rarity(examples: Sequence[Example], taxonomy: Taxonomy) -> "torch.Tensor":
    import torch

    counts = [sum(key in e.labels for e in examples) for key in taxonomy.ids]
    if missing := [k for k, n in zip(taxonomy.ids, counts, strict=True) if n == 0]:
        raise TrainingError(f"no training example carries {missing[0]!r}: add some")
    total = len(examples)
    return torch.tensor([min(3.0, math.sqrt((total - n) / n) / 2 + 0.5) for n in counts])


def _shuffled(examples: Sequence[Example], size: int, generator: Any) -> list[list[Example]]:
    """Random batches of similar length: sorted within chunks of 16 batches."""
    import torch

    order = torch.randperm(len(examples), generator=generator).tolist()
    batches = []
    for start in range(0, len(order), size * 16):
        chunk = sorted(order[start : start + size * 16], key=lambda i: len(examples[i].text))
        batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    mixed = torch.randperm(len(batches), generator=generator).tolist()
    return [[examples[i] for i in batches[place]] for place in mixed]


def _pace(step: int, steps: int) -> float:
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _has_bf16() -> bool:
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported())
