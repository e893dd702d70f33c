"""What is asked of a server and what came of it, as plain data.

Apart from ``fetch.py`` so that the modules that only judge an answer load no network library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from store.records import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask.

    Attributes
    ----------
    cap_bytes : int
        Bytes of the decompressed body.
    is_cut_at_cap : bool
        Take the first ``cap_bytes`` of a longer body; without it such a body is refused.
    etag, last_modified : str or None
        Validators of the last answer, opaque and unchanged.
    secret_headers : mapping
        Dropped as soon as a redirect leaves the origin.
    body : bytes or None
        Sent with POST, to the origin alone: such a request follows no redirect.
    body_type : str
        Content type of ``body``.
    """

    url: str
    cap_bytes: int
    accept: str = "*/*"
    is_cut_at_cap: bool = False
    etag: str | None = None
    last_modified: str | None = None
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    body_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of a request.

    Attributes
    ----------
    url : str
        The address that answered, after redirects.
    outcome : Outcome or None
        Why there is no answer; None when a server answered and ``decide`` is to judge it.
    headers : mapping
        Names in lower case.
    permanent_url : str or None
        Where an unbroken run of permanent redirects from the first address leads.
    conditional : bool
        The request carried validators.
    error : str
        Sentence for a person; holds no secret.
    """

    url: str
    outcome: Outcome | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wire_bytes: int = 0
    seconds: float = 0.0
    permanent_url: str | None = None
    conditional: bool = False
    error: str = ""


def safe_validator(value: str | None) -> str | None:
    """Return a validator that can be sent back as it came, or None.

    What could break a header line or fill the database is dropped, never mended: a mended
    validator is another one.
    """
    if value is None or not value or len(value) > 1000:
        return None
    return value if value.isascii() and value.isprintable() else None
