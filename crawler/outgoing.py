"""What leaves the machine on a person's behalf: one POST to a webhook, one mail to a server.

A webhook goes through the crawler's own fetch function, past the address guard. The mail
server is one that the settings name, often on this machine or in this house, so the guard,
which is there for addresses that come from outside, does not judge it.
"""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Literal

from crawler.errors import DeliveryError, HostPausedError
from crawler.fetch import fetch, open_client
from crawler.guard import Resolve, resolve_host
from crawler.messages import Request
from crawler.settings import CrawlSettings
from crawler.urls import host_of

SIGNATURE = "X-Tapestory-Signature"
_ANSWER_BYTES = 64 * 1024  # of an answer that nobody reads
_SMTP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes mail.

    Attributes
    ----------
    security : {'starttls', 'tls', 'none'}
        TLS after a word of the server, from the first byte, or not at all.
    password : str
        Empty without a login.
    timeout_s : float
        For each answer of the server.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = _SMTP_S


def post(
    url: str,
    body: bytes,
    *,
    secret: str = "",
    headers: Mapping[str, str] | None = None,
    settings: CrawlSettings,
    now: datetime,
    resolve: Resolve = resolve_host,
) -> None:
    """Send JSON to a webhook; it must answer with a status of 200 to 299.

    Parameters
    ----------
    secret : str
        Key of the signature, ``sha256=`` and the hexadecimal HMAC-SHA256 (RFC 2104) of the body,
        in the header ``X-Tapestory-Signature``; empty for none.
    headers : mapping, optional
        More headers.

    Raises
    ------
    DeliveryError
        When the address is refused, cannot be reached, redirects, or answers otherwise. The
        message names the host alone: the path of a webhook is often its secret.
    """
    sent = dict(headers or {})
    if secret:
        sent[SIGNATURE] = signature(body, secret)
    request = Request(
        url=url,
        cap_bytes=_ANSWER_BYTES,
        is_cut_at_cap=True,
        accept="application/json, */*",
        # Dropped with everything else that is ours when a server sends us elsewhere.
        secret_headers=sent,
        body=body,
    )
    asyncio.run(_post(request, settings, now, resolve))


async def _post(request: Request, settings: CrawlSettings, now: datetime, resolve: Resolve) -> None:
    host = host_of(request.url) or "the webhook"
    async with open_client(settings, now=now, resolve=resolve) as client:
        try:
            answer = await fetch(client, request)
        except HostPausedError as error:
            raise DeliveryError(f"{host!r} asked to be left alone: it is tried again") from error
    if answer.outcome == "ssrf_blocked":
        raise DeliveryError(
            f"{host!r} is not public: list its network in allow_addresses if it is yours"
        )
    if answer.outcome == "redirect_loop":
        raise DeliveryError(f"{host!r} redirects: give the address that it leads to")
    if answer.outcome is not None:
        raise DeliveryError(f"{host!r} gave no answer ({answer.outcome}): it is tried again")
    if answer.status is None or not 200 <= answer.status < 300:
        raise DeliveryError(
            f"{host!r} answered {answer.status}: look there for why, it is tried again"
        )


def signature(body: bytes, secret: str) -> str:
    """Return the signature of a body: ``sha256=`` and its HMAC-SHA256 in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send_mail(message: EmailMessage, server: MailServer) -> None:
    """Hand a mail to a server, which takes it for every recipient or for none.

    Raises
    ------
    DeliveryError
        When the server cannot be reached, offers no TLS where it is asked for, refuses the
        login, the sender or a recipient. The message holds neither password nor address.
    """
    where = f"mail server {server.host!r}, port {server.port}"
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password)
            refused = connection.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(
            f"{where} refuses the login ({error.smtp_code}): check user and password_env"
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise DeliveryError(f"{where} refuses every recipient: check 'to'") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(
            f"{where} does not offer what is asked for (TLS or a login): check security"
        ) from error
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(
            f"{where} answered {error.smtp_code}: look at its log, it is tried again"
        ) from error
    except (smtplib.SMTPException, ssl.SSLError, OSError, UnicodeError) as error:
        raise DeliveryError(
            f"{where} cannot be used ({type(error).__name__}): check host, port and security"
        ) from error
    if refused:
        raise DeliveryError(f"{where} refuses {len(refused)} of the recipients: check 'to'")


def _connected(server: MailServer) -> smtplib.SMTP:
    """Return an open connection, encrypted unless the settings say otherwise."""
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.security == "starttls":
            connection.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return connection
