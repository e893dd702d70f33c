"""Train the stance head that is conditioned on a proposition, for custom narratives."""

from collections.abc import Sequence

from nlp.encoder import Encoder
from nlp.examples import Example
from nlp.network import Pair
from nlp.stances import STANCES
from nlp.tuned import mean_vectors
from store.records import Narrative


def fit_pair(
    encoder: Encoder, examples: Sequence[Example], narratives: Sequence[Narrative], seed: int
) -> Pair:
    """Train on a frozen, tuned encoder, over all given narratives at once."""
    import torch

    torch.manual_seed(seed)
    vectors = torch.from_numpy(mean_vectors(encoder, [e.text for e in examples])).float()
    stated = mean_vectors(encoder, [narrative.proposition for narrative in narratives])
    rows, columns, truth = [], [], []
    for column, narrative in enumerate(narratives):
        for row, example in enumerate(examples):
            if narrative.id in example.labels:
                rows.append(row)
                columns.append(column)
                truth.append(STANCES.index(example.labels[narrative.id]))
    passages, target = vectors[rows], torch.tensor(truth)
    propositions = torch.from_numpy(stated).float()[columns]
    pair = Pair(encoder.width)
    optimizer = torch.optim.AdamW(pair.parameters(), lr=1e-3, weight_decay=0.05)
    for _ in range(30):
        for batch in torch.randperm(len(target)).tensor_split(max(1, len(target) // 64)):
            loss = torch.nn.functional.cross_entropy(
                pair(passages[batch], propositions[batch]), target[batch], label_smoothing=0.05
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    return pair.eval()
