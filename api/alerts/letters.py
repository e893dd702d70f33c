"""An alert as a mail, as JSON for a program, and as lines for a terminal; pure.

An alert comes as the plain values of ``store.alerts.Alerts.listed``. Text that was crawled
stands in quotation marks, escaped where it is HTML, and never in a header as it came.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api import wording
from api.alerts.rules import Channel

_LONGEST = 160  # characters of a title in a header


def payload(alert: Mapping[str, Any], site: str, version: int) -> dict[str, Any]:
    """Return what a webhook is sent and what a line of JSON holds.

    ``kind`` is ``raised`` for the first version of a story, ``escalated`` for a later one; a
    receiver that keeps the last line of an ``id`` has the story as it stands.
    """
    return {
        "id": alert["id"],
        "kind": "raised" if version == 1 else "escalated",
        "version": version,
        "title": alert["title"],
        "subject": alert["subject"],
        "severity": alert["severity"],
        "first_day": alert["first_day"],
        "last_day": alert["last_day"],
        "raised_at": alert["raised_at"],
        "updated_at": alert["updated_at"],
        "earlier_id": alert["earlier_id"],
        "url": f"{site}/alert/{alert['id']}",
        "findings": alert["findings"],
    }


def as_json(value: Any) -> bytes:
    """Return JSON in one line of UTF-8, the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def mail_of(alert: Mapping[str, Any], channel: Channel, site: str, version: int) -> EmailMessage:
    """Return the mail of one version: plain text, HTML beside it, threaded by story.

    Its Message-ID follows from alert and version, so that a server or reader recognises what
    is sent twice.
    """
    domain = channel.sender.rpartition("@")[2]
    first = f"<{alert['id']}.1@{domain}>"
    message = EmailMessage()
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.to)
    again = "" if version == 1 else "Update: "
    message["Subject"] = f"Tapestory: {again}{one_line(alert['title'])}"
    message["Date"] = format_datetime(datetime.fromisoformat(alert["updated_at"]))
    message["Message-ID"] = f"<{alert['id']}.{version}@{domain}>"
    if version > 1:
        message["In-Reply-To"] = first
        message["References"] = first
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content("\n".join(lines(alert, site)) + "\n")
    message.add_alternative(html(alert, site), subtype="html")
    return message


def one_line(text: str) -> str:
    """Return a text fit for a header: no line break, no control character, not endless."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST]


def html(alert: Mapping[str, Any], site: str) -> str:
    """Return a story with its evidence as a piece of HTML; everything in it is escaped."""
    return _templates().get_template("alert.html.jinja").render(alert=alert, site=site)


def lines(alert: Mapping[str, Any], site: str) -> Iterator[str]:
    """Yield a story with its evidence as lines of plain text."""
    yield alert["title"]
    yield _span(alert)
    if alert["earlier_id"]:
        yield f"An earlier story on this: {site}/alert/{alert['earlier_id']}"
    for finding in alert["findings"]:
        yield ""
        yield f"{day_text(finding['day'])}: {finding['statement']}"
        for quote in finding["quotes"]:
            yield f"  “{one_quote(quote['quote'])}”"
            yield f"    {_origin(quote)}"
        yield f"  Evidence: {site}{finding['path']}"
    yield ""
    yield f"All of it: {site}/alert/{alert['id']}"
    yield "Association, not cause."


def one_quote(text: str) -> str:
    """Return a quote in one line; its words stay as they are."""
    return " ".join(text.split())


def day_text(day: str) -> str:
    """Word an ISO date."""
    return wording.day_text(date.fromisoformat(day))


def _span(alert: Mapping[str, Any]) -> str:
    if alert["first_day"] == alert["last_day"]:
        return day_text(alert["first_day"])
    found = wording.counted(len(alert["findings"]), "finding")
    return f"{day_text(alert['first_day'])} to {day_text(alert['last_day'])}, {found}"


def _origin(quote: Mapping[str, Any]) -> str:
    """Say who stands behind a quote; an address that no link may carry is left out."""
    published = quote["published_at"]
    at = wording.instant_text(datetime.fromisoformat(published) if published else None)
    stance = "no stance" if quote["stance"] == "none" else quote["stance"]
    address = wording.web_address(quote["url"]) or f"document {quote['document_id']}"
    return f"{stance}, {at}, {address}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("api", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=day_text, web_address=wording.web_address, origin=_origin, span=_span, line=one_quote
    )
    return environment
