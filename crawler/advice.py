"""What a person can do about an outcome: the advice that stands in a row of ``failures``."""

from crawler.urls import redact_text
from store.records import Failure, Outcome

_ADVICE: dict[Outcome, str] = {
    "gone": "the feed is retired for good: find its new address, or remove the source",
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
