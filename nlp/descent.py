"""The training loop that every fit shares: AdamW, warm-up and cosine decay, bf16 where it is fast.

Repeatable for a seed, a thread count and a CPU; another CPU moves the last digits of a
weight, and labels near a threshold with them.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")
Report = Callable[[str], None]


def descend(
    modules: Sequence[Any],
    groups: Sequence[dict[str, Any]],
    epochs: Sequence[Sequence[Any]],
    loss_of: Callable[[Any], "torch.Tensor"],
    report: Report,
) -> None:
    """Minimise a loss and leave the modules in evaluation mode.

    Parameters
    ----------
    modules : sequence of Module
        What is switched between training and evaluation.
    groups : sequence of dict
        Parameter groups of the optimizer: ``params``, ``lr``, ``weight_decay``.
    epochs : sequence of sequences of batches
        The whole plan, drawn beforehand so that the schedule knows its length.
    loss_of : callable
        Batch to scalar loss.
    """
    import torch

    parameters = [parameter for group in groups for parameter in group["params"]]
    optimizer = torch.optim.AdamW(list(groups))
    steps = sum(len(batches) for batches in epochs)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, steps))
    started = time.monotonic()
    for module in modules:
        module.train()
    for number, batches in enumerate(epochs, start=1):
        total = 0.0
        for batch in batches:
            loss = loss_of(batch)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        seconds = time.monotonic() - started
        mean = total / max(1, len(batches))
        report(f"epoch {number} of {len(epochs)}: loss {mean:.4f}, {seconds:.0f} s")
    for module in modules:
        module.eval()


def shuffled(
    items: Sequence[Item], size: int, length: Callable[[Item], int], generator: Any
) -> list[list[Item]]:
    """Return random batches of similar length: sorted within chunks of 16 batches."""
    import torch

    order = torch.randperm(len(items), generator=generator).tolist()
    batches = []
    for start in range(0, len(order), size * 16):
        chunk = sorted(order[start : start + size * 16], key=lambda place: length(items[place]))
        batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    mixed = torch.randperm(len(batches), generator=generator).tolist()
    return [[items[place] for place in batches[number]] for number in mixed]


def half_precision() -> AbstractContextManager[Any]:
    """Return a context in which the encoder runs in bf16, where the CPU is fast at it."""
    import torch

    fast = bool(torch.cpu._is_avx512_bf16_supported())
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast)


def padded(rows: Iterable[Sequence[int]], fill: int = 0) -> "torch.Tensor":
    """Return rows of token ids as one tensor, short rows filled up on the right."""
    import torch

    listed = [list(row) for row in rows]
    longest = max(len(row) for row in listed)
    return torch.tensor([row + [fill] * (longest - len(row)) for row in listed])


def _pace(step: int, steps: int) -> float:
    warm = max(1, steps // 12)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
