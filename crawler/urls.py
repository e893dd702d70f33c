"""Addresses: the canonical form that identity compares, and the redacted form that is kept.

Pure. The canonical form drops what a page does not depend on (user information, default
ports, fragments, tracking parameters) and orders the rest.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

MAX_URL = 2000
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Parameters that say where a reader came from. `ref` is dropped only when it names the feed's
# own host: elsewhere it can be part of the address (a branch, a referrer code that matters).
_TRACKING = frozenset({
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid",
    "ttclid", "igshid", "igsh", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "oly_anon_id",
    "oly_enc_id", "vero_id", "wickedid", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp",
    "hsctatracking", "s_cid", "srsltid", "smid", "cmpid", "emc", "guccounter", "guce_referrer",
    "guce_referrer_sig", "rb_clickid", "spm", "scid", "_openstat", "ocid", "ncid", "xtor",
    "campaign_id", "ga_source", "ga_medium", "ga_term", "ga_content", "ga_campaign", "sr_share",
    "epik", "pk_campaign", "pk_kwd", "pk_source", "pk_medium", "pk_content", "piwik_campaign",
    "piwik_kwd", "at_medium", "at_campaign", "campaign_source", "campaign_medium",
    "campaign_name", "campaign_term", "campaign_content", "fb_action_ids", "fb_action_types",
    "fb_comment_id", "fb_ref", "fb_source", "ysclid", "mc_tc", "vero_conv", "sc_customer", "sc_eh",
    "sc_uid", "ml_subscriber", "ml_subscriber_hash", "_branch_match_id", "_ga", "_gl", "ref_src",
    "cmp", "taid",
})  # fmt: skip
_TRACKING_PREFIXES = ("utm_", "mtm_", "matomo_", "hsa_", "itm_")
# Compared without case, percent signs, dashes and underscores: `x-api-key`, `apiKey`, `api%5Fkey`.
_SECRETS = frozenset({
    "feed", "user", "username", "key", "auth", "authorization", "pass", "pwd", "sig", "session",
    "sessionid", "jwt", "bearer", "credentials",
})  # fmt: skip
_SECRET_ENDINGS = (
    "token", "secret", "password", "passwd", "passphrase", "signature", "credential", "apikey",
    "accesskey", "secretkey", "privatekey", "authkey", "subscriptionkey", "accesskeyid",
)  # fmt: skip
# Only from the start of a pair: from every character, a query without one would take for ever.
_PAIR = re.compile(r"(?<![^&;])([^=&;]+)=([^&;]*)")
_DIGEST = re.compile(r"~[0-9a-f]{12}")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s'\"<>]+")


def http_url(url: str | None, base: str | None = None) -> str | None:
    """Return an absolute http(s) address without user information, or None.

    Parameters
    ----------
    url : str or None
        As the source stated it; may be relative to ``base``.
    """
    if not url:
        return None
    text = url.strip()
    if not text.isprintable():
        # Browsers drop these, so `java\\nscript:` is a scheme; we refuse instead of guessing.
        text = "".join(char for char in text if char.isprintable())
    try:
        parts = urlsplit(urljoin(base, text) if base else text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in _DEFAULT_PORTS or not host or " " in host:
        return None
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme.lower()]:
        netloc = f"{netloc}:{port}"
    result = urlunsplit((parts.scheme.lower(), netloc, parts.path, parts.query, parts.fragment))
    return result if len(result) <= MAX_URL else None


def canonical_url(url: str | None, *, sites: Collection[str] = ()) -> str | None:
    """Return the form of an address under which two links to one page are equal, or None.

    Idempotent. Parameters are kept unless they are known to track; a secret is replaced by a
    digest of itself.

    Parameters
    ----------
    sites : collection of str
        Hosts of the feed and of its site; a parameter ``ref`` that names one is dropped too.
    """
    return _canonical(url, frozenset(map(_bare, sites))) if url else None


# Each link is looked up once and matched once.
@lru_cache(maxsize=4096)
def _canonical(url: str, sites: frozenset[str]) -> str | None:
    clean = http_url(url)
    if clean is None:
        return None
    try:
        parts = urlsplit(canonicalize_url(masked(clean)))
    except (ValueError, UnicodeError):
        return None
    pairs = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _is_tracking(name, value, sites)
    ]
    query = urlencode(sorted(pairs), quote_via=quote)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def _is_tracking(name: str, value: str, sites: Collection[str]) -> bool:
    name = name.lower()
    if name == "ref":
        return bool(value) and _bare(value) in sites
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")


def host_of(url: str) -> str:
    """Return the host of an address in lower case, empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_at(host: str, domain: str) -> bool:
    """Return whether a host is a domain or lies below it; both in lower case."""
    return host == domain or host.endswith(f".{domain}")


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Return an address with query parameters set, in the place of those of the same name."""
    parts = urlsplit(url)
    kept = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, value) for name, value in kept if name not in parameters]
    return parts._replace(query=urlencode([*query, *parameters.items()])).geturl()


def redact(url: str) -> str:
    """Return an address fit for logs and the database: no user information, no secrets.

    An address that holds neither comes back unchanged.
    """
    return _without_secrets(url, lambda _: "REDACTED")


def redact_text(text: str) -> str:
    """Return a message with every address in it redacted."""
    return _ADDRESS.sub(lambda found: redact(found.group()), text)


def masked(url: str) -> str:
    """Return an address that identifies a page and tells no secret.

    Each secret is replaced by a digest of itself, so that two addresses that differ only there
    stay two. An address without any comes back unchanged.
    """
    return _without_secrets(url, _digest)


def _digest(value: str) -> str:
    if _DIGEST.fullmatch(value):
        return value
    return "~" + blake2b(value.encode(errors="replace"), digest_size=6).hexdigest()


def _without_secrets(url: str, replaced: Callable[[str], str]) -> str:
    if "@" not in url and "=" not in url:
        return url  # neither user information nor a parameter
    try:
        parts = urlsplit(url)
        # `http://me:pa#ss@host/`: the rest of the password would stand in the fragment.
        _ = parts.port
    except ValueError:
        return "(unreadable address)"
    netloc = parts.netloc.rpartition("@")[2]

    def shown(pair: re.Match[str]) -> str:
        name, value = pair.groups()
        return f"{name}={replaced(value)}" if _is_secret(name) else pair.group()

    query, fragment = (_PAIR.sub(shown, part) for part in (parts.query, parts.fragment))
    if (netloc, query, fragment) == (parts.netloc, parts.query, parts.fragment):
        return url
    return urlunsplit((parts.scheme, netloc, parts.path, query, fragment))


def _is_secret(name: str) -> bool:
    compact = re.sub(r"[^a-z]", "", unquote(name).lower())
    return compact in _SECRETS or compact.endswith(_SECRET_ENDINGS)
