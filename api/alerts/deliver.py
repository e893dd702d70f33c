"""Send what waits: at least once, never forgotten, one channel's trouble no other's.

What became of each attempt is written before the next is made. A crash in between sends one
thing twice; a mail is then recognised by its Message-ID, a webhook by its delivery id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.alerts import feed
from api.alerts.hours import is_quiet
from api.alerts.letters import as_json, mail_of, payload
from api.alerts.rules import Channel
from api.errors import ConfigError
from store.errors import TapestoryError
from store.records import Delivery, Failure

if TYPE_CHECKING:
    from api.config import Settings
    from store import Store

# A channel that failed so often in a row is left alone until the next run.
_PATIENCE = 2

Send = Callable[[Channel, Mapping[str, Any], int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a run sent.

    Attributes
    ----------
    failures : int
        Attempts that failed; each is a row of ``failures``.
    waiting : int
        Deliveries that are still to be made.
    is_held : bool
        The quiet hours held them back.
    """

    sent: int = 0
    failures: int = 0
    waiting: int = 0
    is_held: bool = False


def deliver(store: "Store", settings: "Settings", *, now: datetime) -> Sent:
    """Send what waits, unless the hours are quiet; nothing is written when nothing waits."""
    alerts = settings.alerts
    waiting = store.alerts.waiting()
    if is_quiet(now, alerts.quiet):
        return Sent(waiting=len(waiting), is_held=bool(waiting))
    if not alerts.channels:  # the sample's nights send nothing
        return Sent(waiting=len(waiting))
    channels = {channel.id: channel for channel in alerts.channels}
    stories = {row["id"]: row for row in store.alerts.listed(
        ids={one.alert_id for one in waiting}, limit=len(waiting))} if waiting else {}  # fmt: skip
    outbox = _Outbox(store, settings, now)
    for name in sorted({one.channel for one in waiting}):
        own = [one for one in waiting if one.channel == name]
        outbox.send_all(channels.get(name), own, stories)
    for channel in alerts.channels:
        if channel.kind == "atom":
            outbox.write_feed(channel)
    outbox.finish()
    return Sent(sent=outbox.sent, failures=outbox.failures, waiting=outbox.left)


class _Outbox:
    """One run's sending; its row in ``runs`` exists once something was tried."""

    def __init__(self, store: "Store", settings: "Settings", now: datetime) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._run = store.runs.begin("alerts", now=now)
        self.sent = self.failures = self.left = 0

    def send_all(
        self,
        channel: Channel | None,
        deliveries: Sequence[Delivery],
        stories: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Send what waits for one channel, until it has failed too often in a row."""
        in_a_row = 0
        for one in deliveries:
            if in_a_row >= _PATIENCE:
                self.left += 1
                continue
            if self._send(channel, one, stories[one.alert_id]):
                in_a_row = 0
            else:
                in_a_row += 1

    def _send(self, channel: Channel | None, one: Delivery, alert: Mapping[str, Any]) -> bool:
        run_id = self._run.id  # before anything leaves: a crash is seen in `runs`
        try:
            if channel is None:
                raise ConfigError(
                    f"the settings have no [[channel]] {one.channel!r} any more: put it back, or"
                    " wait until this is given up"
                )
            self._hand_over(channel, alert, one.version, run_id)
        except (TapestoryError, OSError) as error:
            self._failed(one, error)
            return False
        self.sent += 1
        tried = replace(
            one, state="sent", attempts=one.attempts + 1, tried_at=self._now, error=None
        )
        with self._store.transaction():
            self._store.alerts.note(tried)
        return True

    def _hand_over(
        self, channel: Channel, alert: Mapping[str, Any], version: int, run_id: str
    ) -> None:
        site = self._settings.alerts.site
        if channel.kind == "atom":
            _check_folder(self._path(channel))  # the file is written whole, after all of them
        elif channel.kind == "jsonl":
            line = as_json(payload(alert, site, version))
            with self._path(channel).open("ab") as file:
                file.write(line + b"\n")
        elif channel.kind == "webhook":
            self._post(channel, as_json(payload(alert, site, version)), f"{alert['id']}.{version}")
        else:
            from api.delivery import mail_server
            from crawler.outgoing import send_mail

            send_mail(mail_of(alert, channel, site, version), mail_server(channel, self._settings))

    def _post(self, channel: Channel, body: bytes, delivery_id: str) -> None:
        from api.delivery import secret
        from api.stages import crawl_settings
        from crawler.outgoing import post

        post(
            channel.url or secret(channel.url_env, channel, self._settings),
            body,
            secret=secret(channel.secret_env, channel, self._settings),
            headers={"X-Tapestory-Delivery": delivery_id},
            settings=crawl_settings(self._settings),
            now=self._now,
        )

    def write_feed(self, channel: Channel) -> None:
        """Write the feed of a channel anew where it differs; a failure is a row."""
        store, site = self._store, self._settings.alerts.site
        path = self._path(channel)
        had = store.alerts.sent_to(channel.id, feed.MOST)
        alerts = store.alerts.listed(ids=had, limit=feed.MOST) if had else []
        entries = [feed.alert_entry(alert, site) for alert in alerts]
        entries += feed.report_entries(store.pages, site)
        text = feed.feed(entries, site=site, address=f"{site}/feed.atom")
        try:
            if not path.exists() or path.read_bytes() != text:
                write_whole(path, text)
        except OSError as error:
            self._fail(f"{channel.id}: feed", error, "")

    def _failed(self, one: Delivery, error: Exception) -> None:
        attempts = one.attempts + 1
        is_last = attempts >= self._settings.alerts.attempts
        self.left += not is_last
        message = self._fail(
            f"{one.channel}: {one.alert_id}",
            error,
            f"it was tried {attempts} times and is given up" if is_last else
            f"attempt {attempts} of {self._settings.alerts.attempts}: it is tried again",
        )  # fmt: skip
        tried = replace(
            one,
            state="given up" if is_last else "waiting",
            attempts=attempts,
            tried_at=self._now,
            error=message,
        )
        with self._store.transaction():
            self._store.alerts.note(tried)

    def _fail(self, item: str, error: Exception, rest: str) -> str:
        """Record a failure; return its message. An OSError names a file of the settings."""
        from crawler.urls import redact_text

        message = redact_text(str(error))
        advice = "mend what the message names, then run 'tapestory alerts DB --send'"
        self.failures += 1
        self._run.fail(
            Failure(
                stage="alerts",
                item=item,
                kind=type(error).__name__,
                message=message,
                advice=f"{advice}; {rest}" if rest else advice,
            )
        )
        return message

    def _path(self, channel: Channel) -> Path:
        return self._settings.base_dir / channel.path

    def finish(self) -> None:
        """Close the row of the run, where there is one."""
        counts = {"sent": self.sent, "failed": self.failures}
        self._run.finish(now=self._now, counts=counts, code=3 if self.failures else 0)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    partial = path.with_name(f".{path.name}.tmp")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {str(path.parent)!r}: make it, or change 'path'")
