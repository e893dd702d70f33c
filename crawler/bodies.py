"""The bytes of a response, decompressed under caps.

One layer of gzip, deflate or brotli. Decompression is ours rather than the client's: that one
drops what follows the first gzip member and takes a truncated stream for a whole one, and
either would lose items in silence.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped]

from crawler.errors import FetchError

_CHUNK = 2**20
_GZIP = b"\x1f\x8b"


class Decoder(Protocol):
    """One layer of content coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what more input gives, in bounded pieces."""
        ...  # pragma: no cover

    def finish(self) -> None:
        """Raise a ``decode`` FetchError when the stream was cut short."""
        ...  # pragma: no cover


class _Identity:
    def decode(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        return


class _Zlib:
    """gzip with any number of members, or deflate with or without its header."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inner = zlib.decompressobj(wbits)
        self._fed = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                if self._wbits != 31 or not _GZIP.startswith(data[:2]):
                    return  # padding after the last member
                self._inner = zlib.decompressobj(self._wbits)
            try:
                piece = self._inner.decompress(data, _CHUNK)
            except zlib.error as error:
                if self._wbits == 15 and not self._fed:
                    # Half of the servers that say deflate send it without the zlib header.
                    self._wbits = -15
                    self._inner = zlib.decompressobj(-15)
                    continue
                raise FetchError(f"the body is damaged: {error}", "decode") from error
            self._fed = True
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if self._fed and not self._inner.eof:
            raise FetchError("the compressed body ends too early", "decode")


class _Brotli:
    def __init__(self) -> None:
        self._inner: Any = brotli.Decompressor()
        self._fed = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._fed = self._fed or bool(data)
        try:
            piece = self._inner.process(data, output_buffer_limit=_CHUNK // 2)
            while piece:
                yield piece
                piece = self._inner.process(b"", output_buffer_limit=_CHUNK // 2)
        except brotli.error as error:
            raise FetchError(f"the body is damaged: {error}", "decode") from error

    def finish(self) -> None:
        if self._fed and not self._inner.is_finished():
            raise FetchError("the compressed body ends too early", "decode")


def decoder_for(content_encoding: str) -> Decoder:
    """Return the decoder of a ``Content-Encoding`` header.

    Raises
    ------
    FetchError
        ``decode`` for more than one layer, or a coding that was not asked for.
    """
    layers = [
        layer
        for part in content_encoding.lower().split(",")
        if (layer := part.strip()) not in {"", "identity"}
    ]
    if len(layers) > 1:
        raise FetchError(f"the body is compressed {len(layers)} times", "decode")
    match layers:
        case []:
            return _Identity()
        case ["gzip" | "x-gzip"]:
            return _Zlib(31)
        case ["deflate"]:
            return _Zlib(15)
        case ["br"]:
            return _Brotli()
    raise FetchError(f"content coding {layers[0][:40]!r} was not asked for", "decode")
