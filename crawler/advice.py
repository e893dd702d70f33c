"""What a person can do about an outcome: the advice that stands in a row of ``failures``."""

from crawler.urls import host_of, redact_text
from store.records import Failure, Outcome, Source

_ADVICE: dict[Outcome, str] = {
    "gone": "retired for good: find its new address; if it is back, 'tapestory sources revive ID'",
    "rate_limited": "the host asked for a pause, which is kept; ask it less often",
    "server_error": "the server is in trouble; it is asked again by itself",
    "client_error": "check the address in a browser; a 401 wants a token (token_env)",
    "challenge": "the site challenges programs; look for a feed that it offers to them",
    "not_a_feed": "look at the address in a browser; give the feed's own address",
    "decode": "the body is damaged or hostile; tell the outlet if it lasts",
    "too_large": "the body is beyond the cap; look for a smaller feed of this outlet",
    "deadline": "the server is slow; it is asked again by itself",
    "ssrf_blocked": "only public addresses are asked; list a local network in allow_addresses",
    "bad_scheme": "give an http or https address",
    "redirect_loop": "the site redirects in circles; check the address in a browser",
    "robots_denied": "the site does not want its pages read; full_text = false stops asking",
    "robots_unreachable": "robots.txt could not be had, which forbids reading; it is tried again",
    "connect": "check the name in the address, and this machine's network",
    "poison": "the body broke the parser; it is tried again when it changes",
    "bad_304": "a server or proxy confuses us with somebody; it is asked again in full",
}


def failure(item: str, outcome: Outcome, message: str) -> Failure:
    """Return the row for an item that ended in an outcome."""
    return Failure(
        stage="crawl",
        item=item,
        kind=outcome,
        message=redact_text(message),
        advice=_ADVICE.get(outcome, "try again; if it lasts, report it"),
    )


def bad_settings(source: Source, message: str) -> Failure:
    """Return the row for a source that cannot be asked as it is configured."""
    return Failure(
        stage="crawl",
        item=source.id,
        kind="SourceError",
        message=message,
        advice="mend the source in the settings",
    )


def missing_key(source: Source, message: str) -> Failure:
    """Return the row for a source that was not asked for want of a key."""
    advice = 'get a key (docs/sources.md), and name its variable: token_env = "NAME"'
    if source.token_env is not None:
        advice = (
            f"set the environment variable {source.token_env} (docs/sources.md), or remove the"
            " source"
        )
    return Failure(stage="crawl", item=source.id, kind="needs_key", message=message, advice=advice)


def refused_key(source: Source, url: str) -> Failure:
    """Return the row for a source whose server answered 401, with or without a key of ours."""
    host = host_of(url)
    if source.token_env is None:
        return missing_key(source, f"{host} shows this only to those with a key (it answered 401)")
    return Failure(
        stage="crawl",
        item=source.id,
        kind="needs_key",
        message=f"{host} refuses the key in {source.token_env} (it answered 401)",
        advice=f"get a new key, and put it into {source.token_env}",
    )
