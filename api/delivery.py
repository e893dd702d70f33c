"""Deliver the weekly report: a copy in a folder, a mail with it attached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import escape

from api.alerts.letters import one_line
from api.alerts.rules import Channel
from api.config import Settings
from api.errors import ConfigError
from store.errors import TapestoryError

if TYPE_CHECKING:
    from crawler.outgoing import MailServer

_ATTACHED = {".html": ("text", "html"), ".pdf": ("application", "pdf")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a report.

    Attributes
    ----------
    done, failed : sequence of str
        A sentence for each folder and channel.
    """

    done: Sequence[str]
    failed: Sequence[str]


def deliver_report(paths: Sequence[Path], settings: Settings, now: datetime) -> Delivered:
    """Put a written report where ``[report]`` says: a folder, and channels of kind ``mail``.

    Parameters
    ----------
    paths : sequence of Path
        The files of one week, ``narratives-2026-W05.html`` and so on.

    Notes
    -----
    One place that fails does not keep the others from theirs. The Message-ID follows from the
    week, so that a report that is sent twice is recognised.

    Raises
    ------
    ConfigError
        When the settings name no place at all.
    """
    report = settings.report
    if not report.folder and not report.channels:
        raise ConfigError(
            f"{settings.origin} says of no place to deliver to: set folder or mail below [report]"
        )
    done: list[str] = []
    failed: list[str] = []
    if report.folder:
        folder = settings.base_dir / report.folder
        try:
            done.append(_copy(paths, folder))
        except OSError as error:
            failed.append(f"cannot copy to {str(folder)!r} ({error.strerror}): check the folder")
    channels = {channel.id: channel for channel in settings.alerts.channels}
    for name in report.channels:
        try:
            _mail(paths, channels[name], settings, now)
        except (TapestoryError, OSError) as error:
            failed.append(f"cannot mail to {name!r}: {error}")
        else:
            done.append(f"mailed to {name!r}")
    return Delivered(done=done, failed=failed)


def _copy(paths: Sequence[Path], folder: Path) -> str:
    from api.alerts.deliver import write_whole

    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        write_whole(folder / path.name, path.read_bytes())
    return f"copied {len(paths)} files to {folder}"


def _mail(paths: Sequence[Path], channel: Channel, settings: Settings, now: datetime) -> None:
    from crawler.outgoing import send_mail

    send_mail(report_mail(paths, channel, now), mail_server(channel, settings))


def report_mail(paths: Sequence[Path], channel: Channel, now: datetime) -> EmailMessage:
    """Return the mail of a report: its opening as text, the pages attached."""
    name = paths[0].stem
    message = EmailMessage()
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.to)
    message["Subject"] = f"Tapestory: {one_line(name.replace('narratives-', 'weekly report '))}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<report.{one_line(name)}@{channel.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    opening = _opening(paths)
    message.set_content(f"{opening}\n\nAssociation, not cause. The report is attached.\n")
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in opening.splitlines() if line.strip())
    message.add_alternative(
        f"{paragraphs}<p>Association, not cause. The report is attached.</p>", subtype="html"
    )
    for path in paths:
        if path.suffix in _ATTACHED:
            main, sub = _ATTACHED[path.suffix]
            message.add_attachment(
                path.read_bytes(), maintype=main, subtype=sub, filename=path.name
            )
    return message


def _opening(paths: Sequence[Path]) -> str:
    """Return the Markdown of the report up to its first section, without the marks."""
    for path in paths:
        if path.suffix == ".md":
            head = path.read_text(encoding="utf-8").partition("\n## ")[0]
            return "\n".join(line.lstrip("#> ").rstrip() for line in head.splitlines()).strip()
    return f"The weekly report {paths[0].stem}."


def mail_server(channel: Channel, settings: Settings) -> "MailServer":
    """Return the mail server of a channel.

    Raises
    ------
    ConfigError
        When the environment lacks the variable with the password.
    """
    from crawler.outgoing import MailServer

    return MailServer(
        host=channel.host,
        port=channel.port,
        security=channel.security,
        user=channel.user,
        password=secret(channel.password_env, channel, settings),
    )


def secret(name: str, channel: Channel, settings: Settings) -> str:
    """Return what an environment variable held when the settings were read; empty for no name.

    Raises
    ------
    ConfigError
        When it was not set.
    """
    if not name:
        return ""
    if not settings.secrets.get(name):
        raise ConfigError(
            f"channel {channel.id!r} wants the environment variable {name!r}, which is not set:"
            " set it where the timer starts, e.g. in an EnvironmentFile of systemd"
        )
    return settings.secrets[name]
