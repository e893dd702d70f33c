"""The versioned numbers of ``align/``: weights, signatures, assets and episodes.

Read from the TOML files that ship inside this folder, and only here, so that no constant of
a score hides in code. Parsed once per process.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

from store.records import NO_CAUSE, Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLibrary:
    """The legs over which narratives state their signs.

    Attributes
    ----------
    legs : mapping
        Leg to the series that may stand for it, the preferred first.
    liquid : sequence of str
        Legs that may contradict a suspect.
    families : mapping
        Signs of causes that no narrative stands for; to judge episodes, not in any score.
    """

    version: str
    legs: Mapping[str, Sequence[str]]
    liquid: Sequence[str]
    families: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetWords:
    """Default move table and the words for its assets."""

    core: Sequence[str]
    headline: Sequence[str]
    spoken: Mapping[str, str]


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a digest of the code and numbers of this folder: other code, other results."""
    hasher = blake2b(digest_size=8)
    for entry in sorted(files("align").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith((".py", ".toml")):
            hasher.update(entry.name.encode() + entry.read_bytes())
    return hasher.hexdigest()


@lru_cache(maxsize=1)
def weights() -> Mapping[str, Any]:
    """Return ``weights.toml``."""
    return _read("weights.toml")


@lru_cache(maxsize=1)
def signature_library() -> SignatureLibrary:
    """Return ``signatures.toml``."""
    table = _read("signatures.toml")
    return SignatureLibrary(
        version=table["version"],
        legs=table["legs"],
        liquid=table["contradiction"]["legs"],
        families=table["families"],
    )


@lru_cache(maxsize=1)
def asset_words() -> AssetWords:
    """Return ``assets.toml``."""
    table = _read("assets.toml")
    return AssetWords(core=table["core"], headline=table["headline"], spoken=table["spoken"])


@lru_cache(maxsize=1)
def load_episodes() -> tuple[Episode, ...]:
    """Return ``episodes.toml``, oldest first."""
    rows = []
    for entry in _read("episodes.toml")["episode"]:
        labels, sources = entry.pop("labels"), tuple(entry.pop("sources"))
        label = " or ".join(labels) if labels else NO_CAUSE
        rows.append(Episode(**entry, label=label, sources=sources))
    return tuple(sorted(rows, key=lambda episode: (episode.date, episode.id)))


@lru_cache(maxsize=1)
def episode_moves() -> dict[str, dict[int, dict[str, float]]]:
    """Return ``episode_moves.toml``: episode to sessions to leg to sigma."""
    moves = _read("episode_moves.toml")["moves"]
    return {
        episode: {int(days): legs for days, legs in windows.items()}
        for episode, windows in moves.items()
    }


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("align").joinpath(name).read_text(encoding="utf-8"))
